"""Elementwise activations forward and backward by hand: what autograd does, without recording it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_aten: Any = torch.ops.aten
_Forward = Callable[[Any, torch.Tensor], torch.Tensor]  # (module, pre-activation) -> activation
_Backward = Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]  # (module, gradient, kept) -> gradient

# Those that keep the activation may overwrite the pre-activation; those that keep the pre-activation may not.
# All may overwrite the gradient.
_OVERWRITING: dict[type[nn.Module], tuple[_Forward, _Backward]] = {
    nn.ReLU: (lambda m, z: z.relu_(), lambda m, g, a: _aten.threshold_backward(g, a, 0, grad_input=g)),
    nn.Tanh: (lambda m, z: z.tanh_(), lambda m, g, a: _aten.tanh_backward(g, a, grad_input=g)),
    nn.Sigmoid: (lambda m, z: z.sigmoid_(), lambda m, g, a: _aten.sigmoid_backward(g, a, grad_input=g)),
}
_KEEPING: dict[type[nn.Module], tuple[_Forward, _Backward]] = {
    nn.LeakyReLU: (
        lambda m, z: functional.leaky_relu(z, m.negative_slope),
        lambda m, g, z: _aten.leaky_relu_backward(g, z, m.negative_slope, False),
    ),
    nn.ELU: (lambda m, z: functional.elu(z, m.alpha), lambda m, g, z: _aten.elu_backward(g, m.alpha, 1, 1, False, z)),
    nn.GELU: (
        lambda m, z: functional.gelu(z, approximate=m.approximate),
        lambda m, g, z: _aten.gelu_backward(g, z, approximate=m.approximate),
    ),
    nn.SiLU: (lambda m, z: functional.silu(z), lambda m, g, z: _aten.silu_backward(g, z)),
    nn.Softplus: (
        lambda m, z: functional.softplus(z, m.beta, m.threshold),
        lambda m, g, z: _aten.softplus_backward(g, z, m.beta, m.threshold),
    ),
}


def has_passes(module: nn.Module) -> bool:
    """Whether the passes of this module are known.

    >>> has_passes(nn.GELU()), has_passes(nn.Softmax(1))
    (True, False)
    """
    return type(module) in (_OVERWRITING | _KEEPING)


def forward_pass(activation: nn.Module, before: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The activations, and what the backward pass wants to see again; `before` may be overwritten.

    >>> forward_pass(nn.ReLU(), torch.tensor([-1.0, 2.0]))[0]
    tensor([0., 2.])
    """
    if type(activation) in _OVERWRITING:
        after = _OVERWRITING[type(activation)][0](activation, before)
        return after, after
    return _KEEPING[type(activation)][0](activation, before), before


def backward_pass(activation: nn.Module, gradient: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """The gradient in the pre-activations from that in the activations, which may be overwritten.

    >>> backward_pass(nn.ReLU(), torch.tensor([5.0, 5.0]), torch.tensor([0.0, 2.0]))
    tensor([0., 5.])
    """
    return (_OVERWRITING.get(type(activation)) or _KEEPING[type(activation)])[1](activation, gradient, kept)
