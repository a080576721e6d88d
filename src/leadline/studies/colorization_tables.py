"""Colouring below the U-Net's loss: a net that steers tables of grey values, and what the instruments said about it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from leadline.architecture import ReceptiveField, receptive_field
from leadline.claims import Table, statements
from leadline.core import MissingDataError
from leadline.initialization import SignalPropagation, signal_propagation
from leadline.optimization import GradientNoise, RangeTest, gradient_noise, lr_range_test
from leadline.studies.colorization_checkpoints import Checkpoint, Setting, build_net, setting_of
from leadline.studies.colorization_pictures import PictureRows, draw_rows, picture_rows
from leadline.studies.colorization_report import ColorizationReport, NetRun, report_on
from leadline.studies.colorization_runs import colour_task, train_colorization
from leadline.studies.colorization_training import (
    SEEDS,
    kept_hashes,
    kept_runs,
    train_missing,
)
from leadline.studies.colour_images import HORSES, ColourImages, cifar_horses, photograph_patches
from leadline.studies.pictures import picture
from leadline.studies.prediction_intervals import prediction_interval
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import initialized

NETS = ("unet", "tables")
MARGIN = 0.05  # nats per pixel by which the net with tables is to end below the U-Net
_STATED = "csc413b.6.3"  # the claim with the sources' figures of the U-Net
_DEMONSTRATION = {
    "unet": Setting(filters=8, batch_size=16), "tables": replace(setting_of("tables"), filters=4, batch_size=16),
}  # fmt: skip
_DEMONSTRATION_EPOCHS = 2
_SIDE = 64  # of the image in which the receptive field is read: larger than the field
_SAMPLE = 400  # training images that the instruments see at the quick scale
_LADDER = {"quick": 40, "full": 150}  # steps of the range test
_LOWEST, _HIGHEST = 1e-4, 1.0
_CHOSEN = (
    "Palettes, images and number of epochs are the U-Net's. Net, learning rate and batch size were chosen by hand; "
    "nothing here repeats the choice."
)
_COMMAND = "leadline colorize --net unet --net tables --seed 0 --seed 1 --seed 2"


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What the instruments say about an untrained net and the training images."""

    field: ReceptiveField
    rates: RangeTest
    noise: GradientNoise
    signals: SignalPropagation


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Trained nets, and readings by net."""

    report: ColorizationReport
    rows: PictureRows
    readings: dict[str, Readings]


def observe(settings: Settings) -> Observation:
    """Finished runs on CIFAR-10's horses; without any, a demonstration."""
    try:
        images = cifar_horses(settings.data)
    except MissingDataError:
        return _demonstration(settings, photograph_patches())
    kept = kept_runs(images, NETS)
    if {one.net for one in kept} != set(NETS):
        return _demonstration(settings, photograph_patches())
    return _observation(settings, kept, images, {net: setting_of(net) for net in NETS})


def _demonstration(settings: Settings, images: ColourImages) -> Observation:
    done = []
    with tempfile.TemporaryDirectory() as folder:
        for net, setting in _DEMONSTRATION.items():
            done += train_colorization(
                images, nets=(net,), seeds=(0,), epochs=_DEMONSTRATION_EPOCHS, folder=folder, setting=setting
            )
    return _observation(settings, done, images, _DEMONSTRATION)


def _observation(
    settings: Settings, runs: Sequence[Checkpoint], images: ColourImages, chosen: dict[str, Setting]
) -> Observation:
    return Observation(
        report=report_on(runs, images),
        rows=picture_rows(runs, images),
        readings={net: readings(net, setting, images, settings.scale) for net, setting in chosen.items()},
    )


