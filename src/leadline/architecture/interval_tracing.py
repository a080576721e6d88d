"""Follow, operator by operator, which indices of the input every tensor of a running model depends on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

# The next three fill the registry of rules.
import leadline.architecture.arrangement_intervals
import leadline.architecture.mixing_intervals
import leadline.architecture.window_intervals  # noqa: F401
from leadline.architecture.arrangement_intervals import elementwise
from leadline.architecture.interval_maps import (
    IntervalMap,
    MapTooLarge,
    compressed,
    each,
    empty_map,
    identity_map,
    union,
)
from leadline.architecture.interval_rules import RULES, OperatorCall, bind, plain_name
from leadline.architecture.meta_execution import MetaTwins
from leadline.architecture.mixing_intervals import UNREAD_MASK
from leadline.core.operator_modes import OperatorMode

_LARGE = 1 << 22  # elements of one bound of a map: beyond, the map is replaced by its hull
_LARGE_ON_TRIAL = 1 << 20
_BATCH_STATISTICS = "batch norm in training mode also sees all positions of the batch; it is taken as elementwise"
_HULL = "a map too large to keep was replaced by its hull: upper bound"


class TooCostly(Exception):  # noqa: N818 - ends a trial run, never reaches a caller
    """A trial run took more operators or larger maps than it was allowed."""


@dataclass(frozen=True, eq=False)
class _View:
    tensor: Tensor
    base: Tensor
    call: OperatorCall
    place: int  # which of the operator's outputs

    def of(self, values: Tensor) -> Tensor:
        """The same view of other values of the base's shape."""
        arguments = self.call.arguments
        again = {name: values if one is self.base else one for name, one in arguments.items()}
        return tree_leaves(self.call.operator(**again))[self.place]


