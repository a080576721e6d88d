"""Trained two-layer networks along width: the peak of the test error, and what weight decay makes of it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from leadline.generalization.descent_curves import DoubleDescent, OptimalRidge
from leadline.generalization.descent_seeds import kept_seeds, thresholds
from leadline.generalization.labelled_rows import LabelledRows
from leadline.generalization.lawful_numbers import COUNTS, distinct
from leadline.generalization.width_ensembles import (
    MEASURES,
    USUAL,
    NetworkSetting,
    Training,
    parameters_of,
    train_width,
)

SAMPLES, NOISE = 1000, 0.2
DECAYS = (0.0, 4.0)  # strong, since the training is short
FITTED = 0.01  # training error up to which a network counts as one that fits its training set
_MULTIPLES = (0.3, 0.45, 0.75, 1.2, 1.5, 1.8, 2.4, 4.8, 12.0)  # parameters over samples


def descent_of_widths(
    rows: LabelledRows,
    values: Sequence[float | int] | np.ndarray | None,
    *,
    samples: int = SAMPLES,
    label_noise: float = NOISE,
    decays: Sequence[float] = DECAYS,
    training: Training = USUAL,
    seeds: int,
    seed: int,
) -> DoubleDescent:
    """All networks of one width, every seed with every weight decay, as one ensemble; a fresh start at every width."""
    rows.admit(samples, labelled='model="random features"')
    inputs, classes = rows.inputs.shape[1], rows.targets.shape[1]
    widths = _widths(values, samples, inputs, classes)
    drawn = rows.drawn(seed, 0, samples, 0.0)
    members = [NetworkSetting(label_noise=label_noise, weight_decay=decay, seed=seed * seeds + one)
               for one in range(seeds) for decay in decays]  # fmt: skip
    measured = np.full((len(MEASURES), seeds, len(widths), len(decays)), np.nan)
    for place, width in enumerate(widths):
        for member, figures in enumerate(train_width(drawn, int(width), members, training=training)):
            if not figures["diverged"]:
                measured[:, member // len(decays), place, member % len(decays)] = [figures[name] for name in MEASURES]
    return width_descent(widths, measured, decays, inputs=inputs, classes=classes, samples=samples,
                         label_noise=label_noise, notes=("all seeds share the training rows",))  # fmt: skip


def width_descent(
    widths: Float[np.ndarray, " widths"],
    measured: Float[np.ndarray, "measures seeds widths decays"],
    decays: Sequence[float],
    *,
    inputs: int,
    classes: int,
    samples: int,
    label_noise: float,
    notes: tuple[str, ...] = (),
) -> DoubleDescent:
    """The result for networks that have been trained: the first decay's curves, and beside them the best decay's.

    Args:
        widths: hidden units, rising.
        measured: the `MEASURES` of every network; NaN where it diverged, and then its seed is left out.
        decays: weight decays; the first gives the curves.
        inputs, classes, samples, label_noise: of the data.
        notes: caveats about the seeds.

    Raises:
        DivergedError: no seed is left.
    """
    lost = np.asarray(~np.isfinite(measured).all((0, 2, 3)))
    kept, left_out = kept_seeds(lost)
    measured, notes = measured[:, kept], notes + left_out
    plain = dict(zip(MEASURES, measured[..., 0], strict=True))
    optimal = None
    if len(decays) > 1:
        best = np.median(measured[1], axis=0).argmin(1)
        places = np.arange(len(widths))
        optimal = OptimalRidge(strength=np.array(decays)[best], penalty="weight decay",
                               test_loss=measured[1][:, places, best],
                               test_error=measured[3][:, places, best])  # fmt: skip
        notes += ("the best weight decay is chosen on the test points: what an optimal one could reach",)
    return DoubleDescent(
        axis="hidden",
        model="networks with one hidden layer, each trained from its own start",
        values=widths,
        parameters=np.array([parameters_of(inputs, int(width), classes) for width in widths]),
        samples=np.full(len(widths), samples),
        label_noise=label_noise,
        loss="cross-entropy",
        threshold=thresholds(widths, plain["train_error"] <= FITTED),
        outputs=classes,
        left_out=tuple(np.flatnonzero(lost).tolist()),
        optimal=optimal,
        caveats=(f"a training error of at most {FITTED:.0%} counts as fitting; longer training fits with fewer units",
                 *notes),
        sources=("Belkin, Hsu, Ma & Mandal 2019 (double descent)",
                 "Nakkiran, Kaplun, Bansal, Yang, Barak & Sutskever 2020 (model-wise double descent)"),
        **plain,
    )  # fmt: skip


def _widths(values: Sequence[float | int] | np.ndarray | None, samples: int, inputs: int, classes: int) -> np.ndarray:
    if values is None:
        return np.unique(np.maximum(np.rint(np.multiply(_MULTIPLES, samples / (inputs + 1 + classes))), 2.0))
    return distinct("double_descent", "values", values, **COUNTS)
