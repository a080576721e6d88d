"""Many models of one architecture, trained side by side."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from leadline.core import choose_device, random_state_kept, refuse, seed_of
from leadline.training.batches import LoaderSource, Source, plan_for, source_of
from leadline.training.chunks import train_chunk
from leadline.training.histories import Trained
from leadline.training.loops import Record, copied, floating_type, history_of, model_errors, run
from leadline.training.members import Factory, initialized, member_of, stacked_states
from leadline.training.objectives import objective_of
from leadline.training.progress_bars import progress_bar
from leadline.training.recipes import Plan, Recipe
from leadline.training.steps import State, check_trainable
from leadline.training.strategies import EXECUTIONS, Strategy, choose_strategy, identity, step_for
from leadline.training.validation import Metric, Validation, validation_of

_refuse = partial(refuse, "train_ensemble")


def train_ensemble(
    factory: Factory,
    data: Any,
    recipes: Sequence[Recipe],
    *,
    validation: Any = None,
    metrics: Sequence[str] | Mapping[str, Metric] = (),
    evaluate_every: int | None = None,
    device: str | None = None,
    progress: bool = False,
    execution: str | None = None,
    chunk: int | None = None,
) -> Trained:
    """Train one model per recipe, all of one architecture, as fast as this machine can.

    Member k is what `train(initialized(factory, recipes[k].seed), data, recipes[k])` gives: own initial parameters,
    data order, label noise, learning rate and every other number. Members whose recipes differ in more than numbers
    (batch sizes, length, optimizer, loss) train in separate groups, one group after the other, so nothing is padded
    or masked and batch norm sees every member's own batches. Within a group, chunks of members train to the end one
    after the other. Plain perceptrons use batched matrix products with a backward pass by hand; other modules `vmap`,
    or one after the other where a few measured steps say that this is faster.

    A member whose loss is not finite keeps the parameters it had before that step and leaves its chunk; the others
    never see it. With batched matrix products they have the same bits as in a run without it; under `vmap` they do
    where every layer's width is a multiple of 16 (kernels round by alignment), else they agree up to rounding.
    A model that draws random numbers, as dropout does, trains one member after the other, each with its own stream;
    where `execution` asks for `mapped`, masks differ by member but come from one stream per chunk.

    Args:
        factory: makes a model; called under each member's seed. Random tensors it makes must be registered.
        data: `(inputs, targets)` arrays or a `Dataset`; each member orders it by its own seed.
        recipes: one per member.
        validation: data to evaluate on.
        metrics: names or functions for validation, as for `train`.
        evaluate_every: steps between evaluations; None: every epoch.
        device: where to train; None: where the factory puts the model.
        progress: show a progress bar on standard error.
        execution: `batched`, `mapped` or `sequential`, where the engine should not choose.
        chunk: members at a time, where the engine should not choose.

    Returns:
        The history with one column per member, and their states.

    Raises:
        InputError: as for `train`; no recipes; a DataLoader; a factory of differing architectures.

    >>> data = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [6.0]])
    >>> recipes = [Recipe(lr=lr, steps=20, loss="half_mse") for lr in (0.1, 0.3)]
    >>> trained = train_ensemble(lambda: nn.Linear(1, 1, bias=False), data, recipes)
    >>> trained.history.final_loss.shape
    (2,)
    """
    if not recipes or execution not in (None, *EXECUTIONS) or (chunk is not None and chunk < 1):
        got = "no recipes" if not recipes else f"execution={execution!r}, chunk={chunk}"
        expected = "recipes, and an execution among " + ", ".join(EXECUTIONS)
        _refuse(expected, got, "pass at least one recipe and leave execution and chunk out")
    template = initialized(factory, recipes[0].seed_for("init"))
    check_trainable(template)
    place = next(template.parameters(), torch.empty(0)).device if device is None else choose_device(device)
    dtype = floating_type(template)
    source = source_of(data, place, dtype)
    if isinstance(source, LoaderSource):
        _refuse("arrays or a Dataset", "a DataLoader", "pass loader.dataset: every member orders it by its own seed")
    plans = [plan_for(recipe, source) for recipe in recipes]
    began, total = time.perf_counter(), sum(len(plan.lr) for plan in plans)
    outcomes: dict[int, tuple[State, Record]] = {}
    how: list[str] = []
    notes: list[str] = []
    checked = None
    with random_state_kept(), torch.enable_grad(), progress_bar("training", total, shown=progress) as advance:
        for group in _groups(recipes, plans):
            first, steps = recipes[group[0]], len(plans[group[0]].lr)
            model = copied(template, place, first)
            stack = stacked_states(factory, [recipes[k].seed_for("init") for k in group]).map(lambda t: t.to(place))
            checked = validation_of(validation, objective_of(first.loss), metrics, place, dtype, evaluate_every)
            with model_errors("train_ensemble"):
                strategy = choose_strategy(model, stack, first, source, steps, execution, chunk)
            for part in _parts(len(group), strategy.chunk):
                who = group[part]
                crew = [recipes[k] for k in who], [plans[k] for k in who]
                state = stack.map(lambda tensor, part=part: tensor[part])
                trained = _train_part(strategy, model, state, *crew, source, checked, advance)
                outcomes |= dict(zip(who, trained, strict=True))
            how.append(strategy.describe(len(group)))
            notes += [strategy.note] * bool(strategy.note)
    states, records = zip(*(outcomes[k] for k in range(len(recipes))), strict=True)
    caveats = tuple(dict.fromkeys(notes))
    history = history_of(records, plans, recipes, source, checked, began, "; ".join(dict.fromkeys(how)), caveats)
    return Trained(history, states)


def _train_part(
    strategy: Strategy,
    model: nn.Module,
    state: State,
    recipes: list[Recipe],
    plans: list[Plan],
    source: Source,
    validation: Validation | None,
    advance: Callable[[int], None],
) -> list[tuple[State, Record]]:
    if strategy.execution != "sequential":
        step = step_for(strategy, model, recipes[0])
        torch.manual_seed(seed_of("training", *(recipe.seed for recipe in recipes)))
        with model_errors("train_ensemble"):
            return train_chunk(step, model, state, recipes, plans, source, validation, advance)
    return [
        run(model, member_of(state, k).map(torch.clone), source, recipe, plan, validation, advance)
        for k, (recipe, plan) in enumerate(zip(recipes, plans, strict=True))
    ]


def _groups(recipes: Sequence[Recipe], plans: Sequence[Plan]) -> list[list[int]]:
    # Members that differ in numbers only: the same batches to cut, the same formulas.
    groups: dict[tuple, list[int]] = {}
    for member, (recipe, plan) in enumerate(zip(recipes, plans, strict=True)):
        cuts = (plan.epoch.tobytes(), plan.start.tobytes(), plan.size.tobytes())
        kind = (identity(recipe.loss), recipe.optimizer, tuple(recipe.hyper_parameters()), recipe.accumulation,
                recipe.autocast, recipe.channels_last)  # fmt: skip
        groups.setdefault((cuts, kind), []).append(member)
    return list(groups.values())


def _parts(members: int, chunk: int) -> list[slice]:
    # Parts of nearly equal size.
    count = -(-members // chunk)
    edges = [members * part // count for part in range(count + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(edges)]
