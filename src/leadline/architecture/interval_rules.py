"""One call of an operator, and the registry of rules that say which inputs its outputs see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from leadline.architecture.interval_maps import IntervalMap, each, spread


@dataclass(eq=False)
class OperatorCall:
    """An operator with its arguments by name, its outputs, and the maps of the tensors that depend on the input."""

    operator: OpOverload
    arguments: dict[str, Any]
    outputs: list[Tensor]
    maps: dict[int, IntervalMap]  # by the tensor's id
    limit: int  # elements that one bound of a map may have
    caveats: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The operator's name without namespace, overload and the underscore of in-place variants."""
        return plain_name(self.operator)

    def map_of(self, argument: str) -> IntervalMap | None:
        """The map of a tensor argument; None where it does not depend on the input."""
        return self.maps.get(id(self.arguments.get(argument)))

    def mapped(self) -> list[tuple[str, IntervalMap]]:
        """Every argument that depends on the input, with its map."""
        return [(name, self.maps[id(one)]) for name, one in self.arguments.items() if id(one) in self.maps]

    def with_all_of(self, interval_map: IntervalMap, *names: str) -> IntervalMap:
        """The map joined with everything that any element of the other named arguments sees (e.g. computed weights)."""
        for name in names:
            for one in _flat(self.arguments.get(name)):
                other = self.maps.get(id(one))
                if other is not None:
                    interval_map = tuple(
                        torch.minimum(mine, bound.amin()) for mine, bound in zip(interval_map, other, strict=True)
                    )
        return interval_map

    def only(self, *names: str) -> IntervalMap | None:
        """The map of the first of the named arguments that depends on the input."""
        return next((found for name in names if (found := self.map_of(name)) is not None), None)


Rule = Callable[[OperatorCall], "IntervalMap | list[IntervalMap] | None"]  # one for all outputs, or one for each
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for operators by their plain names."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def plain_name(operator: OpOverload) -> str:
    """`aten::relu_` -> `relu`."""
    return operator._schema.name.split("::")[-1].rstrip("_")


def bind(operator: OpOverload, positional: Sequence[Any], keywords: dict[str, Any]) -> dict[str, Any]:
    """All arguments of a call by name, defaults included."""
    declared = operator._schema.arguments
    values = {argument.name: argument.default_value for argument in declared if argument.has_default_value()}
    values |= {argument.name: value for argument, value in zip(declared, positional, strict=False)}
    return values | keywords


def whole(interval_map: IntervalMap, axes: Sequence[int]) -> IntervalMap:
    """Every element sees all that its line along the axes sees; size 1 along them."""
    return each(interval_map, lambda bound: bound.amin(list(axes), keepdim=True)) if axes else interval_map


def up_to_here(interval_map: IntervalMap, shape: Sequence[int], axis: int) -> IntervalMap:
    """Every element sees what all elements before it along the axis, and it itself, see."""
    return each(interval_map, lambda bound: spread(bound, shape, [axis]).cummin(axis).values)


def listed(value: Any, length: int) -> list[int]:
    """An operator's list argument, which may be one number for all axes."""
    values = [value] if isinstance(value, int) else list(value)
    return values * length if len(values) == 1 else values


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
