"""A training run that carries its derivatives in the hyper-parameters along with its values.

Memory does not grow with the number of steps: the run keeps (parameters, memory) and their tangents, nothing else. The
gradient's tangent is a Hessian-vector product by double backward; the update's comes from the optimizer's own
arithmetic on dual numbers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from leadline.optimization.dual_numbers import Dual, Number
from leadline.optimization.hyper_blocks import Directions
from leadline.training import State, Step
from leadline.training.objectives import Batch
from leadline.training.optimizers import Memory, Tensors


@dataclass(eq=False)
class Unrolled:
    """A run's losses and their derivatives in H hyper-parameters."""

    loss: np.ndarray  # of each batch, before its step
    loss_gradient: np.ndarray  # steps x H; no rows where only the last derivative is known
    final_loss: float
    gradient: np.ndarray  # of the final loss, H
    diverged_at: int = -1


def unroll_forward(step: Step, start: State, batches: Iterable[Batch], last: Batch, along: Directions) -> Unrolled:
    """Run every step from `start`; `last` is the batch of the final loss; `step` is differentiable."""
    total, count = len(along.lr), len(along.blocks)
    run = Unrolled(np.full(total, np.nan), np.full((total, count), np.nan), math.nan, np.full(count, np.nan))
    begun = step.optimizer.begin(start.parameters, along.values(0))
    state = start._replace(memory={slot: _constant(values, count) for slot, values in begun.items()},
                           parameters=_constant(start.parameters, count))  # fmt: skip
    for number, batch in enumerate(batches):
        loss, gradients, buffers = _gradients(step, state, batch)
        run.loss[number] = loss
        if not math.isfinite(loss):
            run.diverged_at, run.final_loss = number, loss
            return run
        run.loss_gradient[number] = _slope(state.parameters, gradients)
        state = _update(step, state, gradients, along)._replace(buffers=buffers)
    run.final_loss, gradients, _ = _gradients(step, state, last, curvature=False)
    run.gradient = _slope(state.parameters, gradients)
    if not math.isfinite(run.final_loss):
        run.diverged_at = total
    return run


def _gradients(step: Step, state: State, batch: Batch, *, curvature: bool = True) -> tuple[float, Tensors, Tensors]:
    # The loss, its gradient with tangents (Hessian-vector products), and the buffers.
    leaves = {name: dual.value.requires_grad_() for name, dual in _duals(state.parameters)}
    loss, gradients, buffers = step.gradients(State(leaves, state.buffers), batch)
    value = loss.item()
    found = {name: gradient.detach() for name, gradient in gradients.items()}
    if curvature and math.isfinite(value):
        found = _with_products(dict(_duals(state.parameters)), leaves, gradients)
    for leaf in leaves.values():
        leaf.requires_grad_(False)
    return value, found, {name: buffer.detach() for name, buffer in buffers.items()}


def _with_products(parameters: dict[str, Dual], leaves: Tensors, gradients: Tensors) -> Tensors:
    curved = [name for name, gradient in gradients.items() if gradient.requires_grad]
    outputs, wanted = [gradients[name] for name in curved], tuple(leaves.values())
    count = next(iter(parameters.values())).tangents.shape[0]
    rows = []
    for row in range(count if curved else 0):
        directions = [parameters[name].tangents[row] for name in curved]
        rows.append(
            torch.autograd.grad(
                outputs, wanted, directions, retain_graph=row + 1 < count, allow_unused=True, materialize_grads=True
            )
        )
    if not rows:  # a loss that is linear in the parameters
        return _constant({name: gradient.detach() for name, gradient in gradients.items()}, count)
    columns = zip(*rows, strict=True)
    products = {name: column[0][None] if count == 1 else torch.stack(column)
                for name, column in zip(leaves, columns, strict=True)}  # fmt: skip
    return {name: Dual.of(gradient.detach(), products[name]) for name, gradient in gradients.items()}


def _update(step: Step, state: State, gradients: Tensors, along: Directions) -> State:
    parameters: Tensors = {}
    memory: Memory = {slot: {} for slot in state.memory}
    for names, places in along.groups:
        hyper = along.values(state.taken)
        for name, slopes in along.slopes(state.taken, places).items():
            hyper[name] = Number(hyper[name], slopes)
        moved, kept = step.optimizer.update(
            {name: state.parameters[name] for name in names},
            {name: gradients[name] for name in names},
            {slot: {name: values[name] for name in names} for slot, values in state.memory.items()},
            hyper,
            count=state.taken,
        )
        parameters |= moved
        for slot, values in kept.items():
            memory[slot] |= values
    ordered = {name: parameters[name] for name in state.parameters}
    return State(ordered, state.buffers, memory, state.taken + 1)


def _slope(parameters: Tensors, gradients: Tensors) -> np.ndarray:
    # d loss / d hyper-parameter = gradient . tangent
    total = np.zeros(0)
    for name, dual in _duals(parameters):
        gradient = gradients[name]
        plain = gradient.value if isinstance(gradient, Dual) else gradient
        slope = np.array(torch.mv(dual.tangents.flatten(1), plain.flatten()).tolist())
        total = total + slope if total.size else slope
    return total


def _constant(tensors: Tensors, count: int) -> Tensors:
    return {name: Dual.of(value, value.new_zeros(count, *value.shape)) for name, value in tensors.items()}


def _duals(tensors: Tensors) -> list[tuple[str, Dual]]:
    return [(name, tensor) for name, tensor in tensors.items() if isinstance(tensor, Dual)]
