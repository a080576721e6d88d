"""A training run that carries its derivatives in the hyper-parameters along with its values.

Memory does not grow with the number of steps: the run keeps (parameters, memory) and their tangents, nothing else. The
gradient's tangent is a Hessian-vector product by double backward; the update's comes from the optimizer's own
arithmetic on dual numbers. In a long run all that is recorded once and repeated, which saves a third of the time of a
small network's step.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from leadline.core import random_state_kept
from leadline.optimization.dual_numbers import Dual
from leadline.optimization.hyper_blocks import Directions
from leadline.optimization.operator_recordings import NotRepeatableError, Repeated
from leadline.training import State, Step
from leadline.training.batches import check_finite
from leadline.training.objectives import Batch
from leadline.training.optimizers import Tensors

Batches = Callable[[int, int], Iterable[Batch]]  # those of the steps from the first to the one before the last
_LONG = 100  # steps; recording one takes as long as ten


@dataclass(eq=False)
class Unrolled:
    """A run's losses and their derivatives in H hyper-parameters."""

    loss: np.ndarray  # of each batch, before its step
    loss_gradient: np.ndarray  # steps x H; no rows where only the last derivative is known
    final_loss: float
    gradient: np.ndarray  # of the final loss, H
    diverged_at: int = -1


def unroll_forward(
    step: Step, start: State, batches: Batches, last: Batch, along: Directions, *, again: bool
) -> Unrolled:
    """Run every step from `start`; `last` is the batch of the final loss; `step` is differentiable.

    Where the batches can be had `again`, a long run repeats a recording, and starts anew where that turns out wrong.
    """
    carrying = _Carrying(step, start, along)
    if again and along.steps >= _LONG:
        with suppress(NotRepeatableError), random_state_kept():
            return _unroll(carrying, batches(0, along.steps), last, repeated=True)
    return _unroll(carrying, batches(0, along.steps), last, repeated=False)


def _unroll(carrying: "_Carrying", batches: Iterable[Batch], last: Batch, *, repeated: bool) -> Unrolled:
    total, count = carrying.along.steps, len(carrying.along.blocks)
    run = Unrolled(np.full(total, np.nan), np.full((total, count), np.nan), math.nan, np.full(count, np.nan))
    carried, take = carrying.begin, Repeated(carrying) if repeated else carrying
    before = _python_state(carrying.step.model)
    rows = carrying.along.rows(0, carrying.device)
    for number, (numbers, batch) in enumerate(zip(rows, batches, strict=False)):
        given = [numbers, *carried, *batch]
        if number == 0:
            loss, slopes, *carried = carrying(given, first=True)
            if _python_state(carrying.step.model) != before:  # it counts its calls, or the like
                take = carrying
        else:
            loss, slopes, *carried = take(given)
        run.loss[number] = loss.item()
        if not math.isfinite(run.loss[number]):
            check_finite(batch)
            run.diverged_at, run.final_loss = number, run.loss[number]
            return run
        run.loss_gradient[number] = slopes.tolist()
    run.final_loss, slopes = carrying.end(carried, last)
    run.gradient = np.array(slopes)
    if not math.isfinite(run.final_loss):
        run.diverged_at = total
    return run


def _python_state(model: nn.Module) -> list[dict[str, Any]]:
    # What a module keeps beside tensors: itself where it is plain, else how much of it there is, or which object it is.
    def kept(value: Any) -> Any:
        if isinstance(value, bool | int | float | str | None):
            return value
        return len(value) if isinstance(value, list | tuple | dict | set) else id(value)

    return [{name: kept(value) for name, value in vars(module).items()} for module in model.modules()]


class _Carrying:
    """A step of values and tangents: [numbers, *carried, *batch] -> [loss, d loss / d hyper-parameters, *carried]."""

    def __init__(self, step: Step, start: State, along: Directions) -> None:
        self.step, self.along = step, along
        values = start.parameters, step.optimizer.begin(start.parameters, along.values(0))
        tangents = tree_map(lambda value: value.new_zeros(len(along.blocks), *value.shape), values)
        self.begin, self.shape = tree_flatten((values, tangents, start.buffers))
        self.device = next(iter(start.parameters.values())).device

    def __call__(self, given: Sequence[torch.Tensor], *, first: bool = False) -> list[torch.Tensor]:
        numbers, carried, batch = given[0], given[1 : len(self.begin) + 1], given[len(self.begin) + 1 :]
        values, tangents, buffers = tree_unflatten(carried, self.shape)
        (parameters, _), (directions, _) = values, tangents
        leaves = _leaves(parameters)
        loss, gradients, buffers = self.step.gradients(State(leaves, buffers), batch)
        products = _hessian_products(leaves, gradients, directions)
        duals: Tensors = {name: Dual.of(gradient.detach(), products[name]) for name, gradient in gradients.items()}
        parameters, memory = tree_map(Dual.of, values, tangents)
        state = State(parameters, buffers, memory)
        moved = self.along.update(self.step.optimizer, state, duals, numbers, Dual.of, first=first)
        values, tangents = (
            tree_map(lambda dual, part=part: getattr(dual, part), (moved.parameters, moved.memory))
            for part in ("value", "tangents")
        )
        found = loss, _slopes(directions, gradients), *tree_leaves((values, tangents, buffers))
        return [tensor.detach() for tensor in found]

    def end(self, carried: Sequence[torch.Tensor], batch: Batch) -> tuple[float, list[float]]:
        """The loss after the last step, and its derivatives."""
        (parameters, _), (directions, _), buffers = tree_unflatten(carried, self.shape)
        loss, gradients, _ = self.step.gradients(State(_leaves(parameters), buffers), batch)
        return loss.item(), _slopes(directions, gradients).tolist()


def _leaves(parameters: Tensors) -> Tensors:
    return {name: value.detach().requires_grad_() for name, value in parameters.items()}


def _hessian_products(parameters: Tensors, gradients: Tensors, directions: Tensors) -> Tensors:
    # By double backward, H per parameter. A gradient without a graph is that of a linear loss.
    curved = {name: gradient for name, gradient in gradients.items() if gradient.requires_grad}
    if not curved:
        return {name: torch.zeros_like(direction) for name, direction in directions.items()}
    rows = [
        torch.autograd.grad(
            [*curved.values()], [*parameters.values()], [directions[name][row] for name in curved],
            retain_graph=True, allow_unused=True, materialize_grads=True,
        )
        for row in range(len(next(iter(directions.values()))))
    ]  # fmt: skip
    columns = [column[0][None] if len(column) == 1 else torch.stack(column) for column in zip(*rows, strict=True)]
    return dict(zip(parameters, columns, strict=True))


def _slopes(directions: Tensors, gradients: Tensors) -> torch.Tensor:
    # d loss / d hyper-parameter = gradient . tangent
    each = [
        torch.mv(direction.flatten(1), gradients[name].detach().flatten()) for name, direction in directions.items()
    ]
    return functools.reduce(torch.add, each)
