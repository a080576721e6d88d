"""A small feed-forward network as named numbers: layers, units, weights and biases, those that share a name tied."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch import nn

from leadline.core import InputError
from leadline.optimization.activation_rules import ActivationRule, activation_rule

_MOST_PARAMETERS = 5000  # more rows than anyone reads


@dataclass(frozen=True)
class Layer:
    """An affine map and the activations behind it; a network may also open with activations alone (no weights).

    Args:
        weights: names of the weights, (units, inputs) as torch lays them out.
        biases: names of the biases, one per unit, or none.
        rules: the activations, in order.
        stages: names of the units' values: after the affine map, then after each activation.
    """

    weights: np.ndarray | None
    biases: tuple[str, ...]
    rules: tuple[ActivationRule, ...]
    stages: tuple[tuple[str, ...], ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The names of what the layer hands on."""
        return self.stages[-1]


@dataclass(frozen=True)
class FeedForward:
    """The whole network; `parameters` holds every weight and bias by name, in the order in which they first occur."""

    inputs: tuple[str, ...]
    layers: tuple[Layer, ...]
    targets: tuple[str, ...]
    loss: str
    parameters: dict[str, float]


def read_network(model: nn.Module, names: Mapping[str, Any] | None) -> FeedForward:
    """The network with the caller's names, and sensible ones where the caller gives none."""
    modules = list(_modules_in_order(model))
    rules = {path: activation_rule(module) for path, module in modules if type(module) is not nn.Linear}
    affines = [module for _, module in modules if type(module) is nn.Linear]
    if not affines or sum(p.numel() for p in model.parameters()) > _MOST_PARAMETERS:
        raise InputError(
            "worked_backprop",
            expected=f"between one and {_MOST_PARAMETERS} weights and biases",
            got=f"{sum(p.numel() for p in model.parameters())}",
            remedy="work a small network by hand",
        )
    if any(parameter.is_meta or not parameter.isfinite().all() for parameter in model.parameters()):
        raise InputError("worked_backprop", expected="finite weights and biases in memory",
                         got="some that are nan, infinite or on meta", remedy="give the model values")  # fmt: skip
    labels = _Names(names or {}, modules)
    width = affines[0].in_features
    inputs = labels.strings("inputs", (width,), [f"x{i}" for i in range(1, width + 1)])
    parameters: dict[str, float] = {}
    layers, depth = [], 0
    for group in _group(modules):
        prefix = "a"  # activations of the inputs, before the first affine map
        if isinstance(group[0][1], nn.Linear):
            width, depth = _fitting(group[0][1], width), depth + 1
            prefix = "o" if depth == len(affines) else "h" if len(affines) == 2 else f"h{depth}_"
        layers.append(_layer(group, [f"{prefix}{i}" for i in range(1, width + 1)], rules, labels, parameters))
    targets = labels.strings("targets", (width,), [f"t{i}" for i in range(1, width + 1)])
    loss = labels.strings("loss", (), "E")
    return FeedForward(_flat(inputs), tuple(layers), _flat(targets), str(loss), parameters)


