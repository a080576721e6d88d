"""Cyclical learning rates on Fashion-MNIST: the bounds a range test supports, and growing batches in their place."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from leadline.claims import Check, Evidence, Table, statements
from leadline.core import MissingDataError
from leadline.studies.clothing_images import Pictures, clothing, enlarged_digits
from leadline.studies.growing_batches import AXES, Runs, decide_faster, settings_of, train_policies
from leadline.studies.learning_rate_bounds import (
    NEAREST,
    PICTURES,
    Bounds,
    Effort,
    decide_range,
    measure_bounds,
)
from leadline.studies.pictures import picture
from leadline.studies.policy_pictures import draw_accuracies, draw_losses, draw_noise, draw_schedules
from leadline.studies.study import Exhibits, Settings, Study

RANGE, FASTER = "e6998.3.1.range", "e6998.3.3.faster"
NEEDS = (
    "Fashion-MNIST: leadline data fetch fashion-mnist (30 MB) or LEADLINE_DATA=DIR, then leadline report decides "
    "on a part of it in a minute, and leadline report --scale full on all of it in half an hour"
)


@dataclass(frozen=True)
class Scale:
    """How many pictures, and how much training."""

    training: int
    held_out: int
    effort: Effort
    seeds: int


SCALES = {
    "quick": Scale(2048, 250, Effort(steps=180, seeds=2, epochs=20, fixed_seeds=1, fixed_batch=16), 3),
    "full": Scale(60_000, 2000, Effort(steps=1875, seeds=3, epochs=5, fixed_seeds=1, fixed_batch=64), 3),
}
_STAND_IN = Scale(0, 0, Effort(steps=150, seeds=2, epochs=2, fixed_seeds=1, fixed_batch=16), 2)


@dataclass(frozen=True, eq=False)
class Observation:
    """Both figures of accuracy against learning rate, and the runs of every policy."""

    pictures: str
    examples: int
    real: bool
    bounds: Bounds
    runs: tuple[Runs, ...]


def observe(settings: Settings) -> Observation:
    """Range tests, then all policies between the stated and the found bounds; on digits where the data are missing."""
    scale = SCALES[settings.scale]
    try:
        pictures = clothing(settings.data, training=scale.training, held_out=scale.held_out)
    except MissingDataError:
        scale, pictures = _STAND_IN, enlarged_digits()
    return observe_pictures(pictures, scale)


def observe_pictures(pictures: Pictures, scale: Scale) -> Observation:
    """The same on any pictures."""
    bounds, runs = measure_bounds(pictures, scale.effort), []
    for name, ends in (("stated", _stated()), ("found", bounds.chosen(NEAREST))):
        runs += train_policies(pictures, NEAREST, name, ends, scale.seeds)
    return Observation(pictures.name, len(pictures.training[1]), pictures.real, bounds, tuple(runs))


def _stated() -> tuple[float, float]:
    low, high = statements()[RANGE].stated
    return float(low), float(high)


def range_evidence(observation: Observation, asserted: Any) -> Evidence:
    """Are these bounds supported? With the direct check: what cycling between them and between the found ones gives."""
    if not observation.real:
        return _missing(observation)
    cyclical = [run for run in observation.runs if run.policy == "cyclical"]
    details = tuple(
        f"Cycling with {run.setting}: last training loss {np.median(run.training_loss[-1]):.3f}, held-out accuracy "
        f"{np.median(run.held_out_accuracy[-1]):.1%} after {run.epochs[-1]:.0f} epochs."
        for run in cyclical
    )
    return decide_range(observation.bounds, asserted, observation.pictures, details)


def faster_evidence(observation: Observation, asserted: tuple[str, tuple[str, ...]]) -> Evidence:
    """Which of the two policies lowers the training loss faster?"""
    return (
        decide_faster(observation.runs, asserted, observation.pictures) if observation.real else _missing(observation)
    )


def _missing(observation: Observation) -> Evidence:
    how = f"Fashion-MNIST is not on this machine; the page shows the same on {observation.pictures}."
    return Evidence(as_stated=None, how=how, needs=NEEDS)


CHECKS = (
    Check(claim=RANGE, procedure=range_evidence, altered=(1e-12, 100.0)),
    Check(claim=FASTER, procedure=faster_evidence, asserted=("growing", AXES), altered=("cyclical", ("steps",))),
)


def exhibit(observation: Observation) -> Exhibits:
    """The range tests with both pairs of bounds, and loss, accuracy, rate, batch size and noise of every policy."""
    arms = settings_of(observation.runs)
    on = observation.pictures
    shown: list[tuple[str, Callable[..., None], dict[str, Any], str]] = [
        (title, draw, {"bounds": observation.bounds, "stated": _stated()},
         f"{on}; shaded: stated bounds; bars below: bounds read off one climb.")
        for title, draw in PICTURES.items()
    ]  # fmt: skip
    for setting, arm in arms.items():
        given = {"arm": arm, "examples": observation.examples}
        shown += [
            (f"{what} by {axis}", draw, given | {"axis": axis}, f"{on}; {setting}.")
            for what, draw in (("Training loss", draw_losses), ("Accuracy", draw_accuracies)) for axis in AXES
        ]  # fmt: skip
    last = next(reversed(arms.values()))
    ends = {"arm": last, "examples": observation.examples}
    shown += [("Learning rate and batch size", draw_schedules, ends, f"{last['growing'].setting}."),
              ("Noise scale", draw_noise, ends, "The growing batch and the decaying rate have the same.")]  # fmt: skip
    return Exhibits(
        tables=(_bounds_table(observation), _runs_table(observation)),
        figures=tuple(picture(title, partial(draw, **given), caption=caption) for title, draw, given, caption in shown),
        notes=() if observation.real else (f"A demonstration on {on}; the claims need {NEEDS}.",),
    )


def _bounds_table(observation: Observation) -> Table:
    rows = [
        (one.optimizer, one.figure, *(f"{low:.2g} to {high:.2g}" for low, high in (one.begins, one.slows, one.falls)))
        for one in observation.bounds.readings()
    ]
    return Table(
        title="Learning rates at which the accuracy on held-out images begins to rise, slows and falls, over seeds",
        columns=("optimizer", "figure", "begins at lr", "slows at lr", "falls at lr"),
        rows=tuple(rows),
    )


def _runs_table(observation: Observation) -> Table:
    rows = []
    for run in observation.runs:
        scales = run.noise_scales(observation.examples)
        rows.append((
            run.setting, run.policy, len(run.lr), int(run.batch_size.sum()),
            *(round(float(np.median(table[-1])), 4) for table in
              (run.training_loss, run.training_accuracy, run.held_out_loss, run.held_out_accuracy)),
            float(f"{scales[0]:.3g}"), float(f"{scales[-1]:.3g}"), round(run.seconds, 1),
        ))  # fmt: skip
    return Table(
        title=f"After {observation.runs[0].epochs[-1]:.0f} epochs, medians over seeds",
        columns=("setting", "policy", "steps", "examples seen", "training loss", "training accuracy", "held-out loss",
                 "held-out accuracy", "first lr N/B", "last lr N/B", "seconds a run"),
        rows=tuple(rows),
    )  # fmt: skip


STUDY = Study(
    name="cyclical-learning-rate",
    title="Cyclical learning rate and growing batches",
    question="Which bounds does a range test support for a cyclical rate, and do growing batches learn faster?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
    data=("fashion-mnist",),
)
