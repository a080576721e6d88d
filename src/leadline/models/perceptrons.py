"""Multilayer perceptrons: affine maps with one scalar activation between them."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from leadline.core import InputError


def mlp(widths: Sequence[int], *, activation: Callable[[], nn.Module] = nn.ReLU, bias: bool = True) -> nn.Sequential:
    """Linear layers from width to width, an activation after each but the last.

    Args:
        widths: the number of inputs, of units of each hidden layer, and of outputs.
        activation: makes one activation module; called once per hidden layer.
        bias: do the linear layers have biases?

    Returns:
        An `nn.Sequential` from (..., widths[0]) to (..., widths[-1]).

    Raises:
        InputError: fewer than two widths, or one below 1.

    >>> [type(layer).__name__ for layer in mlp([4, 8, 2])]
    ['Linear', 'ReLU', 'Linear']
    """
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(
            "mlp", expected="two or more widths of at least 1", got=repr(list(widths)), remedy="pass e.g. [784, 64, 10]"
        )
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [activation()] if layers else []
        layers += [nn.Linear(inputs, outputs, bias=bias)]
    return nn.Sequential(*layers)