def _modules_in_order(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    if type(module) is nn.Sequential:
        for key in module._modules:  # the keys; iterating the module would lose them, named_children skips repeats
            yield from _modules_in_order(module.get_submodule(key), f"{path}.{key}" if path else key)
    else:
        yield path, module


def _group(modules: list[tuple[str, nn.Module]]) -> list[list[tuple[str, nn.Module]]]:
    groups: list[list[tuple[str, nn.Module]]] = []
    for path, module in modules:
        if type(module) is nn.Linear or not groups:
            groups.append([])
        groups[-1].append((path, module))
    return groups


def _fitting(affine: nn.Linear, width: int) -> int:
    if affine.in_features != width:
        raise InputError(
            "worked_backprop",
            expected=f"a Linear layer of {width} inputs behind {width} units",
            got=f"{affine.in_features} inputs",
            remedy="make the layers' sizes match",
        )
    return affine.out_features


def _layer(
    group: list[tuple[str, nn.Module]],
    defaults: list[str],
    rules: dict[str, ActivationRule],
    names: "_Names",
    parameters: dict[str, float],
) -> Layer:
    first = group[0][1]
    units = _flat(names.strings(group[-1][0], (len(defaults),), defaults))
    weights, biases = None, ()
    if isinstance(first, nn.Linear):
        weights = names.parameter_names(first.weight)
        _add_values(parameters, weights, first.weight)
        if first.bias is not None:
            biases = _flat(names.parameter_names(first.bias))
            _add_values(parameters, np.array(biases), first.bias)
    stages = []
    for place, (path, _) in enumerate(group[:-1]):
        kind = "net" if isinstance(first, nn.Linear) and place == 0 else f"act{place}"
        stages.append(_flat(names.strings(path, (len(units),), [f"{kind}_{unit}" for unit in units])))
    return Layer(weights, biases, tuple(rules[path] for path, _ in group if path in rules), (*stages, units))


def _add_values(parameters: dict[str, float], names: np.ndarray, values: torch.Tensor) -> None:
    for name, value in zip(names.flat, values.detach().double().cpu().flatten().tolist(), strict=True):
        if parameters.setdefault(name, value) != value:
            raise InputError(
                "worked_backprop",
                expected=f"equal values where {name} stands, because entries of one name are one parameter",
                got=f"{parameters[name]!r} and {value!r}",
                remedy="give the entries their own names, or equal values",
            )


def _flat(names: np.ndarray) -> tuple[str, ...]:
    return tuple(str(name) for name in names.flat)


def _numbered(letter: str, taken: set[str]) -> Iterator[str]:
    return (name for name in (f"{letter}{i}" for i in count(1)) if name not in taken)


class _Names:
    """The caller's names by path, checked, and default names for the rest."""

    def __init__(self, given: Mapping[str, Any], modules: list[tuple[str, nn.Module]]) -> None:
        self.given = {key: np.asarray(value) for key, value in given.items()}
        self.of_parameter: dict[int, np.ndarray] = {}
        parameters = {f"{path}.{kind}" if path else kind: parameter
                      for path, module in modules for kind, parameter in module.named_parameters()}  # fmt: skip
        known = ["inputs", "targets", "loss", *(path for path, _ in modules), *parameters]
        for key, value in self.given.items():
            if key not in known:
                self._refuse(f"a key among {', '.join(repr(one) for one in known)}", repr(key))
            if not all(isinstance(name, str) and name.isidentifier() for name in value.ravel().tolist()):
                self._refuse(f"letters, digits and underscores in the names of {key!r}", str(value.tolist()))
        taken = {name for value in self.given.values() for name in value.ravel().tolist()}
        for key, parameter in parameters.items():  # one Parameter used twice has one set of names
            if key in self.given:
                chosen = self.strings(key, tuple(parameter.shape), "")
                if (self.of_parameter.setdefault(id(parameter), chosen) != chosen).any():
                    self._refuse("the same names wherever one parameter is used", f"other names in {key!r}")
        fresh = {"weight": _numbered("w", taken), "bias": _numbered("b", taken)}
        for key, parameter in parameters.items():
            if id(parameter) not in self.of_parameter:
                names = np.array(list(islice(fresh[key.rpartition(".")[2]], parameter.numel())))
                self.of_parameter[id(parameter)] = names.reshape(parameter.shape)

    def parameter_names(self, parameter: torch.Tensor) -> np.ndarray:
        return self.of_parameter[id(parameter)]

    def strings(self, key: str, shape: tuple[int, ...], default: Any) -> np.ndarray:
        """The names under `key`; one name given for several entries ties them all."""
        names = self.given.get(key, np.asarray(default))
        if names.shape not in ((), shape):
            self._refuse(f"names of shape {shape} for {key!r}, or one name", f"shape {names.shape}")
        return np.broadcast_to(names, shape)

    @staticmethod
    def _refuse(expected: str, got: str) -> None:
        raise InputError("worked_backprop", expected=expected, got=got, remedy="mend `names`")
