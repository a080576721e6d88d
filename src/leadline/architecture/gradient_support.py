"""The receptive field as gradients show it: the input indices on which an output's derivative is not zero."""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

from leadline.architecture.executions import Execution
from leadline.architecture.module_calls import CallStack, module_calls
from leadline.architecture.receptive_fields import AxisField, Disagreement, LayerField, Measurement
from leadline.architecture.traced_layers import LayerOutputs
from leadline.core import random_state_kept, torch_generator, twin

_ROUNDING = 1e-14  # of the largest derivative: an interpolation weight that is zero but for rounding
_ACTIVATIONS = frozenset((
    "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "elu", "elu_", "selu", "selu_", "celu", "celu_", "gelu",
    "silu", "mish", "sigmoid", "sigmoid_", "tanh", "tanh_", "softplus", "softsign", "hardtanh", "hardtanh_",
    "hardswish", "hardsigmoid", "logsigmoid", "log_sigmoid", "rrelu", "rrelu_", "prelu", "threshold", "threshold_",
    "hardshrink", "softshrink", "tanhshrink", "clamp", "clamp_", "clamp_min", "clamp_max", "clip", "abs", "square",
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout",
))  # fmt: skip
_Largest = namedtuple("_Largest", "values indices")


class _Linearized(TorchFunctionMode):
    """Activations pass their input on, and maxima become means: no derivative vanishes by chance."""

    def __torch_function__(self, function: Any, types: Any, arguments: tuple = (), keywords: Any = None) -> Any:
        keywords = keywords or {}
        name = getattr(function, "__name__", "")
        if name in _ACTIVATIONS and arguments and isinstance(arguments[0], Tensor):
            return arguments[0]
        if name in _MEANS:
            return _MEANS[name](*arguments, **keywords)
        return function(*arguments, **keywords)


def _mean_pool(rank: int) -> Callable[..., Tensor]:
    average = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[rank - 1]
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]

    def pool(signal, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False) -> Tensor:
        sizes = [kernel_size] * rank if isinstance(kernel_size, int) else list(kernel_size)
        if set([dilation] if isinstance(dilation, int) else dilation) == {1}:
            return average(signal, kernel_size, stride or kernel_size, padding, ceil_mode)
        channels = signal.shape[-rank - 1]
        weight = torch.ones(channels, 1, *sizes, dtype=signal.dtype)
        return convolve(signal, weight, None, stride or sizes, padding, dilation, channels)

    return pool


def _mean_adaptive(rank: int) -> Callable[..., Tensor]:
    average = (functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d)[rank - 1]

    def pool(signal: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
        return average(signal, output_size)

    return pool


def _mean_along(signal: Tensor, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:
    if isinstance(dim, Tensor):
        return signal + dim  # the elementwise maximum
    return signal.mean() if dim is None else _Largest(signal.mean(dim, keepdim), signal.argmax(dim, keepdim))


def _mean_over(signal: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    return signal.mean(dim or None, keepdim)


_MEANS: dict[str, Callable[..., Any]] = {f"max_pool{rank}d": _mean_pool(rank) for rank in (1, 2, 3)}
_MEANS |= {f"adaptive_max_pool{rank}d": _mean_adaptive(rank) for rank in (1, 2, 3)}
_MEANS |= {"amax": _mean_over, "amin": _mean_over, "max": _mean_along, "min": _mean_along}


def measure(execution: Execution, layers: dict[int, LayerField]) -> tuple[Measurement | None, tuple[str, ...]]:
    """Compare the intervals of all layers (by their number in order of entry) with the support of gradients."""
    if not execution.tensors()[0].is_floating_point():
        return None, ("not measured: there are no gradients with respect to integers",)
    signal, outputs = _run(execution)
    wrong, compared, positions, notes = [], 0, 0, []
    for entry, layer in layers.items():
        output = outputs.get(entry)
        if output is None or not output.requires_grad or tuple(output.shape) != layer.output_size:
            notes.append(f"{layer.path or 'the model'}: no gradient to compare with")
            continue
        compared += 1
        for field in layer.axes:
            lo, hi = _support(signal, output, field)
            positions += len(lo)
            differs = np.flatnonzero((lo != field.lo) | (hi != field.hi))
            if differs.size:
                place = int(differs[0])
                wrong.append(
                    Disagreement(path=layer.path, call=layer.call, axis=field.axis, output_index=place,
                                 computed=(int(field.lo[place]), int(field.hi[place])),
                                 measured=(int(lo[place]), int(hi[place])))
                )  # fmt: skip
    return Measurement(layers=compared, positions=positions, disagreements=tuple(wrong)), tuple(notes)


def _run(execution: Execution) -> tuple[Tensor, dict[int, Tensor]]:
    generator = torch_generator("receptive_field", "measured")
    with execution.errors_named(None):
        model = _positive_copy(execution.model, generator)
    first = execution.tensors()[0]
    signal = torch.rand(first.shape, dtype=torch.float64, generator=generator).add_(0.5).requires_grad_()

    def real(tensor: Tensor) -> Tensor:
        if tensor is first:
            return signal
        dtype = torch.float64 if tensor.is_floating_point() else tensor.dtype
        return torch.ones(tensor.shape, dtype=dtype) if tensor.is_meta else tensor.to("cpu", dtype)

    arguments, keywords = tree_map_only(Tensor, real, (execution.arguments, execution.keywords))
    outputs: dict[int, Tensor] = {}

    def keep(entry: int, stack: CallStack, output: Tensor) -> None:
        outputs[entry] = output.clone()  # what is later done to the output in place is another layer's doing

    with random_state_kept(), LayerOutputs(keep) as kept, module_calls(model) as stack:
        kept.stack = stack
        with execution.errors_named(stack), _Linearized():
            model(*arguments, **keywords)
    return signal, outputs


def _positive_copy(model: nn.Module, generator: torch.Generator) -> nn.Module:
    """A float64 copy on the CPU in evaluation mode whose weights are positive and whose signal keeps its size."""
    copied = twin(model)
    if any(one.is_meta for one in (*copied.parameters(), *copied.buffers())):
        copied = copied.to_empty(device="cpu")
    copied = copied.to("cpu", torch.float64).eval()
    for parameter in copied.parameters():
        fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 and len(parameter) else 1
        values = torch.rand(parameter.shape, dtype=torch.float64, generator=generator)
        parameter.data = (values + 0.5) / fan_in
        parameter.requires_grad_(False)
    for name, buffer in copied.named_buffers():
        if buffer.is_floating_point():
            buffer.fill_(1.0 if name.endswith("running_var") else 0.0 if name.endswith("running_mean") else 0.5)
    return copied


def _support(
    signal: Tensor, output: Tensor, field: AxisField
) -> tuple[Int[np.ndarray, " outputs"], Int[np.ndarray, " outputs"]]:
    others = [axis for axis in range(signal.ndim) if axis != field.axis]
    lo, hi = np.zeros_like(field.lo), np.full_like(field.hi, -1)
    for place in range(len(lo)):
        part = output if field.output_axis is None else output.select(field.output_axis, place)
        (gradient,) = torch.autograd.grad(part.sum(), signal, retain_graph=True)
        size = gradient.abs().amax(others)
        sees = (size > _ROUNDING * size.max()).nonzero()
        if len(sees):
            lo[place], hi[place] = int(sees[0]), int(sees[-1])
    return lo, hi
