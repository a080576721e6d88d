"""A module called with tensors in the place of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.func import functional_call


class BoundModel:
    """What an objective is given for a model: it can be called, and its parameters asked for.

    >>> layer = nn.Linear(1, 1, bias=False)
    >>> bound = BoundModel(layer, {"weight": torch.full((1, 1), 3.0)})
    >>> bound(torch.ones(1)), [float(one) for one in bound.parameters()]
    (tensor([3.]), [3.0])
    """

    def __init__(self, module: nn.Module, tensors: Mapping[str, torch.Tensor], *, tied: bool = True) -> None:
        self.module, self.tensors, self.tied = module, dict(tensors), tied

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return functional_call(self.module, self.tensors, arguments, named, tie_weights=self.tied)

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Those of the module, with the tensors in their place."""
        return ((name, self.tensors.get(name, own)) for name, own in self.module.named_parameters())

    def parameters(self) -> Iterator[torch.Tensor]:
        """The same without names."""
        return (tensor for _, tensor in self.named_parameters())
