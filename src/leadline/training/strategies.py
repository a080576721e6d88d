"""How an ensemble is carried out: which step, and how many members at a time.

Plain perceptrons take batched matrix products, in chunks whose tensors fit the cache: a rule, not a measurement, so
that the same members get the same bits in any company. Any other module is timed for a few steps under `vmap` and one
by one, and the fastest wins; the outcome is remembered for the process, keyed by everything but the members.
"""

import time
from dataclasses import dataclass

import torch
from torch import nn

from leadline.core import InputError, LeadlineError, random_state_kept
from leadline.training.batched_perceptrons import PerceptronStep
from leadline.training.batches import ArraySource, Source
from leadline.training.loops import step_of
from leadline.training.members import member_of
from leadline.training.objectives import Batch, Loss, Objective, objective_of
from leadline.training.recipes import Recipe
from leadline.training.steps import MappedStep, ResidentStep, State, Step

EXECUTIONS = ("sequential", "mapped", "batched")

_CACHE_BYTES = {"cpu": 12 * 2**20}  # measured: flat from 6 to 12 MiB on one machine, from 12 to 16 on another
_DEVICE_BYTES = 2**30  # accelerators have no such cache, but memory ends
_CHUNKS = (16, 64, 4)  # tried under vmap, in this order of promise
_ROUNDS = 3, 10  # of the race, at least and at most
_SHARE = 0.15  # of the member-steps in training may go into measuring; a result serves the whole process
_OWN_STREAM = (
    "the model draws random numbers, such as dropout's: one after the other, each member has those that it would have "
    "alone; execution='mapped' draws them from one stream for all, and may be faster"
)
_CLEARLY = 0.9  # of the time of one by one: a tie goes to the one that needs no memory


@dataclass(frozen=True)
class Strategy:
    """Which step, and how many members at a time."""

    execution: str
    chunk: int
    note: str = ""

    def describe(self, members: int) -> str:
        """In words."""
        if self.execution == "sequential":
            return "one after the other"
        how = "batched matrix products" if self.execution == "batched" else "vmap"
        return f"{how}, up to {min(self.chunk, members)} of {members} members at a time"


_KIND: dict[str, type[Step]] = {"mapped": MappedStep, "batched": PerceptronStep}
_chosen: dict[tuple, tuple[Strategy, object]] = {}  # with the loss: its identity is part of the key


def identity(loss: str | Loss | Objective) -> str | int:
    """What tells losses apart, hashable or not."""
    return loss if isinstance(loss, str) else id(loss)


def step_for(strategy: Strategy, model: nn.Module, recipe: Recipe) -> Step:
    """The stacked step of a strategy."""
    return step_of(model, recipe, _KIND[strategy.execution])


def choose_strategy(
    model: nn.Module,
    stack: State,
    recipe: Recipe,
    source: Source,
    steps: int,
    execution: str | None,
    chunk: int | None,
) -> Strategy:
    """The strategy asked for, or the fastest one known for these models and batches."""
    fits = (
        isinstance(source, ArraySource)
        and PerceptronStep.fits(model, objective_of(recipe.loss), source.arrays)
        and recipe.accumulation == 1
        and not recipe.autocast
    )
    if execution is None:
        if fits:
            execution = "batched"
        elif chunk is None:
            return _measured(model, stack, recipe, source, steps)
        else:
            execution = "mapped"
    if execution == "batched" and not fits:
        raise InputError(
            "train_ensemble",
            expected="plain perceptrons on arrays, whole batches and full precision for execution='batched'",
            got=type(model).__name__,
            remedy="leave execution out, and the engine chooses",
        )
    size = recipe.batch_size or min(64, source.examples)
    return Strategy(execution, chunk or _fitting(model, stack, size))


