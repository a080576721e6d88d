"""Where test error peaks as models, samples and training grow, what removes the peak, and who is spared."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from leadline.claims import Check, Evidence, Table
from leadline.generalization import DoubleDescent, double_descent
from leadline.generalization.descent_by_time import HIDDEN, MOMENTUM, NETWORK_NOISE, descent_of_network
from leadline.generalization.descent_shapes import SHOWN, DescentShape, descent_shape
from leadline.generalization.labelled_rows import rows_of
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

SAMPLES = (200, 300)
SMALL, BETWEEN = (4, 8), 16  # hidden units
SEEDS, EPOCHS = {"quick": 5, "full": 20}, {"quick": 300, "full": 1500}
TEACHER_SEEDS = 20
# Hidden units, label noise, momentum of every network that is trained.
RECIPE = (HIDDEN, NETWORK_NOISE, MOMENTUM)
NETWORKS = (RECIPE, (HIDDEN, 0.0, MOMENTUM), (HIDDEN, NETWORK_NOISE, 0.0),
            *((hidden, NETWORK_NOISE, MOMENTUM) for hidden in (*SMALL, BETWEEN)))  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Observation:
    """Every curve: widths by number of samples, networks by (hidden units, label noise, momentum)."""

    widths: dict[int, DoubleDescent]
    samples: DoubleDescent
    ridge: DoubleDescent
    teacher: DoubleDescent
    networks: dict[tuple[int, float, float], DoubleDescent]


def observe(settings: Settings) -> Observation:
    seeds, epochs, rows = SEEDS[settings.scale], EPOCHS[settings.scale], rows_of(None)
    return Observation(
        widths={samples: double_descent(axis="width", samples=samples, seeds=seeds) for samples in SAMPLES},
        samples=double_descent(axis="samples", seeds=seeds),
        ridge=double_descent(axis="ridge", seeds=seeds),
        teacher=double_descent(axis="epochs", model="two-scale teacher", seeds=TEACHER_SEEDS),
        networks={
            setting: descent_of_network(
                rows, width=setting[0], label_noise=setting[1], momentum=setting[2], epochs=epochs, seeds=seeds, seed=0
            )
            for setting in NETWORKS
        },
    )


def decide_peak(observation: Observation, asserted: dict[str, Any]) -> Evidence:
    """Does every seed's test error peak where the training loss becomes zero, so much above both valleys?"""
    found, agree = [], []
    for samples, run in observation.widths.items():
        shapes = _width_shapes(run, asserted["ridge"])
        places = run.values[[shape.peak for shape in shapes]]
        agree += [
            bool(place == edge and shape.ratio >= asserted["ratio"])
            for place, edge, shape in zip(places, run.threshold, shapes, strict=True)
        ]
        levels = np.median([(shape.low_before, shape.high, shape.low_after) for shape in shapes], axis=0).tolist()
        found.append({"samples": samples, "threshold_features": sorted(set(run.threshold.tolist())),
                      "peak_features": sorted(set(places.tolist())), "test_error": _rounded(levels),
                      "least_ratio": round(min(shape.ratio for shape in shapes), 2)})  # fmt: skip
    return Evidence(
        as_stated=all(agree),
        found=found,
        how=f"Random ReLU features and least squares ({asserted['ridge']} ridge) on digits with 10 % wrong training "
        f"labels; every one of {len(agree)} runs must peak exactly at the least width with zero training loss, "
        f"{asserted['ratio']} times above both valleys.",
        details=(
            f"With the best ridge at each width no run's test error has a peak of more than "
            f"{_highest_with_ridge(observation):.2f} times both valleys.",
            f"More data hurts as well: along samples at 300 features, {observation.samples.headline()}.",
        ),
    )


def _width_shapes(run: DoubleDescent, ridge: str) -> Sequence[DescentShape]:
    if ridge == "no":
        return run.shapes
    best = run.optimal
    return [descent_shape(curve) for curve in best.test_error] if best is not None else []


def _highest_with_ridge(observation: Observation) -> float:
    return max(shape.ratio for run in observation.widths.values() for shape in _width_shapes(run, "best"))


