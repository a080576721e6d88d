"""What a forward pass keeps for the backward pass: every tensor that autograd saves, parameters aside, each once."""

import math
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from leadline.architecture.meta_execution import MetaTwins, OnMeta
from leadline.architecture.module_calls import module_calls

_SEQUENCES = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu"))


def saved_bytes(model: nn.Module, run: Callable[[], Any], *, on_meta: bool, composites: bool) -> dict[str, int]:
    """Bytes saved for backward by path of module calls, when `run` calls the model with gradients enabled.

    `composites` says that attention or recurrent layers are among what runs. On meta a recurrent layer is taken to keep
    its input and, per step and layer, its gates and states; attention that `nn.MultiheadAttention` calls is taken to
    keep its weights, as every device does in training with dropout.
    """
    twins = MetaTwins(model) if on_meta else None
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    saved: dict[int, tuple[str, torch.UntypedStorage]] = {}  # keeps the storages alive, so that keys stay unique

    with ExitStack() as contexts:
        stack = contexts.enter_context(module_calls(model))

        def pack(tensor: Tensor) -> None:
            storage = tensor.untyped_storage()
            saved.setdefault(storage._cdata, (stack.frames[-1].path, storage))

        contexts.enter_context(torch.enable_grad())
        contexts.enter_context(saved_tensors_hooks(pack, lambda _: None))  # pyright: ignore[reportArgumentType]
        contexts.enter_context(OnMeta(twins) if twins else nullcontext())
        contexts.enter_context(_WholeComposites(twins) if twins and composites else nullcontext())
        run()
    own |= twins.storages() if twins else set()
    totals: dict[str, int] = {}
    for key, (path, storage) in saved.items():
        if key not in own:
            totals[path] = totals.get(path, 0) + storage.nbytes()
    return totals


class _WholeComposites(TorchFunctionMode):
    """Takes a recurrent layer and a call of fused attention as one operator, which meta would take apart."""

    def __init__(self, twins: MetaTwins) -> None:
        super().__init__()
        self._twins = twins

    def __torch_function__(self, function: Any, types: Any, arguments: tuple = (), keywords: Any = None) -> Any:
        keywords = keywords or {}
        if function is F.scaled_dot_product_attention and arguments[0].dim() == 4 and not keywords.get("dropout_p"):
            return _Attention.apply(self._twins, *[self._twins.twin(one) for one in arguments[:3]])
        if getattr(function, "__name__", "") not in _SEQUENCES:
            return function(*arguments, **keywords)
        place = max(place for place, one in enumerate(arguments) if isinstance(one, list | tuple))
        weights = [one for one in arguments[place] if isinstance(one, Tensor)]
        return _Sequence.apply(self._twins, function, self._twins.twin(arguments[0]), arguments[1:], *weights)


class _Attention(torch.autograd.Function):
    """Keeps what fused kernels keep: query, key, value, the result, and one normalizer per query and head."""

    @staticmethod
    def forward(ctx: Any, twins: MetaTwins, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        result = _whole(twins, F.scaled_dot_product_attention, query, key, value)[0]
        ctx.save_for_backward(query, key, value, result, query.new_empty(query.shape[:-1], dtype=torch.float32))
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # never called: only what is kept is of interest
        return (None,) * 4


class _Sequence(torch.autograd.Function):
    """Keeps the input, the output and, per step and layer, the gates and states."""

    @staticmethod
    def forward(
        ctx: Any, twins: MetaTwins, function: Any, data: Tensor, rest: tuple, *weights: Tensor
    ) -> tuple[Tensor, ...]:
        results = _whole(twins, function, data, *rest)
        matrices = [weight for weight in weights if weight.dim() == 2]
        gates = sum(weight.shape[0] for weight in matrices) // 2  # input and recurrent weights have the same rows
        states = sum(weight.shape[1] for weight in matrices[1::2])
        ctx.save_for_backward(data, results[0], data.new_empty(math.prod(data.shape[:-1]), gates + states))
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None,) * (4 + len(ctx.needs_input_grad[4:]))


def _whole(twins: MetaTwins, function: Any, *arguments: Any) -> tuple[Tensor, ...]:
    with torch.inference_mode(), OnMeta(twins):
        results = function(*arguments)
    results = (results,) if isinstance(results, Tensor) else results
    with torch.inference_mode(False):
        return tuple(torch.empty_strided(one.shape, one.stride(), dtype=one.dtype, device="meta") for one in results)
