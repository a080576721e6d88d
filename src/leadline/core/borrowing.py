"""Use a caller's module and give it back exactly as it was, or a copy of it."""

import copy
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from leadline.core.errors import InputError
from leadline.core.seeds import random_state_kept


@contextmanager
def borrow(model: nn.Module, *, training: bool | None = None, copy_parameters: bool = False) -> Iterator[nn.Module]:
    """Lend `model` to the body of a `with` statement; afterwards nothing about it has changed.

    Given back, also after an exception: training mode, hooks, submodules, attributes, which tensor is which
    parameter or buffer, `requires_grad`, `.grad`, the values of buffers, and every global random state.
    Parameter values are copied only when the body may write to them (`copy_parameters=True`): copies cost memory.
    Those of embeddings with `max_norm` always are: they write to them whenever they are called.

    Args:
        model: the caller's module.
        training: the mode to put the module in for the body; None leaves it.
        copy_parameters: also restore parameter values.

    >>> layer = nn.BatchNorm1d(2)
    >>> with borrow(layer, training=True):
    ...     _ = layer(torch.randn(8, 2))
    >>> int(layer.num_batches_tracked)
    0
    """
    modules = list(model.modules())
    attributes = [(module, type(module), _shallow(module.__dict__)) for module in modules]
    values = [(buffer, buffer.detach().clone()) for buffer in _materialized(model.buffers())]
    parameters = list(model.parameters())
    gradients = [(parameter, parameter.requires_grad, parameter.grad) for parameter in parameters]
    gradient_values = [(p.grad, p.grad.detach().clone()) for p in parameters if p.grad is not None]
    for module in modules:
        if copy_parameters or getattr(module, "max_norm", None) is not None:
            values += [(one, one.detach().clone()) for one in _materialized(module.parameters(recurse=False))]
    with random_state_kept():
        try:
            if training is not None:
                model.train(training)
            yield model
        finally:
            for module, kind, attribute in attributes:
                module.__class__ = kind
                module.__dict__.clear()
                module.__dict__.update(attribute)
            for parameter, requires_grad, gradient in gradients:
                parameter.requires_grad_(requires_grad).grad = gradient
            with torch.no_grad():
                for tensor, value in values + gradient_values:
                    tensor.copy_(value)


def twin(model: nn.Module) -> nn.Module:
    """A deep copy. What layers kept of a forward pass, such as activations, is there as plain numbers.

    Raises:
        InputError: something that the model holds cannot be copied.

    >>> layer = nn.Linear(1, 1)
    >>> layer.kept = layer(torch.ones(1))
    >>> twin(layer).kept.requires_grad
    False
    """
    kept = [value for module in model.modules() for value in vars(module).values() if isinstance(value, torch.Tensor)]
    try:
        return copy.deepcopy(model, {id(value): value.detach().clone() for value in kept if not value.is_leaf})
    except (RuntimeError, TypeError) as error:
        raise InputError("copying a model", expected="a module that copy.deepcopy can copy", got=str(error),
                         remedy="delete what it kept of a forward pass, or pass a factory") from error  # fmt: skip


def _shallow(attributes: dict[str, Any]) -> dict[str, Any]:
    # The containers (hooks, parameters, submodules, any other dictionary or list) are what a forward edits in place.
    return {name: value.copy() if type(value) in _CONTAINERS else value for name, value in attributes.items()}


_CONTAINERS = (dict, OrderedDict, defaultdict, list, set)


def _materialized(tensors: Any) -> Iterator[torch.Tensor]:
    return (tensor for tensor in tensors if not nn.parameter.is_lazy(tensor) and tensor.device.type != "meta")
