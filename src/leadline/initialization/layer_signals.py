"""What one model does to one batch: the size of every layer's output, and of the gradient that comes back to it."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from leadline.core import borrow, caller_errors, refuse, seed_of, torch_generator

_MATRIX = 2  # axes of a weight that mixes units


@dataclass
class Passage:
    """One call of one layer."""

    name: str
    module: nn.Module
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    second_moment: float  # mean square over examples and units
    variance: float
    gradient: float = math.nan  # mean square of the gradient that arrives; nan where none does
    weight_moment: float = math.nan  # mean square of the weights
    bias_moment: float = 0.0
    output: Tensor | None = None

    @property
    def is_weighted(self) -> bool:
        """Does it mix units by weights?"""
        return not math.isnan(self.weight_moment)


@dataclass
class Passages:
    """All calls of layers without layers inside, in order, and the input's mean square."""

    layers: list[Passage] = field(default_factory=list)
    input_moment: float = math.nan


def passages(operation: str, model: nn.Module, inputs: Tensor, seed: int) -> Passages:
    """Run the model forward, and back from a standard normal gradient at its output; it comes back untouched."""
    found = Passages(input_moment=_mean_square(inputs) if inputs.is_floating_point() else math.nan)
    with borrow(model), torch.enable_grad():
        torch.manual_seed(seed_of(operation, "noise of dropout", seed))
        model.requires_grad_(True)
        _listen(model, found.layers)
        signal = inputs.detach().clone()
        output = _output(operation, model, signal.requires_grad_(signal.is_floating_point()))
        generator = torch_generator(operation, "gradient at the output", seed)
        gradient = torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output)
        _send_back(output, gradient, found.layers)
    return found


def _listen(model: nn.Module, layers: list[Passage]) -> None:
    calls: Counter[str] = Counter()

    def listener(name: str) -> Any:
        def note(module: nn.Module, arguments: tuple, output: Any) -> Any:
            first = next((one for one in tree_leaves(output) if _is_signal(one)), None)
            if first is None:
                return None
            calls[name] += 1
            shown = (name or type(module).__name__) + (f" (call {calls[name]})" if calls[name] > 1 else "")
            came = next((tuple(one.shape) for one in tree_leaves(arguments) if isinstance(one, Tensor)), ())
            weights, bias = _moments(module)
            layers.append(Passage(shown, module, came, tuple(first.shape), _mean_square(first), _variance(first),
                                  weight_moment=weights, bias_moment=bias, output=first))  # fmt: skip
            # The next layer may write on its input in place; what was noted here must stay this layer's output.
            return first.clone() if output is first else None

        return note

    for name, module in model.named_modules():
        if not any(module.children()):
            module.register_forward_hook(listener(name))


def _output(operation: str, model: nn.Module, signal: Tensor) -> Tensor:
    with caller_errors(operation, expected="a forward pass that runs", remedy="check the shape and type of the inputs"):
        output = model(signal)
    output = next((one for one in tree_leaves(output) if _is_signal(one)), None)
    if output is None:
        refuse(operation, "an output of real numbers", "none", "return a tensor from forward")
    return output


def _send_back(output: Tensor, gradient: Tensor, layers: list[Passage]) -> None:
    reached = [one for one in layers if one.output is not None and one.output.requires_grad]
    if reached and output.requires_grad:
        arriving = torch.autograd.grad(output, [one.output for one in reached if one.output is not None], gradient,
                                       allow_unused=True)  # fmt: skip
        for one, came in zip(reached, arriving, strict=True):
            one.gradient = math.nan if came is None else _mean_square(came)
    for one in layers:
        one.output = None  # frees the graph


def _moments(module: nn.Module) -> tuple[float, float]:
    weights = [one for one in module.parameters(recurse=False) if one.ndim >= _MATRIX]
    bias = getattr(module, "bias", None)
    return (
        _mean_square(torch.cat([one.detach().flatten() for one in weights])) if weights else math.nan,
        _mean_square(bias) if isinstance(bias, Tensor) else 0.0,
    )


def _mean_square(values: Tensor) -> float:
    return float(values.detach().double().square().mean())


def _variance(values: Tensor) -> float:
    return float(values.detach().double().var(correction=0))


def _is_signal(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.numel() > 0
