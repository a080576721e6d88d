"""Three colorization nets trained with the sources' settings: are the stated accuracies, losses and their order met?"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from leadline.claims import Check, Evidence, Table, statements
from leadline.core import InputError, MissingDataError
from leadline.data import download_folder
from leadline.data.files import fingerprint
from leadline.studies.colorization_checkpoints import (
    EXERCISE,
    Checkpoint,
    Setting,
    read_checkpoint,
    setting_of,
)
from leadline.studies.colorization_pictures import PictureRows, draw_rows, picture_rows
from leadline.studies.colorization_report import ColorizationReport, NetRun, report_on
from leadline.studies.colorization_runs import EPOCHS, train_colorization
from leadline.studies.colour_images import HORSES, ColourImages, cifar_horses, photograph_patches
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.prediction_intervals import prediction_interval
from leadline.studies.study import Exhibits, Settings, Study

SEEDS = 3  # at least so many runs decide
_LAST = 5  # epochs, whose swing is told
_SETTLED = "with batch norm's moments over all training images instead of the last batches"
_DEMONSTRATION = Setting(filters=16, batch_size=32)
_DEMONSTRATION_EPOCHS = 4
_DECIDES = (
    "leadline data fetch cifar-10, then leadline report --scale full: nine trainings, half an hour on one quiet core, "
    "kept as they finish (leadline colorize --seed 0 --seed 1 --seed 2 makes the same ones)"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Observation:
    """What was trained, on which images; only runs on the sources' images and settings decide."""

    report: ColorizationReport
    rows: PictureRows

    def deciding(self, net: str) -> tuple[NetRun, ...]:
        """The runs of a net with the sources' images and number of epochs."""
        if self.report.images != HORSES:
            return ()
        return tuple(run for run in self.report.of(net) if run.epochs >= EPOCHS)


def runs_folder() -> Path:
    """Where trainings on CIFAR-10 are kept, unless told otherwise."""
    return download_folder() / "colorization"


def train_missing(settings: Settings, *, nets: Sequence[str]) -> None:
    """At full scale, the runs of these nets that are not kept yet, where the images are."""
    if settings.scale == "full":
        with suppress(MissingDataError):
            images = cifar_horses(settings.data)
            train_colorization(images, nets=nets, seeds=range(SEEDS), epochs=EPOCHS, folder=runs_folder(),
                               executor=settings.executor)  # fmt: skip


def observe(settings: Settings) -> Observation:
    """Finished runs on CIFAR-10's horses.

    Without data or runs, small nets are trained briefly on patches of photographs: for the pictures, not the verdicts.
    """
    try:
        images = cifar_horses(settings.data)
    except MissingDataError:
        return _demonstration()
    kept = kept_runs(images, EXERCISE)
    return _observation(kept, images) if kept else _demonstration()


def kept_runs(images: ColourImages, nets: Sequence[str]) -> list[Checkpoint]:
    """Finished runs of these nets on these images, each with its own net's setting."""
    return [one for _, one in _finished(nets) if one.fingerprint == images.fingerprint]


def kept_hashes(settings: Settings, *, nets: Sequence[str]) -> dict[str, str]:
    """SHA-256 of the files of finished runs of these nets, whichever images they saw."""
    return {path.name: fingerprint(path) for path, _ in _finished(nets)}


def _finished(nets: Sequence[str]) -> Iterator[tuple[Path, Checkpoint]]:
    for path in sorted(runs_folder().glob("*-seed*.safetensors")):
        try:
            one = read_checkpoint(path)
        except InputError:
            continue  # no weights of ours
        if one.net in nets and one.setting == setting_of(one.net) and one.epochs >= EPOCHS:
            yield path, one


def _demonstration() -> Observation:
    images = photograph_patches()
    with tempfile.TemporaryDirectory() as folder:
        done = train_colorization(images, nets=EXERCISE, seeds=(0,), epochs=_DEMONSTRATION_EPOCHS, folder=folder,
                                  setting=_DEMONSTRATION)  # fmt: skip
    return _observation(done, images)


def _observation(checkpoints: Sequence[Checkpoint], images: ColourImages) -> Observation:
    return Observation(report=report_on(checkpoints, images), rows=picture_rows(checkpoints, images))


