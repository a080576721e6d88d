"""Differentiating back through a training run, with the states of about sqrt(t) steps in memory.

A first pass keeps the state at the start of every segment of sqrt(t) steps; going back, each segment is run again with
its graph. The cost does not depend on the number of hyper-parameters.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from leadline.optimization.forward_tangents import Unrolled
from leadline.optimization.hyper_blocks import Directions
from leadline.training import State, Step
from leadline.training.objectives import Batch
from leadline.training.optimizers import Memory, Scalar, Tensors

Batches = Callable[[int, int], Iterable[Batch]]  # those of the steps from the first to the one before the last
_SQUARES = ("square", "largest_square")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a segment starts, and torch's random numbers from there on."""

    state: State
    random: torch.Tensor


def unroll_backward(step: Step, start: State, batches: Batches, last: Batch, along: Directions) -> Unrolled:
    """Run every step from `start`, then differentiate the loss on `last` back to the hyper-parameters."""
    total, count = len(along.lr), len(along.blocks)
    run = Unrolled(np.full(total, np.nan), np.empty((0, count)), math.nan, np.full(count, np.nan))
    length = math.isqrt(total - 1) + 1
    bounds = list(pairwise([*range(0, total, length), total]))
    state = start._replace(memory=step.optimizer.begin(start.parameters, along.values(0)))
    unmoved = torch.zeros(count, dtype=torch.float64)
    kept = []
    for segment in bounds:
        kept.append(Checkpoint(state, torch.get_rng_state()))
        state = _run(step, _leaves(state), batches(*segment), along, unmoved, run.loss, keep_graph=False)
        if run.diverged_at >= 0 or not np.isfinite(run.loss[segment[0] : segment[1]]).all():
            run.diverged_at = int(np.flatnonzero(~np.isfinite(run.loss))[0])
            run.final_loss = float(run.loss[run.diverged_at])
            return run
    final = _leaves(state)
    loss, gradients, _ = step.gradients(State(final.parameters, final.buffers), last)
    run.final_loss = loss.item()
    if not math.isfinite(run.final_loss):
        run.diverged_at = total
        return run
    adjoint = [gradient.detach() for gradient in gradients.values()]
    adjoint += [torch.zeros_like(value) for slot in final.memory.values() for value in slot.values()]
    run.gradient = np.zeros(count)
    for segment, checkpoint in zip(reversed(bounds), reversed(kept), strict=True):
        torch.set_rng_state(checkpoint.random)
        begun, moves = _leaves(checkpoint.state), unmoved.clone().requires_grad_()
        ended = _run(step, begun, batches(*segment), along, moves, None, keep_graph=True)
        *adjoint, change = torch.autograd.grad(
            _flat(ended), [*_flat(begun), moves], adjoint, allow_unused=True, materialize_grads=True
        )
        run.gradient += change.numpy()
    return run


def _run(
    step: Step,
    state: State,
    batches: Iterable[Batch],
    along: Directions,
    moves: torch.Tensor,
    record: np.ndarray | None,
    *,
    keep_graph: bool,
) -> State:
    for batch in batches:
        loss, gradients, buffers = step.gradients(state, batch)
        if record is not None:
            record[state.taken] = loss.item()
            if not math.isfinite(record[state.taken]):
                return state
        state = _update(step, state, gradients, along, moves)._replace(
            buffers={name: buffer.detach() for name, buffer in buffers.items()}
        )
        if not keep_graph:
            state = _leaves(state)
    return state


def _update(step: Step, state: State, gradients: Tensors, along: Directions, moves: torch.Tensor) -> State:
    parameters: Tensors = {}
    memory: Memory = {slot: {} for slot in state.memory}
    for names, places in along.groups:
        hyper: dict[str, Scalar] = dict(along.values(state.taken))
        for name, slopes in along.slopes(state.taken, places).items():
            hyper[name] = hyper[name] + (torch.from_numpy(slopes) * moves).sum()
        moved, kept = step.optimizer.update(
            {name: state.parameters[name] for name in names},
            {name: gradients[name] for name in names},
            {slot: {name: _off_zero(slot, values[name]) for name in names} for slot, values in state.memory.items()},
            hyper,
            count=state.taken,
        )
        parameters |= moved
        for slot, values in kept.items():
            memory[slot] |= values
    ordered = {name: parameters[name] for name in state.parameters}
    slots = {slot: {name: values[name] for name in ordered} for slot, values in memory.items()}
    return State(ordered, state.buffers, slots, state.taken + 1)


def _off_zero(slot: str, value: torch.Tensor) -> torch.Tensor:
    # The root of a square that is exactly 0 has no slope; one that is nothing beside eps has, and it cancels.
    return value.clamp_min(torch.finfo(value.dtype).tiny) if slot in _SQUARES else value


def _leaves(state: State) -> State:
    def each(tensors: Tensors) -> Tensors:
        return {name: tensor.detach().requires_grad_() for name, tensor in tensors.items()}

    return state._replace(parameters=each(state.parameters),
                          memory={slot: each(values) for slot, values in state.memory.items()})  # fmt: skip


def _flat(state: State) -> list[torch.Tensor]:
    return [*state.parameters.values(), *(value for slot in state.memory.values() for value in slot.values())]
