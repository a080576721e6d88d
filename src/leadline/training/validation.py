"""Loss and metrics on data that is not trained on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from leadline.core import refuse
from leadline.training.batches import Arrays, source_of
from leadline.training.bound_models import BoundModel
from leadline.training.objectives import STANDARD_LOSSES, Objective
from leadline.training.steps import State

_refuse = partial(refuse, "validation")

Metric = Callable[[torch.Tensor, torch.Tensor], torch.Tensor | float]
_ROWS = 1024  # examples per forward pass, over all members: at most so many, fewer of large ones
_NUMBERS = 2**17  # of inputs per forward pass: what a network makes of more does not stay in the processor's cache
_CURVE = 2  # axes of outputs with one score per class


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Share of examples whose highest score is the target's.

    >>> accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    tensor(0.5000)
    """
    predicted = outputs.argmax(1) if outputs.ndim >= _CURVE and outputs.shape[1] > 1 else (outputs > 0).view_as(targets)
    return (predicted == targets).to(outputs.dtype).mean()


STANDARD_METRICS: dict[str, Metric] = {"accuracy": accuracy, **STANDARD_LOSSES}


class Validation:
    """The objective and further metrics on validation data, `every` so many steps (None: epochs)."""

    def __init__(
        self,
        data: Any,
        objective: Objective,
        metrics: Sequence[str] | Mapping[str, Metric],
        device: torch.device,
        dtype: torch.dtype,
        every: int | None = None,
    ) -> None:
        if every is not None and every < 1:
            _refuse("evaluate_every of at least 1", str(every), "pass a number of steps or None for every epoch")
        self.every = every
        self.arrays = source_of(data, device, dtype).everything()
        self.objective = objective
        self.metrics = {"loss": None, **_named(metrics)}
        if objective.loss is None and metrics:
            _refuse("a loss of outputs and targets, to have outputs for metrics", objective.name, "leave metrics out")

    def of(self, model: nn.Module, state: State) -> list[float]:
        """Every metric of one model, evaluation mode."""
        with torch.no_grad(), _evaluating(model):
            call = BoundModel(model, {**state.parameters, **state.buffers})
            if self.objective.loss is None:
                return [float(self.objective(call, self.arrays))]
            return self._readings(_joined([call(*rows[:-1]) for rows in self._rows()], dim=0))

    def of_each(self, model: nn.Module, state: State, members: int) -> list[list[float]]:
        """Every metric of every member of a stacked ensemble."""
        if self.objective.loss is None:
            return [self.of(model, state.map(lambda tensor, k=k: tensor[k])) for k in range(members)]
        with torch.no_grad(), _evaluating(model):
            tensors = {**state.parameters, **state.buffers}

            def call(tensors: dict[str, torch.Tensor], inputs: Arrays) -> Any:
                return functional_call(model, tensors, inputs)

            each = vmap(call, in_dims=(0, None))
            outputs = _joined([each(tensors, rows[:-1]) for rows in self._rows(members)], dim=1)
            return [self._readings(tree_map(lambda part, k=k: part[k], outputs)) for k in range(members)]

    def _rows(self, members: int = 1) -> list[Arrays]:
        numbers = max(array[0].numel() for array in self.arrays[:-1])
        count = max(1, min(_ROWS, _NUMBERS // max(1, numbers)) // members)
        return list(zip(*(array.split(count) for array in self.arrays), strict=True))

    def _readings(self, outputs: Any) -> list[float]:
        measures = [metric or self.objective.loss for metric in self.metrics.values()]
        return [float(measure(outputs, self.arrays[-1])) for measure in measures if measure is not None]


def validation_of(
    data: Any,
    objective: Objective,
    metrics: Sequence[str] | Mapping[str, Metric],
    device: torch.device,
    dtype: torch.dtype,
    every: int | None,
) -> Validation | None:
    """The validation that a caller asks for; None where no data are given for it."""
    if data is not None:
        return Validation(data, objective, metrics, device, dtype, every)
    if metrics or every is not None:
        got = ", ".join(metrics) if metrics else f"evaluate_every={every}"
        _refuse("validation data to evaluate on", f"{got} without any", "pass validation=(inputs, targets)")
    return None


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _joined(parts: list[Any], dim: int) -> Any:
    return tree_map(lambda *parts: torch.cat(parts, dim), *parts)  # models may return several tensors


def _named(metrics: Sequence[str] | Mapping[str, Metric]) -> dict[str, Metric]:
    if isinstance(metrics, Mapping):
        return dict(metrics)
    for name in metrics:
        if name not in STANDARD_METRICS:
            _refuse("metrics among " + ", ".join(STANDARD_METRICS), repr(name), "pass these or {name: function}")
    return {name: STANDARD_METRICS[name] for name in metrics}