def decide_reached(observation: Observation, stated: dict[str, Decimal], *, net: str) -> Evidence:
    """Do the stated accuracy and loss lie where one more run of the net would, with 95 %?"""
    runs = observation.deciding(net)
    if len(runs) < SEEDS:
        return _open(observation, net)
    last, settled = _readings(runs), _settled_readings(runs)
    found: dict[str, Any] = {"seeds": len(runs)}
    for name, values in last.items():
        interval = [round(end, 4) for end in prediction_interval(values)]
        found |= {name: round(float(np.mean(values)), 4), f"{name}_one_run_95_percent": interval,
                  f"{name}_settled": round(float(np.mean(settled[name])), 4)}  # fmt: skip
    return Evidence(
        as_stated=_surrounds(last, stated),
        amended=_are_of_that_epoch(runs) and _surrounds(settled, stated),
        condition=_SETTLED,
        found=found,
        how=f"{len(runs)} trainings of {EPOCHS} epochs, each with a palette, weights and an order of its own; both "
        "stated values must lie in the 95 % prediction interval for one more run (Student's t).",
        details=(*_floors(observation), "Both depend on the palette, and the sources' palette is not published here."),
    )


def _are_of_that_epoch(runs: Sequence[NetRun]) -> bool:
    """Were the settled figures, which are those of a run's end, taken after the sources' number of epochs?"""
    return all(run.epochs == EPOCHS for run in runs)


def _surrounds(reached: dict[str, list[float]], stated: dict[str, Decimal]) -> bool:
    intervals = {name: prediction_interval(values) for name, values in reached.items()}
    return all(low <= float(stated[name]) <= high for name, (low, high) in intervals.items())


def decide_order(observation: Observation, asserted: dict[str, list[str]]) -> Evidence:
    """Is the order the asserted one for every seed, and the loss lower as asserted?

    Amended where the last epoch says no: with batch norm's moments over all training images.
    """
    by_seed = {net: {run.seed: run for run in observation.deciding(net)} for net in EXERCISE}
    seeds = sorted(set.intersection(*(set(runs) for runs in by_seed.values())))
    if len(seeds) < SEEDS:
        return _open(observation, "each net with the same seeds")
    last, settled = (
        [{net: read([runs[seed]]) for net, runs in by_seed.items()} for seed in seeds]
        for read in (_readings, _settled_readings)
    )
    end = slice(max(0, EPOCHS - _LAST), EPOCHS)
    swing = np.mean([np.std(run.validation_accuracy[end]) for run in observation.deciding("unet")])
    return Evidence(
        as_stated=all(_agrees(reached, asserted) for reached in last),
        amended=all(_are_of_that_epoch(list(runs.values())) for runs in by_seed.values())
        and all(_agrees(reached, asserted) for reached in settled),
        condition=_SETTLED,
        found=[
            {"seed": seed, "best_first": _best_first(reached), "best_first_settled": _best_first(calm),
             "loss": {net: round(reached[net]["loss"][0], 4) for net in EXERCISE},
             "loss_settled": {net: round(calm[net]["loss"][0], 4) for net in EXERCISE}}
            for seed, reached, calm in zip(seeds, last, settled, strict=True)
        ],
        how=f"The three nets trained for {EPOCHS} epochs with {len(seeds)} seeds, all three with the same palette and "
        "order of batches for each; every seed must agree.",
        details=(
            *_floors(observation),
            f"At a constant learning rate single epochs swing: the U-Net's accuracy by {swing:.3f} (standard deviation "
            f"over its last {_LAST} epochs), since batch norm's running moments average about ten batches, in which "
            "the weights move on. With these the order is the asserted one for "
            f"{sum(_agrees(reached, asserted) for reached in last)} of {len(seeds)} seeds, with moments over all "
            f"training images for {sum(_agrees(reached, asserted) for reached in settled)}; that reading was chosen "
            "after these runs were seen.",
        ),
    )  # fmt: skip


def _best_first(reached: dict[str, dict[str, list[float]]]) -> list[str]:
    return sorted(EXERCISE, key=lambda net: -reached[net]["accuracy"][0])


def _agrees(reached: dict[str, dict[str, list[float]]], asserted: dict[str, list[str]]) -> bool:
    lower, higher = asserted["loss"]
    return _best_first(reached) == asserted["accuracy"] and reached[lower]["loss"][0] < reached[higher]["loss"][0]


