"""The theory of wide random layers: second moments predicted layer by layer, forward and back.

Weights are taken as independent with mean zero, so that what enters an activation is normal with a known second moment.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from leadline.core import InputError
from leadline.initialization.gains import second_moments
from leadline.initialization.layer_signals import Passage
from leadline.initialization.scalar_functions import scalar_function

_PASSING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)
_CONVOLUTIONS = {nn.Conv1d: F.conv1d, nn.Conv2d: F.conv2d, nn.Conv3d: F.conv3d}


@dataclass(frozen=True)
class Rule:
    """What a layer does to second moments: forward `q * gain + shift`, back `g * back`."""

    gain: float
    shift: float
    back: float


def is_plain(model: nn.Module) -> bool:
    """Is it a stack, of stacks perhaps, in which every layer is called once, in order?"""
    if type(model) is nn.Sequential:
        return all(is_plain(one) for one in model)
    return not any(model.children())


def predicted(
    layers: Iterable[Passage], input_moment: float
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]:
    """Second moments of every layer's output and of the gradient there; nan from a layer without a rule on.

    The gradient at the last output has second moment 1.
    """
    layers, moment = list(layers), input_moment
    forward, rules, notes = [], [], []
    for layer in layers:
        rule = _rule(layer, moment) if math.isfinite(moment) else None
        if rule is None and math.isfinite(moment):
            notes.append(f"{layer.name} ({type(layer.module).__name__}) has no rule: predictions end before it")
        moment = rule.gain * moment + rule.shift if rule else math.nan
        forward.append(moment)
        rules.append(rule)
    gradient, backward = 1.0, [1.0]
    for rule in reversed(rules[1:]):
        gradient = gradient * rule.back if rule else math.nan
        backward.append(gradient)
    return tuple(forward), tuple(reversed(backward[: len(layers)])), tuple(notes)


def _rule(layer: Passage, moment: float) -> Rule | None:
    module = layer.module
    if isinstance(module, _PASSING) and not (isinstance(module, nn.Dropout) and module.training):
        return Rule(1.0, 0.0, 1.0)
    if isinstance(module, nn.Dropout):
        kept = 1 - module.p
        return Rule(1 / kept, 0.0, 1 / kept) if kept else None
    if isinstance(module, nn.Linear):
        size = layer.weight_moment
        return Rule(size * module.in_features, layer.bias_moment, size * module.out_features)
    if type(module) in _CONVOLUTIONS:
        return _convolution(layer, module)
    return _activation(layer, moment)


def _convolution(layer: Passage, module: nn.Module) -> Rule | None:
    """Taps that meet the padding carry nothing: counted by convolving ones with ones."""
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    if isinstance(module.padding, str) or module.padding_mode != "zeros":
        return None
    spatial = layer.input_shape[-len(module.kernel_size) :]
    convolve = _CONVOLUTIONS[type(module)]
    taps = convolve(torch.ones(1, 1, *spatial), torch.ones(1, 1, *module.kernel_size), None, module.stride,
                    module.padding, module.dilation)  # fmt: skip
    used = float(taps.sum())
    per_output = used / taps.numel() * module.in_channels / module.groups
    per_input = used / math.prod(spatial) * module.out_channels / module.groups
    return Rule(layer.weight_moment * per_output, layer.bias_moment, layer.weight_moment * per_input)


def _activation(layer: Passage, moment: float) -> Rule | None:
    try:
        function = scalar_function(layer.module, operation="signal_propagation")
        values, slopes = second_moments(function, math.sqrt(moment))
    except InputError:  # not elementwise
        return None
    return Rule(0.0, values, slopes)