def readings(net: str, setting: Setting, images: ColourImages, scale: str = "quick") -> Readings:
    """The instruments' readings of a net before training; the learning rate is read with Adam."""
    task = colour_task(images, 0, setting)
    sample = slice(None) if scale == "full" else slice(_SAMPLE)
    greys, labels = torch.from_numpy(task.training[0][sample]), torch.from_numpy(task.training[1][sample]).long()
    size = min(setting.batch_size, len(greys))
    model = initialized(partial(build_net, net, setting), 0)
    return Readings(
        field=receptive_field(build_net(net, setting), (1, 1, _SIDE, _SIDE)),
        rates=lr_range_test(
            partial(build_net, net, setting), (greys, labels), lr_min=_LOWEST, lr_max=_HIGHEST, steps=_LADDER[scale],
            seeds=1 if scale == "quick" else 3, batch_size=size, loss="cross_entropy", optimizer="adam",
        ),
        noise=gradient_noise(model, (greys, labels), loss="cross_entropy", batch_size=max(1, size // 4)),
        signals=signal_propagation(partial(build_net, net, setting), greys[:size], draws=2),
    )  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    """Both nets side by side, what each instrument said, curves, and images as the nets colour them."""
    report = observation.report
    figures = (
        picture("Loss in training and validation", report.draw),
        picture("Recall by colour", report.draw_recall),
        picture("Range test of the net with tables, Adam", observation.readings["tables"].rates.draw),
        picture(f"Validation images of {report.images}", partial(draw_rows, rows=observation.rows), size=(7.0, 3.6)),
    )
    notes = [*report.caveats, margin(report), _CHOSEN]
    if report.images != HORSES:
        notes.append(
            f"A demonstration: {_DEMONSTRATION_EPOCHS} epochs of small nets. For both nets in full: leadline data "
            f"fetch cifar-10, then {_COMMAND}."
        )
    tables = (_comparison(report), _by_seed(report), _instruments(observation))
    return Exhibits(tables=tables, figures=figures, notes=tuple(notes))


def _comparison(report: ColorizationReport) -> Table:
    bounds = report.bounds
    alone = [one.by_grey_loss for one in bounds]
    accuracy = _mean([one.by_grey for one in bounds])
    stated = {name: float(value) for name, value in statements()[_STATED].stated.items()}
    rows = [_row(net, report.of(net)) for net in NETS]
    rows.append(("grey value alone", len(bounds), "", _mean(alone), "", _listed(alone), accuracy, *[""] * 5))
    rows.append(("unet, as the sources state", "", "", stated["loss"], "", "", stated["accuracy"], *[""] * 5))
    return Table(
        title=f"Validation on {report.images}, mean over seeds",
        columns=("net", "seeds", "training loss", "loss", "one more run, 95 %", "loss by seed", "accuracy",
                 "balanced accuracy", "rms error", "parameters", "MACs", "seconds an epoch"),
        rows=tuple(rows),
        caption="Loss in nats per pixel after the last epoch; grey value alone: training frequencies of the colours "
        "for each grey value; rms error per channel in levels of 255; MACs of one image; seconds: the median epoch.",
    )  # fmt: skip


def _row(net: str, runs: Sequence[NetRun]) -> tuple[Any, ...]:
    losses = [float(run.validation_loss[-1]) for run in runs]
    low, high = prediction_interval(losses) if len(runs) > 1 else (np.nan, np.nan)
    return (
        net,
        len(runs),
        _mean([run.training_loss[-1] for run in runs]),
        _mean(losses),
        f"{low:.4f} to {high:.4f}" if len(runs) > 1 else "",
        _listed(losses),
        _mean([run.validation_accuracy[-1] for run in runs]),
        _mean([run.balanced_accuracy for run in runs]),
        _mean([run.rms_error for run in runs], 2),
        *{(run.parameters, run.macs) for run in runs}.pop(),
        _mean([np.median(run.seconds) for run in runs], 1),
    )


def _listed(losses: Sequence[float]) -> str:
    return " ".join(f"{loss:.4f}" for loss in losses)


def _instruments(observation: Observation) -> Table:
    rows: list[tuple[str, ...]] = []
    for net, found in observation.readings.items():
        setting = setting_of(net)
        width = "constant" if setting.cycle is None else "highest of one cycle"
        rows += [
            (net, "receptive_field", found.field.headline(), ""),
            (net, "lr_range_test", found.rates.headline(), f"{setting.lr:g}, {width}"),
            (net, "gradient_noise", found.noise.headline(), f"batches of {setting.batch_size}"),
            (net, "signal_propagation", found.signals.headline(), ""),
        ]
    return Table(
        title="What the instruments said before training, and what was chosen",
        columns=("net", "instrument", "reading", "trained with"),
        rows=tuple(rows),
        caption="Of untrained nets on training images. The U-Net is trained as the sources do.",
    )


def losses_by_seed(report: ColorizationReport) -> dict[int, tuple[float, float]]:
    """For each seed that both nets have, the validation losses of the U-Net and of the net with tables."""
    unet, tables = ({run.seed: float(run.validation_loss[-1]) for run in report.of(net)} for net in NETS)
    return {seed: (unet[seed], tables[seed]) for seed in sorted(unet.keys() & tables.keys())}


def _by_seed(report: ColorizationReport) -> Table:
    pairs = losses_by_seed(report)
    lines = [*pairs.items(), ("mean", tuple(np.mean(list(pairs.values()), axis=0)))] if pairs else []
    return Table(
        title="Seed by seed",
        columns=("seed", *NETS, "lower by"),
        rows=tuple((seed, *(round(float(one), 4) for one in (unet, tables, unet - tables)))
                   for seed, (unet, tables) in lines),
        caption=f"Validation loss in nats per pixel after the last epoch. The aim: lower by {MARGIN}, over {SEEDS} "
        "seeds or more.",
    )  # fmt: skip


def margin(report: ColorizationReport) -> str:
    """Whether the net with tables ends below the U-Net by the margin, on average over the seeds that both have."""
    pairs = losses_by_seed(report)
    lower = float(np.mean([unet - tables for unet, tables in pairs.values()])) if pairs else np.nan
    seeds = ", ".join(map(str, pairs))
    found = f"On average over the seeds ({seeds}) the net with tables ends {lower:.3f} nats per pixel below the U-Net"
    if len(pairs) < SEEDS or report.images != HORSES:
        return f"{found}; whether it does by {MARGIN} is for {SEEDS} seeds or more on the sources' images to say."
    return f"{found}: the margin of {MARGIN} is {'kept' if lower >= MARGIN else 'not kept'}."


def _mean(values: Sequence[Any], digits: int = 4) -> float:
    return round(float(np.mean(values)), digits)


STUDY = Study(
    name="colorization-tables",
    title="Colouring below the U-Net's loss",
    question="How low a validation loss is in reach with the U-Net's images and epochs, and no more parameters?",
    observe=observe,
    checks=(),
    exhibit=exhibit,
    data=("cifar-10",),
    prepare=partial(train_missing, nets=NETS),
    inputs=partial(kept_hashes, nets=NETS),
)