def _readings(runs: Sequence[NetRun]) -> dict[str, list[float]]:
    """Accuracy and loss by run, after the last of the sources' epochs."""
    return {
        "accuracy": [float(run.validation_accuracy[EPOCHS - 1]) for run in runs],
        "loss": [float(run.validation_loss[EPOCHS - 1]) for run in runs],
    }


def _settled_readings(runs: Sequence[NetRun]) -> dict[str, list[float]]:
    return {"accuracy": [run.settled_accuracy for run in runs], "loss": [run.settled_loss for run in runs]}


def _open(observation: Observation, of: str) -> Evidence:
    runs = (
        min(len(observation.deciding(net)) for net in EXERCISE) if of not in EXERCISE else len(observation.deciding(of))
    )
    return Evidence(
        as_stated=None,
        how=f"{runs} of at least {SEEDS} trainings of {of} with the sources' settings are on this machine.",
        needs=_DECIDES,
    )


def _floors(observation: Observation) -> tuple[str, ...]:
    bounds = observation.report.bounds
    floor, by_grey, loss, error = (
        np.mean([getattr(one, name) for one in bounds]) for name in ("floor", "by_grey", "by_grey_loss", "rms_error")
    )
    return (
        f"With these palettes one colour everywhere has accuracy {floor:.3f}; looking up each pixel's grey value in a "
        f"table of training pixels, without a net, {by_grey:.3f} with loss {loss:.3f}; perfect labels leave an error "
        f"of {error:.1f} of 255 levels.",
    )


def exhibit(observation: Observation) -> Exhibits:
    """What is stated beside what was found, the runs, curves and recalls, and images as the nets colour them."""
    report = observation.report
    frame = report.to_frame()
    table = Table(
        title=f"Nets trained on {report.images}",
        columns=tuple(name.replace("_", " ") for name in frame.columns),
        rows=tuple(tuple(_cell(value) for value in row) for row in frame.itertuples(index=False)),
        caption="Loss in nats per pixel; floor: one colour everywhere; by grey: the commonest training colour of each "
        "grey value, no net; MACs of one image.",
    )
    figures = (
        picture("Loss in training and validation", report.draw),
        picture("Validation accuracy", partial(report.draw_curves, quantity="validation_accuracy", label="accuracy")),
        picture("Recall by colour", report.draw_recall),
        picture(f"Validation images of {report.images}", partial(draw_rows, rows=observation.rows), size=(7.0, 4.4)),
    )
    notes = report.caveats
    if report.images != HORSES:
        notes = (*notes, f"A demonstration: {_DEMONSTRATION.filters} filters, {_DEMONSTRATION_EPOCHS} epochs. "
                 f"To decide what the sources state: {_DECIDES}.")  # fmt: skip
    stated = stated_against_found([check for check in STUDY.checks if statements()[check.claim].stated], observation)
    return Exhibits(tables=(stated, table), figures=figures, notes=notes)


def _cell(value: Any) -> Any:
    return round(float(value), 4) if isinstance(value, float) else value if isinstance(value, str) else int(value)


def _reached(claim: str, net: str, accuracy: str, loss: str) -> Check:
    procedure: Callable[[Any, Any], Evidence] = partial(decide_reached, net=net)
    return Check(claim=claim, procedure=procedure, altered={"accuracy": Decimal(accuracy), "loss": Decimal(loss)})


STUDY = Study(
    name="colorization-training",
    title="Colouring grey horses with three nets",
    question="What accuracy and loss do the three colorization nets reach in 25 epochs, and in which order?",
    observe=observe,
    checks=(
        _reached("csc413a.5.3.pool", "pool", "0.58", "1.05"),
        _reached("csc413a.5.3.transpose", "transposed", "0.41", "1.58"),
        _reached("csc413b.4.2", "pool", "0.58", "1.05"),
        _reached("csc413b.5.3", "transposed", "0.41", "1.58"),
        _reached("csc413b.6.3", "unet", "0.41", "1.58"),
        Check(
            claim="csc413b.6.3.order",
            procedure=decide_order,
            asserted={"accuracy": ["unet", "transposed", "pool"], "loss": ["unet", "transposed"]},
            altered={"accuracy": ["pool", "transposed", "unet"], "loss": ["transposed", "unet"]},
        ),
    ),
    exhibit=exhibit,
    data=("cifar-10",),
    prepare=partial(train_missing, nets=EXERCISE),
    inputs=partial(kept_hashes, nets=EXERCISE),
)
