"""What a forward pass keeps for the backward pass: every tensor that autograd saves, parameters aside, each once."""

import math
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from leadline.architecture.meta_execution import MetaTwins, OnMeta
from leadline.architecture.module_calls import module_calls

_SEQUENCES = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu"))


def saved_bytes(model: nn.Module, run: Callable[[], Any], *, on_meta: bool) -> dict[str, int]:
    """Bytes saved for backward by path of module calls, when `run` calls the model with gradients enabled.

    On meta a recurrent layer is taken to keep its input and, per step and layer, its gates and states.
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
        if twins and any(isinstance(module, nn.RNNBase) for module in model.modules()):
            contexts.enter_context(_WholeSequences(twins))
        run()
    own |= twins.storages() if twins else set()
    totals: dict[str, int] = {}
    for key, (path, storage) in saved.items():
        if key not in own:
            totals[path] = totals.get(path, 0) + storage.nbytes()
    return totals


class _WholeSequences(TorchFunctionMode):
    """Takes a recurrent layer as one operator, which meta would unroll step by step."""

    def __init__(self, twins: MetaTwins) -> None:
        super().__init__()
        self._twins = twins

    def __torch_function__(self, function: Any, types: Any, arguments: tuple = (), keywords: Any = None) -> Any:
        if getattr(function, "__name__", "") not in _SEQUENCES:
            return function(*arguments, **(keywords or {}))
        weights = max(place for place, one in enumerate(arguments) if isinstance(one, list | tuple))
        flat = [one for one in arguments[weights] if isinstance(one, Tensor)]
        return _Sequence.apply(function, self._twins.twin(arguments[0]), arguments[1:weights], arguments[weights:],
                               self._twins, *flat)  # fmt: skip


class _Sequence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, function: Any, data: Tensor, between: tuple, rest: tuple, twins: MetaTwins, *flat: Tensor
    ) -> Any:
        with torch.no_grad(), OnMeta(twins), torch.inference_mode():
            results = function(data, *between, *rest)
        results = tuple(torch.empty(one.shape, dtype=one.dtype, device="meta") for one in results)
        gates = sum(weight.shape[0] for weight in flat if weight.dim() == 2) // 2  # of w_ih and w_hh, all layers
        states = sum(weight.shape[1] for weight in flat[1::2] if weight.dim() == 2)
        rows = math.prod(data.shape[:-1])
        ctx.save_for_backward(data, results[0], data.new_empty(rows, gates + states))
        return results

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # never called: only what is kept is of interest
        return (None,) * len(gradients)