def decide_critical(observation: Observation, asserted: dict[str, Any]) -> Evidence:
    """Do the peaks lie in the asserted ranges, for training sets of the asserted sizes, if any are?"""
    peaks = {samples: run.peaks.tolist() for samples, run in observation.widths.items()}
    found = [{"samples": samples, "peak_features_by_seed": places} for samples, places in peaks.items()]
    where = "; ".join(f"{samples} samples: {sorted(set(places))} features" for samples, places in peaks.items())
    details = (f"The peak follows the training set, not the model ({where}): no position without the number of "
               "samples, the number of outputs and what the axis counts.",)  # fmt: skip
    if not asserted["samples"]:
        return Evidence(
            as_stated=None,
            found=found,
            how="The numbers were read off a figure; the source contains neither it nor what was trained on what.",
            details=details,
            needs="the figure, its model and data: the number of training samples and outputs, and the axis' unit",
        )
    pairs = zip(asserted["between"], asserted["samples"], strict=True)
    inside = [low <= place <= high for (low, high), samples in pairs for place in peaks[samples]]
    return Evidence(
        as_stated=all(inside),
        found=found,
        how=f"Peak of the test loss over the width of random features on digits, {len(inside)} runs.",
        details=details,
    )


def decide_large(observation: Observation, asserted: dict[str, Any]) -> Evidence:
    """Does a network of that size show the peak in every setting, at the asserted epochs? In the one recipe at all?"""
    runs = {setting: run for setting, run in observation.networks.items() if setting[0] == asserted["hidden"]}
    recipe = runs[asserted["hidden"], *RECIPE[1:]]
    epochs = [run.values[shape.peak] for run in runs.values() for shape in run.shapes if shape.shown]
    low, high = asserted["epochs"]
    teacher = observation.teacher
    at = teacher.peak_at
    return Evidence(
        as_stated=all(run.shown for run in runs.values()) and all(low <= one <= high for one in epochs),
        amended=recipe.shown,
        condition=f"with label noise ({NETWORK_NOISE}), momentum ({MOMENTUM}) and a large first layer; at what epoch "
        "depends on the learning rate",
        found=[_network_found(setting, run) for setting, run in runs.items()],
        how=f"Networks with one hidden layer on 200 digits, running median of 5 epochs; a peak counts when it is "
        f"{SHOWN} times as high as both valleys, and in most seeds.",
        details=(
            f"Epochs {low} to {high} belong to a figure that the source does not contain; that part is open.",
            f"In the exact linear model of two scales the peak ({teacher.showing} of {teacher.seeds} seeds) is at "
            f"{at:.3g} epochs x learning rate, so a learning rate of {2 * at / float(low + high):.2g} would put it "
            f"at {(low + high) / 2} epochs.",
        ),
        needs="the figure, its model, data and learning rate, for the epochs",
    )


def decide_small(observation: Observation, asserted: dict[str, Any]) -> Evidence:
    """Is there no peak in any small model, the exact linear one included? In none of the small networks?"""
    runs = {setting: run for setting, run in observation.networks.items() if setting[0] in asserted["hidden"]}
    none = not any(run.shown for run in runs.values())
    teacher = observation.teacher
    weights, samples = int(teacher.parameters[0]), int(teacher.samples[0])
    return Evidence(
        as_stated=none and not teacher.shown,
        amended=none,
        condition=f"for networks with {' or '.join(map(str, asserted['hidden']))} hidden units on digits; a linear "
        f"model of {weights} weights on inputs of two scales shows it",
        found=[
            *(_network_found(setting, run) for setting, run in runs.items()),
            {"model": teacher.model, "weights": weights, "samples": samples, "showing": teacher.showing,
             "seeds": teacher.seeds, "test_loss": _rounded(teacher.levels)},
        ],
        how="The recipe that makes a large network show it, with few hidden units; and, as the counterexample, exact "
        f"gradient flow of a linear model too small ({weights} weights) to fit its {samples} noisy samples.",
    )  # fmt: skip


def _network_found(setting: tuple[int, float, float], run: DoubleDescent) -> dict[str, Any]:
    hidden, noise, momentum = setting
    shapes = run.shapes
    return {
        "hidden": hidden, "label_noise": noise, "momentum": momentum, "showing": run.showing, "seeds": run.seeds,
        "ratios": [round(shape.ratio, 2) for shape in shapes],
        "peak_epochs": [int(run.values[shape.peak]) for shape in shapes if shape.shown],
        "test_error": _rounded(run.levels),
    }  # fmt: skip


