"""Watch a model run and note what every operator call costs."""

import weakref
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from torch import Tensor
from torch._ops import OpOverload

from leadline.architecture.conventions import Kind
from leadline.architecture.meta_execution import MetaTwins
from leadline.architecture.module_calls import CallStack, Frame
from leadline.architecture.operator_costs import Cost, has_bias, macs_of, taps_of
from leadline.architecture.operator_kinds import kind_of
from leadline.core.operator_modes import OperatorMode


class OperatorCall(NamedTuple):
    """One call: who made it and what it costs, before any convention."""

    frame: Frame
    name: str
    kind: Kind
    macs: int
    taps: int  # elements read by pooling and upsampling
    elements: int  # of the results
    biased: int  # elements to which a bias is added
    read: int  # elements of the first argument
    allocated: int  # elements of results that are not views of an argument
    allocated_bytes: int


@dataclass(frozen=True, eq=False)
class _Rule:
    name: str
    kind: Kind
    macs: Cost | None
    taps: Cost | None
    aliases: bool  # by its schema: a view, or in place


@cache
def _rule_of(operator: OpOverload) -> _Rule | None:
    kind = kind_of(operator)
    if kind is None:
        return None
    name = operator._schema.name.split("::")[1]
    aliases = any(one.alias_info is not None for one in operator._schema.returns)
    # A schema may promise a view (reshape, to, contiguous) and still copy: those are looked at when they run.
    return _Rule(name, kind, macs_of(name), taps_of(name, kind), aliases and operator._schema.is_mutable)


class OperatorWatch(OperatorMode):
    """A dispatch mode that records every call and the bytes alive at any moment.

    Use it under `torch.inference_mode()`: there composite operators (linear, attention, recurrent layers) arrive whole,
    the same on every device. Operators it has no rule for are taken apart where PyTorch can, else listed.
    """

    def __init__(self, stack: CallStack, meta: MetaTwins | None) -> None:
        super().__init__()
        self.calls: list[OperatorCall] = []
        self.uncounted: dict[str, int] = {}
        self.peak_bytes = 0
        self._stack, self._meta = stack, meta
        self._live_bytes = 0
        self._storages: dict[int, Any] = {}

    def __torch_dispatch__(
        self, operator: OpOverload, types: Any, arguments: tuple = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        keywords = keywords or {}
        rule = _rule_of(operator)
        if rule is None:
            with self:
                parts = operator.decompose(*arguments, **keywords)
            if parts is not NotImplemented:
                return parts
            name = str(operator)
            self.uncounted[name] = self.uncounted.get(name, 0) + 1
        result = self._meta.run(operator, arguments, keywords) if self._meta else operator(*arguments, **keywords)
        if rule is not None and rule.kind != "free":
            self._note(rule, arguments, keywords, result)
        return result

    def watch(self, inputs: list[Tensor]) -> None:
        """Count the model's inputs as alive."""
        for tensor in inputs:
            self._allocated(tensor)

    def _note(self, rule: _Rule, arguments: tuple, keywords: dict, result: Any) -> None:
        outputs = [result] if isinstance(result, Tensor) else [one for one in result or () if isinstance(one, Tensor)]
        if not outputs:
            return
        first = outputs[0]
        elements = sum([output.numel() for output in outputs])
        read = arguments[0].numel() if arguments and isinstance(arguments[0], Tensor) else elements
        allocated = allocated_bytes = 0
        if not rule.aliases:
            given = {one.untyped_storage()._cdata for one in arguments if isinstance(one, Tensor)}
            for output in outputs:
                if output.untyped_storage()._cdata not in given:
                    allocated += output.numel()
                    allocated_bytes += self._allocated(output)
        call = OperatorCall(
            self._stack.frames[-1],
            rule.name,
            rule.kind,
            rule.macs(arguments, keywords, first) if rule.macs else 0,
            rule.taps(arguments, keywords, first) if rule.taps else 0,
            elements,
            elements if rule.kind in ("convolution", "linear") and has_bias(rule.name, arguments) else 0,
            read,
            allocated,
            allocated_bytes,
        )
        self.calls.append(call)

    def _allocated(self, tensor: Tensor) -> int:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._storages:
            self._live_bytes += size
            self.peak_bytes = max(self.peak_bytes, self._live_bytes)
            self._storages[key] = weakref.ref(storage, lambda _: self._freed(key, size))
        return size

    def _freed(self, key: int, size: int) -> None:
        self._live_bytes -= size
        self._storages.pop(key, None)


def floating_point_operations(call: OperatorCall) -> int:
    """FLOPs of a call by one rule: two per multiply-accumulate, one per bias added, one per element that an elementwise
    operator or an activation makes, four per normalized element (subtract, divide, scale, shift), one per element that
    pooling, interpolation (two) and reductions read; copies, views, lookups and creation are free."""
    if call.kind in ("activation", "elementwise"):
        return call.elements
    if call.kind == "normalization":
        return 4 * call.read
    if call.kind == "pooling":
        return call.taps
    if call.kind == "upsampling":
        return 2 * call.taps if call.taps > call.elements else 0
    if call.kind == "reduction":
        return call.read
    return 2 * call.macs + call.biased
