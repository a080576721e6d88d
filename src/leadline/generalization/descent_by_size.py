"""Random features and least squares along width, samples and ridge strength."""

from collections.abc import Sequence

import numpy as np

from leadline.core import numpy_generator
from leadline.generalization.descent_curves import DoubleDescent, OptimalRidge
from leadline.generalization.descent_seeds import thresholds
from leadline.generalization.labelled_rows import LabelledRows
from leadline.generalization.lawful_numbers import COUNTS, distinct
from leadline.generalization.random_features import FeatureFits, feature_fits, relu_features

STRENGTHS = (0.0, *(10.0 ** np.arange(-6.0, 1.1, 0.5)).tolist())  # per sample; features have mean square 1
_MULTIPLES = (0.03, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_SAMPLE_MULTIPLES = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 1.5, 2.0, 3.0)
_FITTED = 1e-9  # training loss, over that of predicting nothing, below which only rounding is left
_SOURCES = (
    "Belkin, Hsu, Ma & Mandal 2019 (double descent)",
    "Nakkiran, Venkat, Kakade & Ma 2021 (optimal regularization)",
)


def descent_of_features(
    rows: LabelledRows,
    axis: str,
    values: Sequence[float | int] | np.ndarray | None,
    *,
    samples: int,
    width: int | None,
    label_noise: float,
    seeds: int,
    seed: int,
) -> DoubleDescent:
    """The curves along "width", "samples" or "ridge"."""
    width = samples if width is None else width
    grid = _grid(axis, values, samples, width)
    widths, sizes, strengths = _designs(axis, grid, samples, width)
    rows.admit(max(sizes))
    shape = (seeds, len(grid), len(strengths))
    measured = {
        name: np.zeros(shape) for name in ("train_loss", "test_loss", "train_error", "test_error", "weight_norm")
    }
    nothing = np.zeros(shape[:2])
    for member in range(seeds):
        drawn = rows.drawn(seed, member, max(sizes), label_noise)
        directions = numpy_generator("double_descent", seed, member, "directions")
        weights = directions.standard_normal((rows.inputs.shape[1], max(widths)))
        features, test = (relu_features(some, weights) for some in (drawn.inputs, drawn.test_inputs))
        fits: FeatureFits | None = None
        for place, (count, size) in enumerate(zip(widths, sizes, strict=True)):
            targets = drawn.targets[:size]
            nothing[member, place] = np.square(targets).mean()
            if fits is None or axis != "ridge":
                fits = feature_fits(features[:size, :count], targets, test[:, :count])
            for column, strength in enumerate([grid[place]] if axis == "ridge" else strengths):
                measured["weight_norm"][member, place, column] = fits.weight_norm(float(strength))
                values_on = {"train": (fits.on_training(float(strength)), targets),
                             "test": (fits.on_test(float(strength)), drawn.test_targets)}  # fmt: skip
                for part, (fitted, truth) in values_on.items():
                    measured[f"{part}_loss"][member, place, column] = np.square(fitted - truth).mean()
                    measured[f"{part}_error"][member, place, column] = (fitted.argmax(1) != truth.argmax(1)).mean()
    return _result(rows, axis, grid, widths, sizes, measured, nothing, strengths, label_noise)


def _grid(axis: str, values: Sequence[float | int] | np.ndarray | None, samples: int, width: int) -> np.ndarray:
    if values is None:
        base = {"width": np.multiply(_MULTIPLES, samples), "samples": np.multiply(_SAMPLE_MULTIPLES, width)}
        return np.unique(np.maximum(np.rint(base[axis]), 1.0)) if axis in base else np.array(STRENGTHS)
    bounds = {"least": 0} if axis == "ridge" else COUNTS
    return distinct("double_descent", "values", values, **bounds)


def _designs(axis: str, grid: np.ndarray, samples: int, width: int) -> tuple[list[int], list[int], tuple[float, ...]]:
    whole = [int(value) for value in grid]
    widths = whole if axis == "width" else [width] * len(grid)
    sizes = whole if axis == "samples" else [samples] * len(grid)
    return widths, sizes, (0.0,) if axis == "ridge" else STRENGTHS


def _result(
    rows: LabelledRows,
    axis: str,
    grid: np.ndarray,
    widths: list[int],
    sizes: list[int],
    measured: dict[str, np.ndarray],
    nothing: np.ndarray,
    strengths: tuple[float, ...],
    label_noise: float,
) -> DoubleDescent:
    if rows.labels is None:
        measured |= {name: measured[name][:, :0] for name in ("train_error", "test_error")}
    plain = {name: curves[:, :, 0] for name, curves in measured.items()}
    optimal = None
    if axis != "ridge":
        best = np.median(measured["test_loss"], axis=0).argmin(1)
        optimal = OptimalRidge(
            strength=np.array(strengths)[best],
            test_loss=measured["test_loss"][:, np.arange(len(grid)), best],
            test_error=measured["test_error"][:, np.arange(len(grid)), best] if rows.labels is not None
            else measured["test_error"][:, :, 0],
        )  # fmt: skip
    return DoubleDescent(
        axis=axis,
        model="random ReLU features, least squares of least norm",
        values=grid,
        parameters=np.array(widths) * rows.targets.shape[1],
        samples=np.array(sizes),
        label_noise=label_noise,
        loss="squared error",
        threshold=thresholds(grid, plain["train_loss"] <= _FITTED * nothing, last=axis == "samples")
        if axis != "ridge"
        else np.full(len(nothing), np.nan),  # only strength 0 can fit, wherever it is
        outputs=rows.targets.shape[1],
        weight_norm=plain["weight_norm"],
        optimal=optimal,
        caveats=("the best ridge is chosen on the test points: what an optimal strength could reach",) * bool(optimal),
        sources=_SOURCES,
        train_loss=plain["train_loss"],
        test_loss=plain["test_loss"],
        train_error=plain["train_error"],
        test_error=plain["test_error"],
    )
