"""Parameters and buffers of a module, by owner, each tensor counted once however many names it has."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leadline.architecture.conventions import Convention

_NORMALIZATIONS: tuple[type[nn.Module], ...] = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """What one module owns itself (not its children), without what a module before it already owned."""

    weights: int = 0
    biases: int = 0
    trainable: int = 0
    parameter_bytes: int = 0
    buffers: int = 0
    buffer_bytes: int = 0


def parameter_counts(model: nn.Module, convention: Convention) -> dict[int, ParameterCount]:
    """id of each submodule -> what it owns, under the convention."""
    seen: set[tuple] = set()
    counts = {}
    for module in model.modules():
        if not module._parameters and not module._buffers:
            continue
        own = {name: one for name, one in module._parameters.items() if one is not None and _is_new(one, seen)}
        if isinstance(module, _NORMALIZATIONS) and not convention.normalization:
            own = {}
        biases = {name: one for name, one in own.items() if _is_bias(name)}
        counted = own if convention.biases else {name: own[name] for name in own.keys() - biases.keys()}
        buffers = [one for one in module._buffers.values() if one is not None and _is_new(one, seen)]
        counts[id(module)] = ParameterCount(
            weights=sum(own[name].numel() for name in own.keys() - biases.keys()),
            biases=sum(biases[name].numel() for name in biases.keys() & counted.keys()),
            trainable=sum(one.numel() for one in counted.values() if one.requires_grad),
            parameter_bytes=sum(one.numel() * one.element_size() for one in counted.values()),
            buffers=sum(one.numel() for one in buffers),
            buffer_bytes=sum(one.numel() * one.element_size() for one in buffers),
        )
    return counts


def shared_parameters(model: nn.Module) -> tuple[tuple[str, ...], ...]:
    """Groups of names that stand for one tensor."""
    names: dict[tuple, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(_identity(parameter), []).append(name)
    return tuple(tuple(group) for group in names.values() if len(group) > 1)


def _is_bias(name: str) -> bool:
    return name.startswith("bias") or name.endswith("bias")


def _is_new(tensor: Tensor, seen: set[tuple]) -> bool:
    identity = _identity(tensor)
    is_new = identity not in seen
    seen.add(identity)
    return is_new


def _identity(tensor: Tensor) -> tuple:
    # Two Parameter objects over the same memory are one set of numbers.
    if nn.parameter.is_lazy(tensor) or tensor.layout != torch.strided:
        return (id(tensor),)
    return tensor.untyped_storage()._cdata, tensor.storage_offset(), tuple(tensor.shape), tensor.stride()