def _fitting(model: nn.Module, stack: State, size: int) -> int:
    # Parameters and gradients, and every layer's inputs and errors, of as many members as the cache holds.
    numbers = 2 * sum(tensor[0].numel() for tensor in stack.parameters.values())
    widths = [module.in_features + module.out_features for module in model.modules() if isinstance(module, nn.Linear)]
    parameter = next(iter(stack.parameters.values()))
    room = _CACHE_BYTES.get(parameter.device.type, _DEVICE_BYTES)
    return max(1, round(room / ((numbers + size * sum(widths)) * parameter.element_size())))


def _measured(model: nn.Module, stack: State, recipe: Recipe, source: Source, steps: int) -> Strategy:
    members = len(next(iter(stack.parameters.values())))
    size = recipe.batch_size or min(64, source.examples)
    shapes = tuple((name, *tensor.shape[1:]) for name, tensor in stack.parameters.items())
    place = next(iter(stack.parameters.values())).device.type
    kinds = tuple(type(module) for module in model.modules())  # a notebook's next class may print like the last one
    key = (repr(model), kinds, shapes, str(source.examples), size, place, torch.get_num_threads(), recipe.optimizer,
           recipe.accumulation, recipe.autocast, identity(recipe.loss))  # fmt: skip
    chunks = _affordable(members, steps)
    if not chunks:
        return Strategy("sequential", 1)
    rounds = min(_ROUNDS[1], int(_SHARE * members * steps / (1 + sum(chunks))))
    with random_state_kept():
        batch = source.take(torch.arange(size))
        if _draws(step_of(model, recipe, Step), member_of(stack, 0), batch):  # not known from what the model prints
            return Strategy("sequential", 1, _OWN_STREAM)
        if key in _chosen:
            return _chosen[key][0]
        found = _race(model, stack, recipe, batch, chunks, rounds)
    _chosen[key] = found, recipe.loss
    return found


def _affordable(members: int, steps: int) -> list[int]:
    # As many chunk sizes as can be tried for a small share of the member-steps that training will take.
    chosen: list[int] = []
    for chunk in dict.fromkeys(min(chunk, members) for chunk in _CHUNKS):
        if _ROUNDS[0] * (1 + sum(chosen) + chunk) > _SHARE * members * steps:
            break
        chosen.append(chunk)
    return chosen


def _race(model: nn.Module, stack: State, recipe: Recipe, batch: Batch, chunks: list[int], rounds: int) -> Strategy:
    # The quietest of a few steps counts; contenders take turns, so that a busy moment meets all alike.
    hyper = {**recipe.hyper_parameters(), "lr": recipe.lr}
    alone, mapped = step_of(model, recipe, ResidentStep), step_of(model, recipe, MappedStep)
    first = alone.settle(member_of(stack, 0).map(torch.clone))
    times = {Strategy("mapped", chunk): float("inf") for chunk in chunks}
    single, note = float("inf"), ""
    for _ in range(rounds):
        single = min(single, _seconds(alone, first, batch, hyper))
        try:
            for strategy, fastest in times.items():
                part = stack.map(lambda tensor, chunk=strategy.chunk: tensor[:chunk])
                batches = tuple(array.expand(strategy.chunk, *array.shape).contiguous() for array in batch)
                seconds = _seconds(mapped, part, batches, hyper) / strategy.chunk
                times[strategy] = min(fastest, seconds)
        except LeadlineError:
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            note = f"vmap cannot run this model ({str(error).splitlines()[0][:120]})"
            break
    best = min(times, key=lambda strategy: times[strategy])
    return best if not note and times[best] < _CLEARLY * single else Strategy("sequential", 1, note)


def _draws(step: Step, state: State, batch: Batch) -> bool:
    # Are there random numbers in the model?
    device = batch[0].device
    generator = torch.cuda.default_generators[device.index or 0] if device.type == "cuda" else torch.default_generator
    before = generator.get_state()
    step.gradients(state, batch)
    return not torch.equal(generator.get_state(), before)


def _seconds(step: Step, state: State, batch: Batch, hyper: dict[str, float]) -> float:
    began = time.perf_counter()
    _, loss = step(state, batch, hyper)
    float(loss.sum())  # waits for accelerators
    return time.perf_counter() - began
