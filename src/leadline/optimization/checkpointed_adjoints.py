"""Differentiating back through a training run, with the states of about sqrt(t) steps in memory.

A first pass keeps the state at the start of every segment of sqrt(t) steps; going back, each segment is run again with
its graph. The cost does not depend on the number of hyper-parameters.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from leadline.optimization.forward_tangents import Batches, Unrolled
from leadline.optimization.hyper_blocks import Directions
from leadline.training import State, Step
from leadline.training.batches import check_finite
from leadline.training.objectives import Batch
from leadline.training.optimizers import Tensors


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where a segment starts, and torch's random numbers from there on, of the processor and of accelerators."""

    state: State
    random: torch.Tensor
    cuda_random: list[torch.Tensor]

    @classmethod
    def here(cls, state: State) -> "Checkpoint":
        """Of now."""
        return cls(state, torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])

    def restore_random_numbers(self) -> None:
        """Go on with those of then."""
        torch.set_rng_state(self.random)
        if self.cuda_random:
            torch.cuda.set_rng_state_all(self.cuda_random)


def unroll_backward(step: Step, start: State, batches: Batches, last: Batch, along: Directions) -> Unrolled:
    """Run every step from `start`, then differentiate the loss on `last` back to the hyper-parameters."""
    total, count = along.steps, len(along.blocks)
    run = Unrolled(np.full(total, np.nan), np.empty((0, count)), math.nan, np.full(count, np.nan))
    length = math.isqrt(total - 1) + 1
    bounds = list(pairwise([*range(0, total, length), total]))
    state = start._replace(memory=step.optimizer.begin(start.parameters, along.values(0)))
    unmoved = torch.zeros(count, dtype=torch.float64, device=next(iter(start.parameters.values())).device)
    kept = []
    for segment in bounds:
        kept.append(Checkpoint.here(state))
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
        checkpoint.restore_random_numbers()
        begun, moves = _leaves(checkpoint.state), unmoved.clone().requires_grad_()
        ended = _run(step, begun, batches(*segment), along, moves, None, keep_graph=True)
        *adjoint, change = torch.autograd.grad(
            _flat(ended), [*_flat(begun), moves], adjoint, allow_unused=True, materialize_grads=True
        )
        run.gradient += change.cpu().numpy()
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
    for batch, numbers in zip(batches, along.rows(state.taken, moves.device), strict=False):
        loss, gradients, buffers = step.gradients(state, batch)
        if record is not None:
            record[state.taken] = loss.item()
            if not math.isfinite(record[state.taken]):
                check_finite(batch)
                return state
        state = along.update(
            step.optimizer,
            state._replace(buffers={name: buffer.detach() for name, buffer in buffers.items()}),
            gradients,
            numbers,
            lambda value, slopes: value + slopes @ moves,
            first=state.taken == 0,
        )
        if not keep_graph:
            state = _leaves(state)
    return state


def _leaves(state: State) -> State:
    def each(tensors: Tensors) -> Tensors:
        return {name: tensor.detach().requires_grad_() for name, tensor in tensors.items()}

    return state._replace(parameters=each(state.parameters),
                          memory={slot: each(values) for slot, values in state.memory.items()})  # fmt: skip


def _flat(state: State) -> list[torch.Tensor]:
    return [*state.parameters.values(), *(value for slot in state.memory.values() for value in slot.values())]
