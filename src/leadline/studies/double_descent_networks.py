"""Do trained networks peak too where they just fit their training set, and what does weight decay leave of it?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from leadline.claims import Table
from leadline.core import ModelError
from leadline.data import data_fingerprint
from leadline.generalization import DoubleDescent
from leadline.generalization.descent_by_width import DECAYS, FITTED, NOISE, width_descent
from leadline.generalization.width_ensembles import MEASURES, USUAL, Training
from leadline.generalization.width_jobs import DATA, trained_networks
from leadline.studies.execution import code_hash
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.sweep import grid, sweep

if TYPE_CHECKING:
    import matplotlib.axes

CLASSES = 10
LARGE = DATA[1:]  # data sets that are downloaded


@dataclass(frozen=True, kw_only=True)
class Family:
    """The networks that are trained on one data set; every combination of what is listed, in one sweep with the others.

    Attributes:
        data, samples: what they train on.
        inputs: pixels.
        widths: hidden units.
        noises: label noise and the weight decays that go with it.
        training: how.
        draws: of training and test rows.
        seeds: networks for each of them.
    """

    data: str
    samples: int
    inputs: int
    widths: tuple[int, ...]
    noises: tuple[tuple[float, tuple[float, ...]], ...]
    draws: int
    seeds: int
    training: Training = USUAL

    def jobs(self, folder: str) -> Iterator[dict[str, Any]]:
        """The arguments of each."""
        for noise, decays in self.noises:
            shared = {"data": self.data, "folder": folder, "samples": self.samples, **asdict(self.training)}
            yield from grid(**shared, width=self.widths, draw=range(self.draws), label_noise=noise,
                            weight_decay=decays, seed=range(self.seeds))  # fmt: skip


LONG = Training(lr=0.02, epochs=200, batches=10)
NOISY, NOISY_LONG, CLEAN = (NOISE, DECAYS), (NOISE, (0.0, 1.0)), (0.0, (0.0,))
SMALL: dict[str, Any] = {"data": "digits", "samples": 1000, "inputs": 64, "widths": (4, 6, 10, 16, 20, 32, 64, 160)}
BIG: dict[str, Any] = {"samples": 4000, "inputs": 196, "widths": (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 128)}
FAMILIES = {
    "quick": (Family(**SMALL, noises=(NOISY,), draws=1, seeds=3),),
    "full": (
        Family(**SMALL, noises=(NOISY, CLEAN), draws=2, seeds=7),
        *(Family(data=name, **BIG, noises=(NOISY_LONG, CLEAN), draws=2, seeds=7, training=LONG) for name in LARGE),
    ),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Observation:
    """Curves by data set and label noise; of the sweep how many networks, how many diverged, and the time they took."""

    curves: dict[tuple[str, float], DoubleDescent]
    networks: int
    diverged: int
    seconds: float
    missing: tuple[str, ...]


def observe(settings: Settings) -> Observation:
    wanted = FAMILIES[settings.scale]
    missing = tuple(one.data for one in wanted if one.data in LARGE and not data_fingerprint(one.data, settings.data))
    families = [one for one in wanted if one.data not in missing]
    folder = "" if settings.data is None else str(settings.data.resolve())
    jobs = [job for one in families for job in one.jobs("" if one.data not in LARGE else folder)]
    with settings.store("double-descent-networks") as store:
        swept = sweep(trained_networks, jobs, store=store, executor=settings.executor, version=_version(settings),
                      retry_failed=True, progress=settings.progress)  # fmt: skip
        rows = list(swept.rows())
    if failed := [row for row in rows if row.outcome == "failed"]:
        raise ModelError("double-descent-networks", expected="networks that train",
                         got=f"{len(failed)} of {len(rows)} that do not, the first by {failed[0].error}",
                         remedy="mend it and run the same command; the others are kept")  # fmt: skip
    figures = {_place(row.arguments): [np.nan if row.value["diverged"] else row.value[name] for name in MEASURES]
               for row in rows}  # fmt: skip
    return Observation(
        curves={(one.data, noise): _curve(one, noise, decays, figures)
                for one in families for noise, decays in one.noises},
        networks=len(rows),
        diverged=swept.diverged,
        seconds=sum(row.seconds for row in rows),
        missing=missing,
    )  # fmt: skip


def _version(settings: Settings) -> str:
    # Rows of other code or other files are not these.
    files = [data_fingerprint(name, settings.data)[:8] for name in LARGE] if settings.scale == "full" else []
    return "-".join([code_hash("leadline.generalization.width_jobs"), *files])


def _place(arguments: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(arguments[name] for name in ("data", "label_noise", "weight_decay", "width", "draw", "seed"))


def _curve(
    family: Family, noise: float, decays: tuple[float, ...], figures: dict[tuple[Any, ...], list[float]]
) -> DoubleDescent:
    measured = np.array([
        [[figures[family.data, noise, decay, width, draw, seed] for decay in decays] for width in family.widths]
        for draw in range(family.draws) for seed in range(family.seeds)
    ])  # fmt: skip
    return width_descent(np.array(family.widths, dtype=float), np.moveaxis(measured, -1, 0), decays,
                         inputs=family.inputs, classes=CLASSES, samples=family.samples, label_noise=noise,
                         notes=(f"{family.draws} draws of rows, {family.seeds} networks for each",))  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    """Where the peaks are and how high they stand, and the curves."""
    table = Table(
        title="Test error along the width of trained networks",
        columns=("data", "label noise", "networks", "units that fit", "parameters / samples there", "peak at (units)",
                 "first valley", "peak", "lowest after it", "peak / higher valley", "95% interval",
                 "there with weight decay"),
        rows=tuple(_line(name, noise, run) for (name, noise), run in observation.curves.items()),
        caption=f"Of the median curve over all seeds. Units that fit: least width, median over seeds, with at most "
        f"{FITTED:.0%} wrong on the training labels. A ratio of 1: no peak.",
    )  # fmt: skip
    figures = tuple(
        picture(f"Test error against width: {name}{'' if noise else ', no label noise'}", partial(draw_curve, run=run),
                caption=f"{run.samples[0]} training images, {noise:.0%} wrong labels, {run.seeds} networks at each "
                "width and weight decay; bands: 10 % to 90 % of them.")
        for (name, noise), run in observation.curves.items()
    )  # fmt: skip
    notes = [
        f"{observation.networks} networks in one sweep; their training took {observation.seconds:.0f} s in all"
        + (f"; {observation.diverged} diverged, whose seeds are in no curve." if observation.diverged else "."),
        "Every network starts afresh: weights taken over from a narrower one would make peaks of their own.",
    ]
    if observation.missing:
        fetched = " and ".join(f"leadline data fetch {name}" for name in observation.missing)
        notes.append(f"Not computed: {', '.join(observation.missing)}; it needs {fetched}.")
    elif len(observation.curves) == 1:
        count = sum(len(list(one.jobs(""))) for one in FAMILIES["full"])
        notes.append(f"leadline report --scale full trains {count} networks, also on MNIST and Fashion-MNIST; "
                     "--workers N or --dask ADDRESS spreads them.")  # fmt: skip
    return Exhibits(tables=(table,), figures=figures, notes=tuple(notes))


def draw_curve(ax: "matplotlib.axes.Axes", run: DoubleDescent) -> None:
    """The curves, with the widths themselves as marks of the axis."""
    run.draw(ax)
    widths = [int(width) for width in run.values]
    ax.set_xticks(widths, [str(width) for width in widths])
    ax.minorticks_off()
    ax.set_ylim(0.0, 1.35 * ax.get_ylim()[1])
    ax.legend(fontsize="small", ncols=2, loc="upper center")


def _line(name: str, noise: float, run: DoubleDescent) -> tuple[Any, ...]:
    shape, (ratio, low, high) = run.median_shape, run.ratio_interval
    units = per_sample = with_decay = None
    if np.isfinite(run.threshold).any():
        units = float(np.nanmedian(run.threshold))
        per_sample = round(float(np.interp(units, run.values, run.parameters)) / int(run.samples[0]), 2)
    if run.optimal is not None:
        there = float(np.median(run.optimal.test_error[:, shape.peak]))
        with_decay = f"{there:.3f} (decay {run.optimal.strength[shape.peak]:g})"
    where, levels = None, (None, None, round(shape.low_after, 3))
    if shape.shown:
        where, levels = float(run.values[shape.peak]), (round(shape.low_before, 3), round(shape.high, 3), levels[2])
    trained = run.seeds * len(run.values) * (1 if run.optimal is None else 2)
    return (name, noise, trained, units, per_sample, where, *levels, round(ratio, 2), f"{low:.2f} to {high:.2f}",
            with_decay)  # fmt: skip


STUDY = Study(
    name="double-descent-networks",
    title="Double descent of trained networks",
    question="Does the test error of trained networks peak where they just fit, and does weight decay remove the peak?",
    observe=observe,
    checks=(),
    exhibit=exhibit,
    data=LARGE,
)
