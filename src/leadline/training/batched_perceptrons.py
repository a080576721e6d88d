"""Gradients of many multilayer perceptrons at once: batched matrix products and a backward pass by hand.

One small network's step is nearly all overhead; stacked, the overhead is paid once. Against `vmap(grad)` this halves
the time of small networks, since nothing is recorded, dispatched or decomposed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.func import grad_and_value, vmap

from leadline.training.activation_passes import backward_pass, forward_pass, has_passes
from leadline.training.aligned_stacks import MATRIX_BYTES, SWEEP_BYTES, AlignedStacks, matrices, sweep
from leadline.training.objectives import STANDARD_LOSSES, Batch, Objective, may_be_ignored
from leadline.training.optimizers import Tensors
from leadline.training.steps import State, Step


@dataclass(frozen=True, eq=False)
class PerceptronLayer:
    """A linear map and what follows it."""

    weight: str
    bias: str | None
    activation: nn.Module | None


def perceptron_layers(model: nn.Module) -> list[PerceptronLayer] | None:
    """The layers of a plain multilayer perceptron; None where the model is anything else.

    Plain: a `Sequential` of `Linear`, each with at most one elementwise activation after it, and perhaps a `Flatten`
    in front; no hooks, no shared layers, no parametrizations.

    >>> len(perceptron_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))))
    2
    >>> perceptron_layers(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))) is None
    True
    """
    flat = _leaves(model, "") if type(model) is nn.Sequential else []
    named = [len(list(model.named_parameters(remove_duplicate=unique))) for unique in (True, False)]
    if named[0] != named[1] or any(_is_hooked(module) for module in model.modules()):
        return None
    layers: list[PerceptronLayer] = []
    for name, module in flat:
        if type(module) is nn.Linear:
            layers.append(PerceptronLayer(f"{name}.weight", f"{name}.bias" if module.bias is not None else None, None))
        elif type(module) is nn.Identity or (type(module) is nn.Flatten and not layers and _is_whole(module)):
            continue
        elif has_passes(module) and layers and layers[-1].activation is None:
            layers[-1] = PerceptronLayer(layers[-1].weight, layers[-1].bias, module)
        else:
            return None
    known = {name for layer in layers for name in (layer.weight, layer.bias)}
    return layers if layers and all(name in known for name, _ in model.named_parameters()) else None


def _leaves(model: nn.Module, path: str) -> list[tuple[str, nn.Module]]:
    if type(model) is not nn.Sequential:
        return [(path, model)]
    return [
        leaf for name, child in model._modules.items() if child for leaf in _leaves(child, f"{path}.{name}".strip("."))
    ]


def _is_whole(flatten: nn.Flatten) -> bool:
    return flatten.start_dim == 1 and flatten.end_dim == -1


def _is_hooked(module: nn.Module) -> bool:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return "forward" in vars(module) or any(getattr(module, name) for name in hooks)


class PerceptronStep(Step):
    """The step of a stacked ensemble of plain multilayer perceptrons.

    It writes activations and gradients into the same memory at every call, so gradients last until the next one.
    """

    def __init__(self, model: nn.Module, *arguments: Any, **named: Any) -> None:
        super().__init__(model, *arguments, **named)
        self.layers = perceptron_layers(model) or []
        self.flattens = flattens(model)
        self.stacks = AlignedStacks()

    @staticmethod
    def fits(model: nn.Module, objective: Objective, arrays: Batch) -> bool:
        """Whether this step can train the model on such (unstacked) data."""
        inputs, targets = arrays[0], arrays[-1]
        pair = len(arrays) == 2 and inputs.dtype.is_floating_point
        rows = inputs.ndim == 2 or (inputs.ndim > 2 and flattens(model))
        return (
            pair
            and rows
            and not may_be_ignored(targets)
            and objective.loss is not None
            and perceptron_layers(model) is not None
        )

    def gradients(self, state: State, batch: Batch) -> tuple[torch.Tensor, Tensors, Tensors]:
        """Losses, gradients and buffers of every member."""
        with torch.no_grad():
            tensors = {**state.parameters, **state.buffers}
            weights = [self.stacks.aligned(layer.weight, tensors[layer.weight], MATRIX_BYTES) for layer in self.layers]
            signal = batch[0].flatten(2) if self.flattens else batch[0]
            signal = self.stacks.aligned("inputs", signal, MATRIX_BYTES)
            inputs, kept = [], []
            for number, layer in enumerate(self.layers):
                inputs.append(signal)
                bias = None if layer.bias is None else tensors[layer.bias]
                signal, keep = self._forward(number, weights[number], bias, signal)
                kept.append(keep)
            losses, error = self._head(signal, batch[1])
            error = self.stacks.aligned("error", error, SWEEP_BYTES)
            gradients: Tensors = {}
            for number in range(len(self.layers) - 1, -1, -1):
                layer, weight = self.layers[number], weights[number]
                if layer.activation is not None:
                    error = matrices(backward_pass(layer.activation, sweep(error), kept[number]), tuple(error.shape))
                if layer.weight in state.parameters:
                    room = self.stacks.stack(f"gradient {number}", tuple(weight.shape), error, MATRIX_BYTES)
                    gradients[layer.weight] = torch.bmm(error.transpose(1, 2), inputs[number], out=room)
                if layer.bias in state.parameters:
                    gradients[layer.bias] = error.sum(1)
                if number:
                    room = self.stacks.stack(f"error {number}", tuple(inputs[number].shape), error, SWEEP_BYTES)
                    error = torch.bmm(error, weight, out=room)
        return losses, {name: gradients[name] for name in state.parameters}, state.buffers

    def _forward(
        self, number: int, weight: torch.Tensor, bias: torch.Tensor | None, signal: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        # A layer's output, and what its backward pass wants to see again.
        shape = (*signal.shape[:2], weight.shape[1])
        room = self.stacks.stack(f"output {number}", shape, signal, SWEEP_BYTES)
        if bias is None:
            before = torch.bmm(signal, weight.transpose(1, 2), out=room)
        else:
            before = torch.baddbmm(bias.unsqueeze(1), signal, weight.transpose(1, 2), out=room)
        activation = self.layers[number].activation
        if activation is None:
            return before, before
        after, keep = forward_pass(activation, sweep(before))
        return matrices(after, shape), keep

    def _head(self, outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # The losses, and the derivative of each in its member's outputs.
        classes = not targets.dtype.is_floating_point and outputs.ndim == targets.ndim + 1
        if self.objective.loss is STANDARD_LOSSES["cross_entropy"] and classes:
            return _cross_entropy(self.stacks, outputs, targets)
        if self.objective.loss is STANDARD_LOSSES["mse"] and outputs.shape == targets.shape:
            return _mean_squared_error(outputs, targets)

        def loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return self.objective(lambda outputs: outputs, (outputs, targets))

        error, losses = vmap(grad_and_value(loss), randomness="different")(outputs, targets)
        return losses, error.contiguous()  # the derivative of a mean is one number, expanded


def flattens(model: nn.Module) -> bool:
    """Whether a plain perceptron flattens its inputs first."""
    return any(type(module) is nn.Flatten for module in model.modules())


def _cross_entropy(
    stacks: AlignedStacks, outputs: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    # Exponentials of differences, not torch's softmax: for few classes its kernel takes three times as long.
    members, size = targets.shape
    true, top = targets.unsqueeze(-1), outputs.amax(2, keepdim=True)
    shares = torch.sub(outputs, top, out=stacks.stack("error", tuple(outputs.shape), outputs, SWEEP_BYTES))
    distance = shares.gather(2, true)
    sweep(shares).exp_()
    total = torch.sum(shares, 2, keepdim=True, out=stacks.stack("total", (members, size, 1), outputs, SWEEP_BYTES))
    shares.div_(total)
    sweep(total).log_()
    shares.scatter_add_(2, true, shares.new_full((1, 1, 1), -1.0).expand(members, size, 1))
    return (total - distance).mean((1, 2)), shares.mul_(1 / size)


def _mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    error = outputs - targets
    return error.square().flatten(1).mean(1), error * (2 / error[0].numel())