class IntervalTracing(OperatorMode):
    """Keeps the map of every tensor that depends on `signal` while the body of the `with` statement runs.

    Args:
        signal: the input whose indices are followed.
        axes: the followed axes of the input.
        twins: runs operators on meta; None runs them for real.
        allowed: how many operators may run before `TooCostly` is raised; None for any number.
    """

    def __init__(
        self, signal: Tensor, axes: Sequence[int], twins: MetaTwins | None, allowed: int | None = None
    ) -> None:
        super().__init__()
        self._maps: dict[int, IntervalMap] = {id(signal): identity_map(signal.shape, axes)}
        self._bounds = 2 * len(axes)
        self._alive: list[Any] = [signal]  # an id is its tensor's as long as that lives; on meta that costs nothing
        self._views: dict[int, _View] = {}
        self._twins, self._allowed = twins, allowed
        self._limit = _LARGE if allowed is None else _LARGE_ON_TRIAL
        self.operators = 0
        self.caveats: dict[str, None] = {}  # an ordered set

    def map_of(self, tensor: Tensor) -> IntervalMap:
        """What the tensor sees; nothing, where it does not depend on the input."""
        return self._maps.get(id(tensor)) or empty_map(tensor.ndim, self._bounds)

    def __torch_dispatch__(
        self, operator: OpOverload, types: Any, arguments: tuple = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        keywords = keywords or {}
        tensors = [one for one in tree_leaves((arguments, keywords)) if isinstance(one, Tensor)]
        depends = any(id(one) in self._maps for one in tensors)
        if depends and _must_be_decomposed(operator):
            with self:
                result = operator.decompose(*arguments, **keywords)
            if result is not NotImplemented:
                return result
        self._count()
        result = self._twins.run(operator, arguments, keywords) if self._twins else operator(*arguments, **keywords)
        outputs = [one for one in tree_leaves(result) if isinstance(one, Tensor)]
        self._alive += [*tensors, *outputs]
        call = OperatorCall(operator, bind(operator, arguments, keywords), outputs, self._maps, self._limit)
        changed = arguments[0] if _writes_first_argument(operator) else None
        if changed is None and tensors:
            self._remember_views(call, tensors[0])
        if depends and outputs:
            maps = self._maps_of(call)
            self._maps.update({id(output): seen for output, seen in zip(outputs, maps, strict=True)})
            if isinstance(changed, Tensor):
                self._maps[id(changed)] = maps[0]
                self._write_through(changed)
        return result

    def _count(self) -> None:
        self.operators += 1
        if self._allowed is not None and self.operators > self._allowed:
            raise TooCostly

    def _maps_of(self, call: OperatorCall) -> list[IntervalMap]:
        name = call.name
        if name == "masked_fill" and call.map_of("mask") is None:
            call.caveats.append(UNREAD_MASK)
        if name == "batch_norm" and call.arguments["training"]:
            call.caveats.append(_BATCH_STATISTICS)
        known = RULES.get(name) or (elementwise if torch.Tag.pointwise in call.operator.tags else None)
        try:
            result = known(call) if known else None
        except MapTooLarge:
            result = self._hulls(call, _HULL)
        if result is None and id(call.outputs[0]) in self._views:
            result = [self._through(self._views[id(output)]) for output in call.outputs]
        if result is None:
            result = self._hulls(call, f"{name}: no rule for this call: taken to see all its inputs (upper bound)")
        maps: list[IntervalMap] = list(result) if isinstance(result, list) else [result] * len(call.outputs)
        if any(bound.numel() > self._limit for one in maps for bound in one):
            maps = self._hulls(call, _HULL)
        self.caveats.update(dict.fromkeys(call.caveats))
        return maps

    def _hulls(self, call: OperatorCall, caveat: str) -> list[IntervalMap]:
        """Every output sees all that any input sees."""
        if self._allowed is not None and caveat == _HULL:
            raise TooCostly
        call.caveats.append(caveat)
        seen = [self._maps[id(one)] for one in tree_leaves(call.arguments) if id(one) in self._maps]
        hulls = [tuple(bound.amin() for bound in one) for one in seen]
        return [union(hulls, output.ndim) for output in call.outputs]

    def _remember_views(self, call: OperatorCall, base: Tensor) -> None:
        if not any(result.alias_info for result in call.operator._schema.returns):
            return
        storage = base.untyped_storage()._cdata
        for place, output in enumerate(call.outputs):
            same_numbers = output is not base and output.dtype == base.dtype  # not the real parts of complex ones
            if same_numbers and output.untyped_storage()._cdata == storage:
                self._views[id(output)] = _View(output, base, call, place)

    def _through(self, view: _View) -> IntervalMap:
        # Expanded, a map has stride 0 wherever it is constant, and so has every view of it: nothing is copied.
        return each(self.map_of(view.base), lambda bound: view.of(bound.expand(view.base.shape)))

    def _write_through(self, changed: Tensor) -> None:
        """What was written to a view is seen by its base too, and by the other views of the base."""
        dirty, tensor = {id(changed)}, changed
        while id(tensor) in self._views:
            view = self._views[id(tensor)]
            pairs = zip(self.map_of(view.base), self.map_of(tensor), strict=True)
            self._maps[id(view.base)] = tuple(_overwritten(old, new, view) for old, new in pairs)
            dirty.add(id(view.base))
            tensor = view.base
        for key, view in self._views.items():
            if id(view.base) in dirty and key not in dirty:
                self._maps[key] = self._maps_of(view.call)[view.place]
                dirty.add(key)


def _overwritten(old: Tensor, new: Tensor, view: _View) -> Tensor:
    shape = view.base.shape
    if shape.numel() <= _LARGE:
        full = old.expand(shape).clone(memory_format=torch.contiguous_format)
        place = view.of(full)
        if place.untyped_storage()._cdata == full.untyped_storage()._cdata:
            place.copy_(new)
            return compressed(full)
    return torch.minimum(old, new.amin())


def _must_be_decomposed(operator: OpOverload) -> bool:
    if plain_name(operator) in RULES or torch.Tag.pointwise in operator.tags:
        return False
    return torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "CompositeImplicitAutograd")


def _writes_first_argument(operator: OpOverload) -> bool:
    declared = operator._schema.arguments
    return bool(declared and declared[0].alias_info and declared[0].alias_info.is_write)
