"""Double descent: a model that just fits its training set generalizes worst, one with more of anything better."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from leadline.core import refuse
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
from leadline.generalization.lawful_numbers import COUNTS, number, numbers, whole_number

_OPERATION, _TEACHER = "double_descent", "two-scale teacher"
_MODELS = {
    "width": ("random features", "network"),
    "samples": ("random features",),
    "ridge": ("random features",),
    "epochs": ("network", _TEACHER),
}
_FEATURE_SAMPLES, _FEATURE_NOISE = 300, 0.1


def double_descent(
    data: Any = None,
    *,
    axis: str = "width",
    model: str | None = None,
    values: Sequence[float | int] | np.ndarray | None = None,
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
        samples: training rows (not along samples); None: 300, of a network 1000 along width and 200 along epochs.
        width: random features (along samples and ridge; None: as many as samples), or hidden units along epochs (256).
        label_noise: share, below 1, of training labels replaced by another class; for real targets a standard
            deviation.
        seeds: independent runs: other rows, features and noise (networks: other initial weights and noise).
        seed: names them all.

    Returns:
        Losses and errors of every seed, the interpolation threshold found from the training loss or error, peaks and
        valleys, and what the best ridge (along the width of networks: weight decay) makes of the curve.

    Raises:
        InputError: an unknown axis or model, values that the axis does not have, options that it does not use, or too
            few rows.
        DivergedError: training diverged with every seed.

    >>> found = double_descent(axis="width", values=[5, 20, 40, 80, 400], samples=40, seeds=3)
    >>> found.threshold, found.peaks, found.shown
    (array([40., 40., 40.]), array([40., 40., 40.]), True)
    """
    if axis not in _MODELS or (model is not None and model not in _MODELS[axis]):
        known = "; ".join(f"{one}: {' or '.join(models)}" for one, models in _MODELS.items())
        refuse(_OPERATION, f"an axis and a model of it ({known})", f"axis={axis!r}, model={model!r}",
               "name one of these")  # fmt: skip
    model = model or _MODELS[axis][0]
    given = {"data": data, "samples": samples, "width": width}
    idle = [name for name in (("data", "width") if model == _TEACHER else (axis,)) if given.get(name) is not None]
    if idle:
        refuse(_OPERATION, f"no {' and no '.join(idle)} along {axis} with {model}",
               ", ".join(f"{name} {type(given[name]).__name__}" for name in idle),
               "leave it out: it follows from values, or is drawn")  # fmt: skip
    whole_number(_OPERATION, "seeds", seeds, least=1)
    for name in ("samples", "width"):
        if given[name] is not None:
            whole_number(_OPERATION, name, given[name], least=1)
    if model == _TEACHER:
        noise = number(_OPERATION, "label_noise", TEACHER_NOISE if label_noise is None else label_noise, least=0)
        return descent_of_teacher(values, noise=noise, samples=samples or TEACHER_SAMPLES, seeds=seeds, seed=seed)
    rows = rows_of(data)
    if label_noise is not None:
        label_noise = rows.noise(label_noise)
    if model == "network" and axis == "width":
        return descent_of_widths(rows, values, samples=samples or SAMPLES, seeds=seeds, seed=seed,
                                 label_noise=NOISE if label_noise is None else label_noise)  # fmt: skip
    if model == "network":
        epochs = EPOCHS if values is None else int(numbers(_OPERATION, "values", values, **COUNTS).max())
        return descent_of_network(rows, epochs=epochs, width=width or HIDDEN, samples=samples or NETWORK_SAMPLES,
                                  seeds=seeds, seed=seed,
                                  label_noise=NETWORK_NOISE if label_noise is None else label_noise)  # fmt: skip
    noise = _FEATURE_NOISE if label_noise is None else label_noise
    return descent_of_features(rows, axis, values, samples=samples or _FEATURE_SAMPLES, width=width, label_noise=noise,
                               seeds=seeds, seed=seed)  # fmt: skip
