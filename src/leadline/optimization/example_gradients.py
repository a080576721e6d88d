"""Squared norms of the gradients of single examples, by layer, at about the price of one gradient of their mean.

The gradient of one example in a linear map is the outer product of its input and its output's error, so its squared
norm is the product of theirs (Goodfellow 2015) and no gradient of an example need be formed. What no rule covers is
computed example by example. A rule is trusted with a layer only after it gave the norms of two examples run alone.
"""

import math
import warnings
from collections.abc import Sequence

import torch
from torch import nn
from torch.func import grad, vmap

from leadline.core import InputError
from leadline.optimization.layer_calls import PerceptronCalls, RecordedCalls
from leadline.optimization.layer_norms import RULES, Call, LayerGradients, covers
from leadline.training import Objective
from leadline.training.batched_perceptrons import perceptron_layers
from leadline.training.bound_models import BoundModel
from leadline.training.objectives import may_be_ignored

_AGREE = {torch.float64: 1e-9, torch.float32: 1e-3}  # relative; products of many float32 numbers keep three digits
_ROUGHLY = 3e-2  # in half precision
_HALF = (torch.float16, torch.bfloat16)
_CHUNK_NUMBERS = 2**24  # gradients of examples held at a time where no rule applies


class ExampleGradients:
    """Computes them, batch after batch, for a borrowed model in the mode and at the parameters that it has now."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        self.model, self.objective = model, objective
        named = list(model.named_parameters(remove_duplicate=False))
        holders: dict[int, list[str]] = {}
        for name, parameter in named:
            if parameter.requires_grad:
                holders.setdefault(id(parameter), []).append(name)
        self.layers: dict[str, list[str]] = {}  # path of the module that owns them -> names of parameters
        for names in holders.values():
            self.layers.setdefault(names[0].rpartition(".")[0], []).append(names[0])
        tied = {name.rpartition(".")[0] for names in holders.values() if len(names) > 1 for name in names}
        owned = {name for names in self.layers.values() for name in names}
        self.parameters = {name: parameter for name, parameter in named if name in owned}
        modules = dict(model.named_modules())
        self.ruled = [path for path in self.layers if path not in tied and covers(modules[path])]
        self.modules = {path: modules[path] for path in self.ruled}
        self.wanted = {path: [name.rpartition(".")[2] for name in names] for path, names in self.layers.items()}
        layers = perceptron_layers(model)
        self.by_hand = PerceptronCalls(model, objective, layers) if layers else None
        self.recorded = RecordedCalls(model, objective, self.modules)
        self.checked = False
        self.mapped = True  # until vmap turns out not to run this model

    @property
    def unruled(self) -> list[str]:
        """Layers computed example by example."""
        return [path for path in self.layers if path not in self.ruled]

    def of(self, batch: Sequence[torch.Tensor]) -> dict[str, LayerGradients]:
        """The gradients of every layer with trainable parameters; the first batch is also used to check the rules."""
        if not self.checked or may_be_ignored(batch[-1]):
            self._check_mean(batch)
        if not self.checked:
            self._check_rules(batch)
            self.checked = True
        found = self._by_rules(batch)
        if len(found) == len(self.layers):
            return found
        found |= self._one_by_one(self.unruled, batch)
        return {path: found[path] for path in self.layers}

    def _by_rules(self, batch: Sequence[torch.Tensor]) -> dict[str, LayerGradients]:
        if not self.ruled:
            return {}
        source = self.by_hand if self.by_hand is not None and self.by_hand.takes(batch) else self.recorded
        calls, size = source.of(batch, self.ruled), len(batch[-1])
        # Any batch may be the first to show that a layer's first axis is not that of the examples.
        strangers = [path for path in self.ruled if any({len(one) for one in call} != {size} for call in calls[path])]
        if strangers:
            self._distrust(strangers)
        with torch.no_grad():
            return {path: self._of_layer(path, calls[path], size) for path in self.ruled}

    def _of_layer(self, path: str, calls: list[Call], size: int) -> LayerGradients:
        if not calls:
            like = [self.parameters[name] for name in self.layers[path]]
            return LayerGradients(like[0].new_zeros(size), [torch.zeros_like(one) for one in like])
        module = self.modules[path]
        return RULES[type(module)](module, [Call(*map(_wide, call)) for call in calls], self.wanted[path])

    def _one_by_one(self, paths: list[str], batch: Sequence[torch.Tensor]) -> dict[str, LayerGradients]:
        names = [name for path in paths for name in self.layers[path]]
        gradients = self._mapped(names, batch) if self.mapped else None
        if gradients is None:
            self.mapped = False
            gradients = self._looped(names, batch)
        found = {}
        for path in paths:
            mine = [_wide(gradients[name]) for name in self.layers[path]]
            norms = torch.stack([each.reshape(len(each), -1).square().sum(1) for each in mine]).sum(0)
            found[path] = LayerGradients(norms, [each.sum(0) for each in mine])
        return found

    def _mapped(self, names: list[str], batch: Sequence[torch.Tensor]) -> dict[str, torch.Tensor] | None:
        constant = {name: tensor.detach() for name, tensor in self.parameters.items()}
        chosen = {name: constant[name] for name in names}

        def loss(parameters: dict[str, torch.Tensor], example: tuple[torch.Tensor, ...]) -> torch.Tensor:
            model = BoundModel(self.model, {**constant, **parameters})
            return self.objective(model, tuple(array.unsqueeze(0) for array in example))

        chunk = max(1, _CHUNK_NUMBERS // sum(tensor.numel() for tensor in chosen.values()))
        mapped = vmap(grad(loss), in_dims=(None, 0), randomness="different", chunk_size=chunk)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "There is a performance drop")  # operators that vmap loops over
                return mapped(chosen, tuple(batch))
        except (RuntimeError, TypeError, ValueError):
            return None

    def _looped(self, names: list[str], batch: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        rows = [self._of_one(names, _row(batch, place)) for place in range(len(batch[-1]))]
        return {name: torch.stack([row[place] for row in rows]) for place, name in enumerate(names)}

    def _of_one(self, names: list[str], batch: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        with torch.enable_grad():
            loss = self.objective(self.model, batch)
        wanted = [self.parameters[name] for name in names]
        return torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)

    def _check_mean(self, batch: Sequence[torch.Tensor]) -> None:
        with torch.no_grad():
            together = float(self.objective(self.model, batch))
            alone = [float(self.objective(self.model, _row(batch, place))) for place in range(len(batch[-1]))]
        mean = sum(alone) / len(alone)
        if not math.isfinite(together) or abs(together - mean) <= self._tolerance() * (1 + abs(together)):
            return
        raise InputError(
            "gradient_noise",
            expected="a loss that is the mean of its examples' own losses",
            got=f"{together:.6g} for {len(alone)} examples together and {mean:.6g} in the mean of each alone",
            remedy="average over examples (reduction='mean', no class weights, no ignored targets), and let none see "
            "the others",
        )

    def _check_rules(self, batch: Sequence[torch.Tensor]) -> None:
        while self.ruled and (wrong := self._wrong(self._by_rules(batch), batch)):
            self._distrust(wrong)
        # An objective may look at the module itself, where vmap has not put the parameters.
        if self.unruled and self._wrong(self._one_by_one(self.unruled, batch), batch):
            self.mapped = False

    def _distrust(self, paths: list[str]) -> None:
        self.ruled = [path for path in self.ruled if path not in paths]
        self.modules = {path: self.modules[path] for path in self.ruled}

    def _wrong(self, found: dict[str, LayerGradients], batch: Sequence[torch.Tensor]) -> list[str]:
        # Layers whose norms differ from those of the first or the last example alone.
        names, wrong, tolerance = [name for path in found for name in self.layers[path]], [], self._tolerance()
        for place in {0, len(batch[-1]) - 1}:
            row = dict(zip(names, self._of_one(names, _row(batch, place)), strict=True))
            for path in found:
                true = sum(float(row[name].double().square().sum()) for name in self.layers[path])
                off = abs(float(found[path].norms[place]) - true)
                if not off <= tolerance * (true + torch.finfo(torch.float32).tiny):
                    wrong.append(path)
        return wrong

    def _tolerance(self) -> float:
        return _AGREE.get(next(iter(self.parameters.values())).dtype, _ROUGHLY)


def _row(batch: Sequence[torch.Tensor], place: int) -> list[torch.Tensor]:
    # One example as a batch.
    return [array[place : place + 1] for array in batch]


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    # Squares may leave the range of half precision.
    return tensor.float() if tensor.dtype in _HALF else tensor