def _rounded(levels: Sequence[float]) -> list[float]:
    return [round(level, 3) for level in levels]


def exhibit(observation: Observation) -> Exhibits:
    """All runs in a table, and the curves."""
    runs = [*observation.widths.values(), observation.samples, observation.ridge, observation.teacher]
    runs += observation.networks.values()
    rows = [
        (run.model, run.axis, int(run.samples.max()), run.label_noise, f"{run.showing} of {run.seeds}",
         *_rounded(run.levels), round(min(shape.strength for shape in run.shapes), 3))
        for run in runs
    ]  # fmt: skip
    table = Table(
        title="Fall, rise and second fall",
        columns=("model", "axis", "samples", "label noise", "seeds with a peak", "first valley", "peak",
                 "second valley", "least strength over seeds"),
        rows=tuple(rows),
        caption="Medians over seeds of the test error (linear model: squared error on a new noisy value). Strength: "
        f"the smaller of rise and fall. A peak counts when it is {SHOWN} times as high as both valleys.",
    )  # fmt: skip
    large, quiet, plain = (observation.networks[setting] for setting in NETWORKS[:3])
    figures = (
        picture("Test error against width", observation.widths[SAMPLES[-1]].draw, caption="10 % to 90 % of seeds"),
        picture("More data can hurt", observation.samples.draw),
        picture("Ridge removes the peak", partial(draw_ridge, run=observation.ridge)),
        picture(f"Along training: {large.model}", large.draw),
        picture(f"Along training: {SMALL[1]} hidden units",
                observation.networks[SMALL[1], *RECIPE[1:]].draw),
        picture("Along training, exactly: a linear model on inputs of two scales", observation.teacher.draw),
    )  # fmt: skip
    notes = (
        "The small network's bump comes with label noise, momentum and a first layer three times as large as usual; "
        f"without noise {quiet.showing} of {quiet.seeds} seeds show it, without momentum {plain.showing} of "
        f"{plain.seeds}.",
        f"This run: {large.seeds} seeds and {len(large.values)} epochs; full scale: {SEEDS['full']} seeds and "
        f"{EPOCHS['full']} epochs.",
        *observation.widths[SAMPLES[-1]].caveats,
    )
    return Exhibits(tables=(table,), figures=figures, notes=notes)


def draw_ridge(ax: "matplotlib.axes.Axes", run: DoubleDescent) -> None:
    """Test loss at the threshold over ridge strength, on a log scale."""
    run.draw(ax)
    ax.set_title(f"{int(run.samples[0])} samples and as many features", fontsize="small")


STUDY = Study(
    name="double-descent-peaks",
    title="Double descent",
    question="Where does test error peak as the model, the data or the training grows, and what takes the peak away?",
    observe=observe,
    checks=(
        Check(
            claim="dlhw2.3a.kind",
            procedure=decide_peak,
            asserted={"ridge": "no", "ratio": Decimal("1.5")},
            altered={"ridge": "best", "ratio": Decimal("1.5")},
        ),
        Check(
            claim="dlhw2.3a.critical",
            procedure=decide_critical,
            asserted={"between": ((200, 200), (300, 300)), "samples": ()},
            altered={"between": ((200, 200), (300, 300)), "samples": SAMPLES},
        ),
        Check(
            claim="dlhw2.3b.critical",
            procedure=decide_critical,
            asserted={"between": ((10, 14), (10, 14)), "samples": ()},
            altered={"between": ((10, 14), (10, 14)), "samples": SAMPLES},
        ),
        Check(
            claim="dlhw2.3c.large",
            procedure=decide_large,
            asserted={"hidden": HIDDEN, "epochs": (70, 90)},
            altered={"hidden": SMALL[1], "epochs": (70, 90)},
        ),
        Check(
            claim="dlhw2.3c.small",
            procedure=decide_small,
            asserted={"hidden": SMALL},
            altered={"hidden": (HIDDEN,)},
        ),
    ),
    exhibit=exhibit,
)
