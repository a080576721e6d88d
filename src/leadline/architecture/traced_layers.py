"""Every module call of a run, with the interval map of its output."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from leadline.architecture.executions import Execution
from leadline.architecture.interval_maps import IntervalMap
from leadline.architecture.interval_tracing import IntervalTracing
from leadline.architecture.meta_execution import MetaTwins
from leadline.architecture.module_calls import CallStack, module_calls
from leadline.core import LeadlineError, borrow

ENLARGED_BY = 3840  # indices: 2^8 * 15, so that whatever divides the input's size goes on dividing it
_LOOPED = 3  # a trial run with this many times the operators loops over the input


@dataclass(frozen=True, eq=False)
class TracedLayer:
    """One call of one module, and what its output (the first tensor of it) sees."""

    path: str
    kind: str
    depth: int
    call: int
    is_leaf: bool
    shape: tuple[int, ...]
    interval_map: IntervalMap


@dataclass(eq=False)
class Trace:
    """The layers in order of entry, by their number in that order."""

    layers: dict[int, TracedLayer]
    caveats: tuple[str, ...]
    operators: int


class LayerOutputs:
    """Hands each module call's output tensor to `keep(entry, stack, output)`, by torch's global hooks."""

    def __init__(self, keep: Any) -> None:
        self._keep, self._entered, self._running = keep, 0, []
        self.stack: CallStack | None = None

    def __enter__(self) -> "LayerOutputs":
        self._handles = [
            hooks.register_module_forward_pre_hook(self._enter),
            hooks.register_module_forward_hook(self._leave),
        ]
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, module: nn.Module, arguments: tuple) -> None:
        self._running.append(self._entered)
        self._entered += 1

    def _leave(self, module: nn.Module, arguments: tuple, output: object) -> None:
        entry = self._running.pop()
        tensor = next((one for one in tree_leaves(output) if isinstance(one, Tensor)), None)
        if tensor is not None:
            self._keep(entry, self.stack, tensor)


@contextmanager
def layers_followed(model: nn.Module, keep: Callable[[int, CallStack, Tensor], None]) -> Iterator[CallStack]:
    """Borrow a model for a run without gradients in which `keep` is told of every layer's output."""
    with borrow(model), torch.inference_mode(), LayerOutputs(keep) as outputs, module_calls(model) as stack:
        outputs.stack = stack
        yield stack


class _RealIndices(TorchFunctionMode):
    """Indexing by a list keeps the list's numbers, which on meta PyTorch throws away."""

    def __torch_function__(self, function: Any, types: Any, arguments: tuple = (), keywords: Any = None) -> Any:
        if function is Tensor.__getitem__ and isinstance(arguments[1], list | tuple):
            index = arguments[1]
            index = tuple(map(_as_tensor, index)) if isinstance(index, tuple) else _as_tensor(index)
            arguments = (arguments[0], index)
        return function(*arguments, **(keywords or {}))


def _as_tensor(index: Any) -> Any:
    is_numbers = isinstance(index, list) and index and all(type(one) is int for one in index)
    return torch.tensor(index) if is_numbers else index


def trace(execution: Execution, axes: Sequence[int], *, allowed: int | None = None) -> Trace:
    """Run the model once; `allowed` operators make it a trial run that keeps the layers up to where it fails."""
    twins = MetaTwins(execution.model) if execution.device == "meta" else None
    tracing = IntervalTracing(execution.tensors()[0], axes, twins, allowed)
    layers: dict[int, TracedLayer] = {}

    def keep(entry: int, stack: CallStack, output: Tensor) -> None:
        frame = stack.current
        layers[entry] = TracedLayer(
            path=frame.path, kind=type(frame.module).__name__, depth=frame.depth, call=frame.calls,
            is_leaf=not frame.children, shape=tuple(output.shape), interval_map=tracing.map_of(output),
        )  # fmt: skip

    with layers_followed(execution.model, keep) as stack:
        try:
            with execution.errors_named(stack), _RealIndices(), tracing:
                execution.run()
        except LeadlineError:
            if allowed is None:
                raise
    return Trace(dict(sorted(layers.items())), tuple(tracing.caveats), tracing.operators)


def trace_enlarged(execution: Execution, axes: Sequence[int], operators: int) -> Trace:
    """The same model on a much larger input, as far as it runs: there the borders are far from most outputs."""
    first = execution.tensors()[0]
    shape = [size + ENLARGED_BY if axis in axes else size for axis, size in enumerate(first.shape)]
    larger = torch.empty(shape, dtype=first.dtype, device="meta")
    arguments = tuple(larger if one is first else one for one in execution.arguments)
    keywords = {name: larger if one is first else one for name, one in execution.keywords.items()}
    trial = replace(execution, arguments=arguments, keywords=keywords, device="meta")
    return trace(trial, axes, allowed=_LOOPED * operators + 50)
