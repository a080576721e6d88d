"""Double descent: a model that just fits its training set generalizes worst, one with more of anything better."""

from collections.abc import Sequence
from typing import Any

from leadline.core import InputError
from leadline.generalization.descent_by_size import descent_of_features
from leadline.generalization.descent_by_time import (
    EPOCHS,
    HIDDEN,
    NETWORK_NOISE,
    NETWORK_SAMPLES,
    TEACHER_NOISE,
    TEACHER_SAMPLES,
    descent_of_network,
    descent_of_teacher,
)
from leadline.generalization.descent_by_width import NOISE, SAMPLES, descent_of_widths
from leadline.generalization.descent_curves import DoubleDescent
from leadline.generalization.labelled_rows import rows_of

_MODELS = {
    "width": ("random features", "network"),
    "samples": ("random features",),
    "ridge": ("random features",),
    "epochs": ("network", "two-scale teacher"),
}
_FEATURE_SAMPLES, _FEATURE_NOISE = 300, 0.1


def double_descent(
    data: Any = None,
    *,
    axis: str = "width",
    model: str | None = None,
    values: Sequence[float | int] | None = None,
    samples: int | None = None,
    width: int | None = None,
    label_noise: float | None = None,
    seeds: int = 5,
    seed: int = 0,
) -> DoubleDescent:
    """How test error runs along one axis, where its peak is, and whether that is where the training set is just fitted.

    Random ReLU features with least squares of least norm (float64, factorized, no iterations) along "width",
    "samples" and "ridge". Along "epochs" a two-layer ReLU network trained on full batches with momentum and L2, or
    the exact gradient flow of a linear student whose teacher has directions of two scales. Networks along "width" are
    trained from a start of their own, all seeds of a width as one ensemble: half a minute on one core.

    Args:
        data: (X, y): inputs (rows, inputs) with integer labels or real (float) targets; None: the embedded digits.
            Rows that are not trained on, up to 800, test. Inputs are centred and scaled as a whole.
        axis: "width" (features), "samples", "ridge" (strength per sample) or "epochs".
        model: "random features", "network" or "two-scale teacher"; None: the first that the axis has.
        values: along the axis; along epochs the number of epochs is the largest of them.
        samples: training rows; None: 300, of a network 1000 along width and 200 along epochs.
        width: random features (along samples and ridge; None: as many as samples), or hidden units along epochs (256).
        label_noise: share of training labels replaced by another class; for real targets a standard deviation.
        seeds: independent runs: other rows, features and noise (networks: other initial weights and noise).
        seed: names them all.

    Returns:
        Losses and errors of every seed, the interpolation threshold found from the training loss or error, peaks and
        valleys, and what the best ridge (along the width of networks: weight decay) makes of the curve.

    Raises:
        InputError: an unknown axis or model, values that the axis does not have, or too few rows.

    >>> found = double_descent(axis="width", values=[5, 20, 40, 80, 400], samples=40, seeds=3)
    >>> found.threshold, found.peaks, found.shown
    (array([40., 40., 40.]), array([40., 40., 40.]), True)
    """
    if axis not in _MODELS or (model is not None and model not in _MODELS[axis]):
        known = "; ".join(f"{one}: {' or '.join(models)}" for one, models in _MODELS.items())
        raise InputError("double_descent", expected=f"an axis and a model of it ({known})",
                         got=f"axis={axis!r}, model={model!r}", remedy="name one of these")  # fmt: skip
    model = model or _MODELS[axis][0]
    counts = {"samples": samples, "width": width, "seeds": seeds}
    if any(count is not None and count < 1 for count in counts.values()) or (label_noise or 0.0) < 0:
        raise InputError("double_descent", expected="samples, width and seeds of at least 1, label_noise of at least 0",
                         got=f"{counts}, label_noise={label_noise}", remedy="correct them")  # fmt: skip
    if model == "two-scale teacher":
        if data is not None or width is not None or min(values or [1.0]) <= 0:
            raise InputError("double_descent", expected="no data, no width and positive times for a two-scale teacher",
                             got=f"data {type(data).__name__}, width {width}, values {values}",
                             remedy="leave them out: it draws its own inputs")  # fmt: skip
        return descent_of_teacher(values, noise=TEACHER_NOISE if label_noise is None else label_noise,
                                  samples=samples or TEACHER_SAMPLES, seeds=seeds, seed=seed)  # fmt: skip
    rows = rows_of(data)
    if model == "network" and axis == "width":
        return descent_of_widths(rows, values, samples=samples or SAMPLES, seeds=seeds, seed=seed,
                                 label_noise=NOISE if label_noise is None else label_noise)  # fmt: skip
    if model == "network":
        return descent_of_network(rows, epochs=int(max(values)) if values else EPOCHS, width=width or HIDDEN,
                                  samples=samples or NETWORK_SAMPLES, seeds=seeds, seed=seed,
                                  label_noise=NETWORK_NOISE if label_noise is None else label_noise)  # fmt: skip
    noise = _FEATURE_NOISE if label_noise is None else label_noise
    return descent_of_features(rows, axis, values, samples=samples or _FEATURE_SAMPLES, width=width, label_noise=noise,
                               seeds=seeds, seed=seed)  # fmt: skip
