"""Run a model on the meta device, where tensors have shapes and no memory, without moving or touching the model.

Parameters and buffers are replaced by meta twins at the moment an operator receives them. Other real tensors
(constants that a forward makes) stay real as long as they meet only each other, so `float(buffer)` and
`torch.arange(n).max().item()` work; they become meta when they meet one.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload

from leadline.architecture.meta_limits import refuse_what_kernels_refuse
from leadline.architecture.operator_kinds import kind_of
from leadline.architecture.recurrent_costs import result_on_meta
from leadline.core.operator_modes import OperatorMode

_META = torch.device("meta")
_LARGE = 1 << 16  # elements; smaller constants are kept real
_SEQUENCES = frozenset(("aten::lstm", "aten::gru", "aten::rnn_tanh", "aten::rnn_relu"))
_READS_A_VALUE = frozenset((torch.ops.aten.item.default, torch.ops.aten._local_scalar_dense.default))

# What an operator returns on meta follows from its arguments' metadata alone, and PyTorch works it out in Python,
# slowly: remember it. Size, stride and type per result; _RETURNS_FIRST for an operator in place.
_RESULTS: dict[tuple, Any] = {}
_RESULTS_KEPT = 20_000
_RETURNS_FIRST = "first"


class MetaTwins:
    """Runs operators on meta twins of a model's tensors; the twin of a tensor is made once."""

    def __init__(self, model: nn.Module) -> None:
        self._registered = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}  # holds the original too, so that its id stays its own

    def run(self, operator: OpOverload, arguments: tuple, keywords: dict[str, Any]) -> Any:
        """The operator's result, on meta wherever an input, a parameter or a large constant is involved."""
        if operator in _READS_A_VALUE:
            return operator(*arguments, **keywords)
        if not any(self._is_meta(one) for one in arguments):
            if _size_asked(arguments) > _LARGE and kind_of(operator) == "creation":
                keywords = {**keywords, "device": _META}
            return operator(*arguments, **keywords)
        signature = (operator, *map(_signature, arguments), *map(_signature, keywords.values()))
        known = _RESULTS.get(signature)
        if known is not None:
            return self.twin(arguments[0]) if known == _RETURNS_FIRST else _allocate(known)
        if operator is torch.ops.aten.index.Tensor:  # a real boolean index is what makes the result's shape known
            arguments = (self.twin(arguments[0]), *arguments[1:])
        else:
            arguments = tuple([self.twin(one) for one in arguments])
        keywords = {name: self._keyword(name, value) for name, value in keywords.items()}
        if operator._schema.name in _SEQUENCES:
            return result_on_meta(arguments)
        if operator is torch.ops.aten.scaled_dot_product_attention.default and arguments[0].dim() == 4:
            return _attention_on_meta(arguments, keywords)
        refuse_what_kernels_refuse(operator, arguments)
        result = operator(*arguments, **keywords)
        _remember(signature, operator, arguments, result)
        return result

    def twin(self, value: Any) -> Any:
        """The value with every real tensor in it replaced by its meta twin."""
        if isinstance(value, Tensor):
            if value.is_meta:
                return value
            known = self._twins.get(id(value))
            if known is None:
                with torch.inference_mode(False):  # a view of an ordinary tensor must be one too
                    twin = torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device=_META)
                known = value, twin
                self._twins[id(value)] = known
            return known[1]
        if isinstance(value, list | tuple):
            return type(value)([self.twin(one) for one in value])
        return value

    def storages(self) -> set[int]:
        """Keys of the storages of all originals and twins."""
        return {one.untyped_storage()._cdata for pair in self._twins.values() for one in pair}

    def _keyword(self, name: str, value: Any) -> Any:
        return _META if name == "device" and value is not None else self.twin(value)

    def _is_meta(self, value: Any) -> bool:
        if isinstance(value, Tensor):
            return value.is_meta or id(value) in self._registered
        return isinstance(value, list | tuple) and any(self._is_meta(one) for one in value)


class OnMeta(OperatorMode):
    """Everything in the body of the `with` statement runs on meta twins."""

    def __init__(self, twins: MetaTwins) -> None:
        super().__init__()
        self._twins = twins

    def __torch_dispatch__(
        self, operator: OpOverload, types: Any, arguments: tuple = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        return self._twins.run(operator, arguments, keywords or {})


def _attention_on_meta(arguments: tuple, keywords: dict[str, Any]) -> Tensor:
    # Fused kernels keep the query's order of axes, so that merging the heads afterwards copies nothing; with dropout no
    # fused kernel runs.
    query, value = arguments[0], arguments[2]
    dropout = arguments[4] if len(arguments) > 4 else keywords.get("dropout_p", 0.0)
    if dropout:
        return query.new_empty(*query.shape[:-1], value.shape[-1])
    if query.shape[-1] == value.shape[-1]:
        return torch.empty_like(query)
    batch, heads, steps, _ = query.shape
    return query.new_empty(batch, steps, heads, value.shape[-1]).transpose(1, 2)


def _signature(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, list | tuple):
        return tuple([_signature(one) for one in value])
    return type(value), value  # 1, 1.0 and True are equal, and promote types differently


def _remember(signature: tuple, operator: OpOverload, arguments: tuple, result: Any) -> None:
    results = [result] if isinstance(result, Tensor) else result
    if not isinstance(results, list | tuple) or not all(isinstance(one, Tensor) and one.is_meta for one in results):
        return
    if len(_RESULTS) >= _RESULTS_KEPT:
        _RESULTS.clear()
    if operator._schema.is_mutable and result is arguments[0] and torch.Tag.inplace_view not in operator.tags:
        _RESULTS[signature] = _RETURNS_FIRST
        return
    storages = {one.untyped_storage()._cdata for one in (*arguments, *results) if isinstance(one, Tensor)}
    distinct = len({one.untyped_storage()._cdata for one in arguments if isinstance(one, Tensor)}) + len(results)
    if len(storages) == distinct and not any(isinstance(one, list | tuple) and one and isinstance(one[0], Tensor)
                                             for one in arguments):  # fmt: skip
        _RESULTS[signature] = isinstance(result, Tensor), [(one.shape, one.stride(), one.dtype) for one in results]


def _allocate(known: tuple[bool, list[tuple]]) -> Any:
    is_single, results = known
    tensors = [torch.empty_strided(size, stride, dtype=dtype, device=_META) for size, stride, dtype in results]
    return tensors[0] if is_single else tuple(tensors)


def _size_asked(arguments: tuple) -> int:
    first = arguments[0] if arguments else ()
    if isinstance(first, int):
        return max(one for one in arguments if isinstance(one, int))
    if isinstance(first, list | tuple) and all(isinstance(size, int) for size in first):
        return math.prod(first)
    return first.numel() if isinstance(first, Tensor) else 0
