"""A chunk of an ensemble, trained to the end as one stack."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from leadline.training.batches import Arrays, ArraySource, Source, check_finite, noisy, order
from leadline.training.loops import Record
from leadline.training.members import member_of
from leadline.training.objectives import Batch
from leadline.training.optimizers import Scalar, Tensors
from leadline.training.recipes import Plan, Recipe
from leadline.training.steps import State, Step
from leadline.training.validation import Validation


def train_chunk(
    step: Step,
    model: nn.Module,
    state: State,
    recipes: list[Recipe],
    plans: list[Plan],
    source: Source,
    validation: Validation | None,
    advance: Callable[[int], None],
) -> list[tuple[State, Record]]:
    """Final state and record of every member; plans differ in their learning rates only. `state` is overwritten."""
    crew, steps = _Crew(recipes, plans, source), len(plans[0].lr)
    evaluated = plans[0].evaluated(validation.every) if validation is not None else np.zeros(steps, bool)
    for number in range(steps):
        batch = crew.batch(number)
        losses, gradients, buffers = _gradients(step, state, batch)
        finite = crew.write_losses(number, losses)
        if not finite.all():
            check_finite(batch)
            crew.dismiss(~finite, state, diverged_at=number)
            if not crew.here:
                break
            stay = torch.from_numpy(np.flatnonzero(finite)).to(losses.device)
            state = state.map(lambda tensor, stay=stay: tensor.index_select(0, stay))
            gradients, buffers = _at(stay, gradients), _at(stay, buffers)
        state = step.update(state, gradients, buffers, crew.hyper(number, losses.device), in_place=True)
        if validation is not None and evaluated[number]:
            crew.write_metrics(number, validation.of_each(model, state, len(crew.here)))
        advance(len(crew.here))
    crew.dismiss(np.ones(len(crew.here), bool), state)
    return crew.outcomes()


def _at(places: torch.Tensor, tensors: Tensors) -> Tensors:
    return {name: tensor.index_select(0, places) for name, tensor in tensors.items()}


def _gradients(step: Step, state: State, batch: Batch) -> tuple[torch.Tensor, Tensors, Tensors]:
    if len(batch[0]) > 1:
        return step.gradients(state, batch)
    # A last member is computed twice: a batched product of one matrix is split over threads in another way than one
    # of several, and the member's bits would depend on who else is in training.
    pair = state.map(lambda tensor: tensor.expand(2, *tensor.shape[1:]))
    losses, gradients, buffers = step.gradients(pair, tuple(array.expand(2, *array.shape[1:]) for array in batch))
    first = torch.zeros(1, dtype=torch.long, device=losses.device)
    return losses[:1], _at(first, gradients), _at(first, buffers)


class _Crew:
    """The members still in training, with their data and hyper-parameters."""

    def __init__(self, recipes: list[Recipe], plans: list[Plan], source: Source) -> None:
        self.recipes, self.plan, self.source = recipes, plans[0], source
        self.here = list(range(len(recipes)))
        self.losses = np.full((len(self.plan.lr), len(recipes)), np.nan)
        self.records = [Record() for _ in recipes]
        self.final: dict[int, State] = {}
        self.epoch, self.orders = -1, torch.empty(0)
        self.targets = self._noisy_targets()
        self.lr = torch.from_numpy(np.stack([plan.lr for plan in plans], axis=1))
        self.fixed = self._fixed_hyper()

    def batch(self, number: int) -> Arrays:
        """The batches of a step, stacked."""
        epoch, start, size = (int(column[number]) for column in (self.plan.epoch, self.plan.start, self.plan.size))
        if epoch != self.epoch or len(self.orders) > len(self.here):
            seeds = [self.recipes[member].seed_for("order") for member in self.here]
            self.orders = torch.stack([order(seed, epoch, self.source.examples) for seed in seeds])
            self.epoch = epoch
        places = self.orders[:, start : start + size]
        arrays = tuple(array.unflatten(0, places.shape) for array in self.source.take(places.reshape(-1)))
        if self.targets is None:
            return arrays
        own = torch.tensor(self.here).unsqueeze(1) * self.source.examples + places
        targets = self.targets.index_select(0, own.reshape(-1).to(self.targets.device))
        return *arrays[:-1], targets.unflatten(0, places.shape)

    def hyper(self, number: int, device: torch.device) -> dict[str, Scalar]:
        """The hyper-parameters of a step, one value per member, so that the bits are the same in any company."""
        values: dict[str, Scalar] = {"lr": self.lr[number], **self.fixed}
        tensors = {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
        if len(self.here) < len(self.recipes):
            tensors = {name: value[self.here] for name, value in tensors.items()}
        return values | {name: value.to(device) for name, value in tensors.items()}

    def write_losses(self, number: int, losses: torch.Tensor) -> np.ndarray:
        """Write them down and say which are finite."""
        values = losses.detach().cpu().double().numpy()
        self.losses[number, self.here] = values
        return np.isfinite(values)

    def write_metrics(self, number: int, readings: list[list[float]]) -> None:
        """Write down the metrics after a step."""
        for member, reading in zip(self.here, readings, strict=True):
            self.records[member].metrics.append(reading)
            self.records[member].evaluated_at.append(number + 1)

    def dismiss(self, leaving: np.ndarray, state: State, diverged_at: int = -1) -> None:
        """Keep the states of members that leave."""
        for place in np.flatnonzero(leaving).tolist():
            member = self.here[place]
            self.final[member] = member_of(state, place).map(torch.clone)
            steps = len(self.losses) if diverged_at < 0 else diverged_at + 1
            record = self.records[member]
            record.diverged_at = diverged_at
            record.loss, record.size = self.losses[:steps, member].tolist(), self.plan.size[:steps].tolist()
        self.here = [member for member, leaves in zip(self.here, leaving, strict=True) if not leaves]

    def outcomes(self) -> list[tuple[State, Record]]:
        """Final state and record by member."""
        return [(self.final[member], record) for member, record in enumerate(self.records)]

    def _noisy_targets(self) -> torch.Tensor | None:
        # All members' targets in one long array, where any has noise.
        for recipe in self.recipes:
            self.source.with_noise(recipe.label_noise, 0)  # says what to do where the source has no arrays
        if not isinstance(self.source, ArraySource) or not any(recipe.label_noise for recipe in self.recipes):
            return None
        clean = self.source.arrays[-1]
        return torch.cat([
            noisy(clean, recipe.label_noise, recipe.seed_for("noise")) if recipe.label_noise else clean
            for recipe in self.recipes
        ])  # fmt: skip

    def _fixed_hyper(self) -> dict[str, Scalar]:
        each = [recipe.hyper_parameters() for recipe in self.recipes]
        columns = {name: [hyper[name] for hyper in each] for name in each[0]}
        # Adding zero times the parameters changes no bit, so leaving it out does not either.
        return {
            name: 0.0 if name == "weight_decay" and not any(values) else torch.tensor(values, dtype=torch.float64)
            for name, values in columns.items()
        }
