"""Which learning rate a batch size wants, where larger batches stop paying, and where extra compute is spent best."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from leadline.claims import Check, Evidence, Table
from leadline.optimization import CriticalBatch, critical_batch_size
from leadline.optimization.critical_batches import best_places
from leadline.studies.compute_spending import (
    MORE,
    RATES,
    WIDTH,
    Spending,
    decide_spending,
    interval,
    perceptron,
    spend,
    split_digits,
)
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

SIZES = (2, 8, 32, 128, 512, 1152)
MOMENTUM_RATES = np.geomspace(0.004, 2, 8)
TARGET = 0.3
_WELL_ABOVE = 4  # times the critical batch size: there the simplest theory has the best rate at 4/5 of its limit
_USEFUL = 0.75  # of the steps left after doubling the batch: beyond it, compute grows by half for a quarter fewer steps


@dataclass(frozen=True)
class Observation:
    """Steps to the target with sgd and with momentum, and what extra compute buys at the critical batch size."""

    plain: CriticalBatch
    momentum: CriticalBatch
    batch_size: int
    spending: tuple[Spending, ...]


def observe(settings: Settings) -> Observation:
    """Train the ensembles."""
    seeds, steps = (6, 1000) if settings.scale == "quick" else (12, 4000)
    train, validation, test = split_digits()
    grid: dict[str, Any] = {
        "target": TARGET,
        "batch_sizes": SIZES,
        "validation": validation,
        "steps": steps,
        "seeds": seeds,
    }
    plain = critical_batch_size(perceptron(WIDTH), train, lrs=RATES, **grid)
    momentum = critical_batch_size(
        perceptron(WIDTH), train, lrs=MOMENTUM_RATES, optimizer="momentum", momentum=0.9, **grid
    )
    size = int(2 ** round(np.log2(np.clip(plain.critical, 2, len(train[0]) // MORE))))
    spending = spend(round(plain.predicted(size)), size, seeds, train, validation, test)
    return Observation(plain, momentum, size, spending)


def _best(found: CriticalBatch, draw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Rates and steps (limits where unreached) at each batch size, tuned on the drawn seeds.
    table = found.steps[:, :, draw]
    places = best_places(table, found.limits)
    rows = table[np.arange(len(places)), places]
    return found.lrs[places], np.exp(np.log(np.minimum(rows, found.limits[:, None])).mean(1))


def slope_of_rate(found: CriticalBatch, draw: np.ndarray, *, above: bool) -> float:
    """d log(best lr) / d log(batch size) over the batch sizes up to the knee, or from well above it on."""
    edge = found.critical * (_WELL_ABOVE if above else 1)
    first = int(np.clip(np.searchsorted(found.batch_sizes, edge), 1, len(found.batch_sizes) - 2))
    part = slice(first, None) if above else slice(None, first + 1)
    return float(np.polyfit(np.log(found.batch_sizes[part]), log_best_rates(found, draw)[part], 1)[0])


def log_best_rates(found: CriticalBatch, draw: np.ndarray) -> np.ndarray:
    """Between the rates of the grid: the vertex of the parabola through the best one and its neighbours."""
    table = found.steps[:, :, draw]
    costs = np.log(np.where(np.isfinite(table), table, 2.0 * found.limits[:, None, None])).mean(2)
    rates, vertices = np.log(found.lrs), []
    for row, place in zip(costs, best_places(table, found.limits).tolist(), strict=True):
        left, middle, right = row[max(place - 1, 0)], row[place], row[min(place + 1, len(row) - 1)]
        bend = left - 2 * middle + right
        inside = 0 < place < len(row) - 1 and bend > 0
        vertices.append(rates[place] + (rates[1] - rates[0]) * ((left - right) / (2 * bend) if inside else 0.0))
    return np.array(vertices)


def decide_growth(observation: Observation, sign: int) -> Evidence:
    """Does the best rate grow (sign 1) or fall (-1) with the batch size: everywhere, or below the knee only?"""
    found, seeds = observation.plain, len(observation.plain.seeds)
    below, above = (
        interval(lambda draw, above=above: slope_of_rate(found, draw, above=above), seeds) for above in (False, True)
    )
    best = log_best_rates(found, np.arange(seeds))
    agrees = [min(sign * low, sign * high) > 0 for low, high in (below, above)]
    return Evidence(
        as_stated=all(agrees),
        amended=agrees[0],
        condition=f"for batches up to about the critical size, {found.critical:.3g} examples here; from "
        f"{_WELL_ABOVE} times that on no growth is resolved",
        found={"best lr by batch size": {str(s): round(float(np.exp(r)), 3) for s, r in zip(SIZES, best, strict=True)},
               "slope of log lr up to the knee": below, f"from {_WELL_ABOVE} times the knee on": above},
        how=f"Steps to validation loss {TARGET} on digits over {len(RATES)} rates at {len(SIZES)} batch sizes, {seeds} "
        "seeds; 90 % intervals of the slope, the rate tuned anew on seeds drawn with replacement.",
        details=found.caveats,
    )  # fmt: skip


def steps_left(found: CriticalBatch, draw: np.ndarray, *, above: bool) -> float:
    """Share of the steps that remains when the batch doubles, over the two smallest or the two largest batches."""
    _, steps = _best(found, draw)
    a, b = (-2, -1) if above else (0, 1)
    doublings = np.log2(found.batch_sizes[b] / found.batch_sizes[a])
    return float((steps[b] / steps[a]) ** (1 / doublings))


def decide_knee(observation: Observation, asserted: dict[str, str]) -> Evidence:
    """Does doubling the batch pay below and above the knee as asserted, and is the knee the balance of both costs?"""
    found, seeds = observation.plain, len(observation.plain.seeds)
    ends = {
        where: interval(lambda draw, above=where == "above": steps_left(found, draw, above=above), seeds)
        for where in ("below", "above")
    }
    agree = [
        ends[where][1] < _USEFUL if asserted[where] == "pays" else ends[where][0] > _USEFUL
        for where in ("below", "above")
    ]
    _, steps = _best(found, np.arange(seeds))
    balance = float(found.batch_sizes[np.argmin(steps**2 * found.batch_sizes)])
    low, high = found.critical_interval
    spacing = SIZES[1] / SIZES[0]
    return Evidence(
        as_stated=all(agree) and low / spacing <= balance <= high * spacing,
        found={"share of steps left when the batch doubles": ends, "critical batch size": [low, found.critical, high],
               "least steps x examples at batch size": balance},
        how=f"Steps to validation loss {TARGET} on digits at the best rate of each batch size; doubling pays where "
        f"less than {_USEFUL:.0%} of the steps remain; the balance is the least product of steps and examples.",
        details=(found.headline(), *found.caveats),
    )  # fmt: skip


def decide_regimes(observation: Observation, asserted: dict[str, str]) -> Evidence:
    """At either end: does a doubled batch or a better-conditioned optimizer (momentum) save more steps?"""
    plain, better = observation.plain, observation.momentum
    seeds = len(plain.seeds)

    def advantage(draw: np.ndarray, where: int) -> float:
        # log(steps saved by four times the batch) - log(steps saved by momentum), at the smallest or largest batch
        _, steps = _best(plain, draw)
        _, others = _best(better, draw)
        near = (0, 1) if where == 0 else (-2, -1)
        doublings = np.log2(plain.batch_sizes[near[1]] / plain.batch_sizes[near[0]])
        parallel = 2 * np.log(steps[near[0]] / steps[near[1]]) / doublings
        return float(parallel - np.log(steps[where] / others[where]))

    ends = {
        "left": interval(lambda draw: advantage(draw, 0), seeds),
        "right": interval(lambda draw: advantage(draw, -1), seeds),
    }
    agree = [ends[side][0] > 0 if asserted[side] == "batch" else ends[side][1] < 0 for side in ("left", "right")]
    return Evidence(
        as_stated=all(agree),
        found={"log steps saved by four times the batch, minus by momentum": ends},
        how="Steps to the target with sgd and with momentum 0.9, rates tuned for both at every batch size: what helps "
        "more at the smallest and at the largest batches, four times the batch or momentum; 90 % intervals over seeds.",
        details=(plain.headline(), better.headline()),
    )


def spending_evidence(observation: Observation, best: str) -> Evidence:
    """Is the asserted choice the best use of the same extra compute?"""
    return decide_spending(observation.spending, observation.batch_size, best)


CHECKS = (
    Check(claim="csc413a.3.1.1", procedure=decide_growth, asserted=1, altered=-1),
    Check(claim="csc413a.3.1.2a", procedure=decide_knee, asserted={"below": "pays", "above": "does not"},
          altered={"below": "does not", "above": "pays"}),
    Check(claim="csc413a.3.1.2b", procedure=decide_regimes, asserted={"left": "batch", "right": "optimizer"},
          altered={"left": "optimizer", "right": "batch"}),
    Check(claim="csc413a.3.2", procedure=spending_evidence, asserted="width", altered="batch"),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    """The knee with both optimizers, the rates, and the test losses."""
    frame = observation.plain.to_frame()
    rows = [
        (spending.base_steps, name, float(one.mean()), float(one.min()), float(one.max()))
        for spending in observation.spending for name, one in spending.losses.items()
    ]  # fmt: skip
    return Exhibits(
        tables=(
            Table(title="SGD on digits, rates tuned at each batch size", columns=tuple(frame.columns),
                  rows=tuple(tuple(row) for row in frame.astype(object).to_numpy().tolist())),
            Table(title=f"Test loss when {MORE} times the compute goes into one thing, batch {observation.batch_size}",
                  columns=("base steps", "spent on", "mean", "lowest", "highest"), rows=tuple(rows)),
        ),
        figures=(
            picture("Steps to the target with SGD", observation.plain.draw, caption=observation.plain.headline()),
            picture("Steps to the target with momentum", observation.momentum.draw,
                    caption=observation.momentum.headline()),
        ),
    )  # fmt: skip


STUDY = Study(
    name="learning-rate-and-batch",
    title="Learning rate, batch size and where compute is spent best",
    question="Which learning rate does a batch size want, and what do larger batches, more steps, wider models buy?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
