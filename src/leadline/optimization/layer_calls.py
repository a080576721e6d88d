"""What every layer took in over a batch, and the error of its output: by autograd, or by hand for plain perceptrons.

Errors are those of the examples' own losses: the objective is their mean, and the mean is undone.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import GradientEdge
from torch.nn import functional

from leadline.optimization.layer_norms import Call
from leadline.training import Objective
from leadline.training.activation_passes import backward_pass, forward_pass
from leadline.training.batched_perceptrons import PerceptronLayer, flattens
from leadline.training.objectives import STANDARD_LOSSES, Batch, may_be_ignored

Calls = dict[str, list[Call]]  # by the path of the layer, in the order of the calls


class RecordedCalls:
    """Of any model, recorded by functions in the place of its layers' `forward`: hooks would cost more than these."""

    def __init__(self, model: nn.Module, objective: Objective, layers: dict[str, nn.Module]) -> None:
        self.model, self.objective = model, objective
        self.recording = False
        self.recorded: dict[str, list[tuple[torch.Tensor, GradientEdge]]] = {path: [] for path in layers}
        self.seeds: dict[int, torch.Tensor] = {}
        for path, module in layers.items():
            module.forward = self._recorded(path, module.forward)

    def of(self, batch: Batch, paths: Iterable[str]) -> Calls:
        """Those calls of these layers that the loss depends on."""
        self.recording = True
        try:
            with torch.enable_grad():
                loss = self.objective(self.model, batch)
            self.recording = False  # checkpointed layers are called again on the way back
            # Edges, not outputs: an activation may overwrite the output in place.
            edges = [edge for path in paths for _, edge in self.recorded[path]]
            seed = self._seed(loss, len(batch[-1]))
            errors = iter(torch.autograd.grad(loss, edges, seed, allow_unused=True) if edges else ())
            calls: Calls = {}
            for path in paths:
                pairs = zip(self.recorded[path], errors, strict=False)
                calls[path] = [Call(inputs, error) for (inputs, _), error in pairs if error is not None]
            return calls
        finally:
            self.recording = False
            for kept in self.recorded.values():
                kept.clear()

    def _recorded(self, path: str, forward: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        recorded = self.recorded[path]

        def call(*inputs: Any, **named: Any) -> torch.Tensor:
            output = forward(*inputs, **named)
            if self.recording and inputs and (node := output.grad_fn) is not None:
                recorded.append((inputs[0], GradientEdge(node, output.output_nr)))
            return output

        return call

    def _seed(self, loss: torch.Tensor, size: int) -> torch.Tensor:
        # The loss is a mean: undo it.
        if size not in self.seeds:
            self.seeds[size] = torch.full_like(loss, size)
        return self.seeds[size]


class PerceptronCalls:
    """Of a plain multilayer perceptron: autograd sees nothing but the loss, since small layers cost what it costs."""

    def __init__(self, model: nn.Module, objective: Objective, layers: list[PerceptronLayer]) -> None:
        self.layers, self.flattens = layers, flattens(model)
        self.objective, self.parameters = objective, {name: one.detach() for name, one in model.named_parameters()}

    def takes(self, batch: Batch) -> bool:
        """Whether such a batch can pass."""
        return len(batch) == 2 and batch[0].is_floating_point() and self.objective.loss is not None

    def of(self, batch: Batch, paths: Iterable[str]) -> Calls:
        """The one call of each of these layers."""
        passed, signal = [], batch[0].flatten(1) if self.flattens else batch[0]
        with torch.no_grad():
            for layer in self.layers:
                weight, bias = self.parameters[layer.weight], self.parameters.get(layer.bias or "")
                after = keep = functional.linear(signal, weight, bias)
                if layer.activation is not None:
                    after, keep = forward_pass(layer.activation, after)
                passed.append((layer, weight, signal, keep))
                signal = after
            error, calls = self._head(signal, batch[-1]), {}
            for layer, weight, inputs, keep in reversed(passed):
                if layer.activation is not None:
                    error = backward_pass(layer.activation, error, keep)
                calls[layer.weight.rpartition(".")[0]] = [Call(inputs, error)]
                if layer is not self.layers[0]:
                    error = error @ weight
        return {path: calls[path] for path in paths}

    def _head(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        # The derivative of every example's own loss in its outputs.
        classes = outputs.ndim == 2 and targets.ndim == 1 and not targets.is_floating_point()
        if self.objective.loss is STANDARD_LOSSES["cross_entropy"] and classes and not may_be_ignored(targets):
            shares, true = outputs.softmax(1), targets.unsqueeze(1)
            return shares.scatter_add_(1, true, shares.new_full((1, 1), -1.0).expand_as(true))
        with torch.enable_grad():
            outputs = outputs.requires_grad_()
            loss = self.objective(lambda outputs: outputs, (outputs, targets))
        return torch.autograd.grad(loss, outputs, torch.full_like(loss, len(targets)))[0].contiguous()
