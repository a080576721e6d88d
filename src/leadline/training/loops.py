"""The loop over the step: training one model."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from leadline.core import caller_errors, choose_device, random_state_kept, seed_of, twin
from leadline.training.batches import Source, batches, check_finite, plan_for, source_of
from leadline.training.histories import History, Trained
from leadline.training.objectives import objective_of
from leadline.training.optimizers import optimizer_of
from leadline.training.progress_bars import progress_bar
from leadline.training.quick_layers import quicken
from leadline.training.recipes import Plan, Recipe
from leadline.training.steps import ResidentStep, State, Step, check_trainable, state_of
from leadline.training.validation import Metric, Validation, validation_of

_Kind = TypeVar("_Kind", bound=Step)


@dataclass
class Record:
    """What one run wrote down."""

    loss: list[float] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    metrics: list[list[float]] = field(default_factory=list)
    evaluated_at: list[int] = field(default_factory=list)
    diverged_at: int = -1


def train(
    model: nn.Module,
    data: Any,
    recipe: Recipe,
    *,
    validation: Any = None,
    metrics: Sequence[str] | Mapping[str, Metric] = (),
    evaluate_every: int | None = None,
    device: str | None = None,
    progress: bool = False,
) -> Trained:
    """Train a copy of a model; the model itself stays as it is.

    Args:
        model: where training starts.
        data: `(inputs, targets)` arrays or tensors, a `Dataset`, or a `DataLoader` (whose own batches are used).
        recipe: how to train.
        validation: data of the same kinds, to evaluate on.
        metrics: names ("accuracy" or a standard loss) or `{name: function(outputs, targets)}` for validation.
        evaluate_every: steps between evaluations; None: every epoch.
        device: where to train; None: where the model is.
        progress: show a progress bar on standard error.

    Returns:
        `.history` (a result: loss, learning rate, batch size by step, metrics by epoch, diverged or not) and
        `.states`, the trained parameters; `.load_into(model)` writes them into a model. A run whose loss leaves the
        finite numbers stops there and keeps the parameters that it had.

    Raises:
        InputError: nothing to train, NaN in the data, a batch larger than the data, a loss that is no scalar.
        ModelError: the model or loss raised on the first batch.

    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> data = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [6.0]])
    >>> trained = train(model, data, Recipe(lr=0.2, steps=50, loss="half_mse"))
    >>> round(trained.parameters()["weight"].item(), 6)
    3.0
    """
    check_trainable(model)
    place = _device(model, device)
    mine = copied(model, place, recipe)
    source = source_of(data, place, floating_type(mine))
    objective = objective_of(recipe.loss)
    checked = validation_of(validation, objective, metrics, place, floating_type(mine), evaluate_every)
    plan = plan_for(recipe, source)
    began = time.perf_counter()
    with random_state_kept(), torch.enable_grad(), progress_bar("training", len(plan.lr), shown=progress) as advance:
        state, record = run(mine, state_of(mine), source, recipe, plan, checked, advance)
    return Trained(history_of([record], [plan], [recipe], source, checked, began, "one model"), (state,))


def run(
    model: nn.Module,
    state: State,
    source: Source,
    recipe: Recipe,
    plan: Plan,
    validation: Validation | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> tuple[State, Record]:
    """Take every step of a plan from a state, which is overwritten and for so long the model's own."""
    if recipe.channels_last:
        quicken(model)
    step = step_of(model, recipe, ResidentStep)
    state = step.settle(state)
    hyper: dict[str, Any] = recipe.hyper_parameters()
    source = source.with_noise(recipe.label_noise, recipe.seed_for("noise"))
    record = Record()
    evaluated = plan.evaluated(validation.every) if validation is not None else np.zeros(len(plan.lr), bool)
    torch.manual_seed(seed_of("training", recipe.seed))
    with model_errors("train"):
        for number, batch in enumerate(batches(source, plan, recipe)):
            loss, gradients, buffers = step.gradients(state, batch)
            value = loss.item()
            record.loss.append(value)
            record.size.append(len(batch[-1]))
            if not math.isfinite(value):
                check_finite(batch)
                record.diverged_at = number
                break
            hyper["lr"] = float(plan.lr[number])
            state = step.update(state, gradients, buffers, hyper)
            if validation is not None and evaluated[number]:
                record.metrics.append(validation.of(model, state))
                record.evaluated_at.append(number + 1)
            advance(1)
    return state.map(torch.Tensor.detach), record


def step_of(model: nn.Module, recipe: Recipe, kind: type[_Kind]) -> _Kind:
    """The step that a recipe asks for."""
    return kind(
        model,
        objective_of(recipe.loss),
        optimizer_of(recipe.optimizer),
        accumulation=recipe.accumulation,
        autocast=recipe.autocast,
    )


def copied(model: nn.Module, device: torch.device, recipe: Recipe) -> nn.Module:
    """A copy of the model to train: on the device, in training mode, in the recipe's memory layout."""
    mine = twin(model).to(device)
    if recipe.channels_last:
        mine = mine.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's stub lacks it
    return mine.train()


def model_errors(operation: str) -> AbstractContextManager[None]:
    """Say which operation ran the model when the model or its loss raises."""
    return caller_errors(
        operation,
        expected="a model and a loss that take a batch of this data",
        remedy="call the model and the loss on one batch to see where it fails",
    )


def history_of(
    records: Sequence[Record],
    plans: Sequence[Plan],
    recipes: Sequence[Recipe],
    source: Source,
    validation: Validation | None,
    began: float,
    execution: str,
    caveats: tuple[str, ...] = (),
) -> History:
    """The history that the records of all members add up to."""
    names = tuple(validation.metrics) if validation is not None else ()
    metrics = _columns([record.metrics for record in records], np.nan, (len(names),))
    return History(
        loss=_columns([record.loss for record in records], np.nan),
        lr=_columns([plan.lr[: len(record.loss)] for plan, record in zip(plans, records, strict=True)], np.nan),
        batch_size=_columns([record.size for record in records], 0),
        metric_names=names,
        metrics=metrics,
        evaluated_at=_columns([record.evaluated_at for record in records], 0),
        diverged_at=np.array([record.diverged_at for record in records]),
        seeds=tuple(recipe.seed for recipe in recipes),
        examples=source.examples,
        seconds=time.perf_counter() - began,
        execution=execution,
        caveats=caveats,
        sources=("Goodfellow, Bengio & Courville 2016, Deep Learning, chapter 8",),
    )


def _columns(columns: Sequence[Any], missing: float | int, inner: tuple[int, ...] = ()) -> np.ndarray:
    # One column per member, as long as the longest.
    longest = max(len(column) for column in columns)
    table = np.full((longest, len(columns), *inner), missing)
    for member, column in enumerate(columns):
        if len(column):
            table[: len(column), member] = column
    return table


def _device(model: nn.Module, name: str | None) -> torch.device:
    return next(model.parameters()).device if name is None else choose_device(name)


def floating_type(model: nn.Module) -> torch.dtype:
    """The type of the model's first floating-point parameter."""
    return next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.get_default_dtype())
