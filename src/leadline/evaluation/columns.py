"""Labels, scores and weights in whatever container they come: NumPy arrays of one length, checked."""

from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Shaped

from leadline.core import InputError

Column: TypeAlias = Any  # one-dimensional: a NumPy array, tensor on any device, pandas column or sequence
"""What instruments of this area take. Shapes are checked when called, because they do not show in these types."""

_EXACT_INTEGERS = 2**53  # float64 holds every integer up to here


def to_array(operation: str, name: str, values: Column) -> Shaped[np.ndarray, " n"]:
    """The column as a host array with at least one row."""
    if hasattr(values, "detach"):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # NumPy lacks bfloat16; float32 holds every half exactly
        values = values.cpu().numpy()
    array = np.asarray(values)
    if array.ndim != 1 or not array.size:
        raise InputError(
            operation, expected=f"{name} with one value per row", got=f"shape {array.shape}", remedy="pass one column"
        )
    return array


def to_scores(operation: str, values: Column) -> Shaped[np.ndarray, " n"]:
    """Scores as numbers that convert to float64 exactly; NaN and infinity are found where they are counted."""
    scores = to_array(operation, "y_score", values)
    if scores.dtype.kind == "O":
        with suppress(TypeError, ValueError):
            scores = scores.astype(np.float64)
    kind, wide = scores.dtype.kind, scores.dtype.itemsize >= 8
    if kind not in "fiub":
        raise InputError(operation, expected="numeric scores", got=f"dtype {scores.dtype}", remedy="pass numbers")
    if kind in "iu" and wide and max(int(scores.max()), -int(scores.min())) > _EXACT_INTEGERS:
        raise InputError(operation, expected="integer scores up to 2^53 in size", got=f"{scores.max()}",
                         remedy="subtract an offset, or pass their ranks")  # fmt: skip
    if kind == "f" and scores.dtype.itemsize > 8 and bool((scores.astype(np.float64) != scores).any()):
        raise InputError(operation, expected="scores in float64 or narrower", got=f"dtype {scores.dtype}",
                         remedy="convert them, or pass their ranks")  # fmt: skip
    return scores


def to_weights(operation: str, values: Column | None, rows: int) -> Float[np.ndarray, " n"] | None:
    """Weights as float64, finite and not negative; None where none are given."""
    if values is None:
        return None
    weights = to_array(operation, "sample_weight", values).astype(np.float64)
    if weights.size != rows:
        raise InputError(operation, expected=f"one weight for each of {rows} rows", got=f"{weights.size} weights",
                         remedy="pass columns of one length")  # fmt: skip
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        raise InputError(operation, expected="finite weights >= 0", got=f"{weights[wrong][0]} in row {wrong.argmax()}",
                         remedy="drop or mend those rows")  # fmt: skip
    return weights


def to_positive(operation: str, values: Column, pos_label: Any = None) -> Bool[np.ndarray, " n"]:
    """Which rows are positive: labels of any two values; {0, 1}, {-1, 1} and {False, True} need no `pos_label`."""
    labels = to_array(operation, "y_true", values)
    is_plain = labels.dtype == np.bool_ and pos_label is None
    positive = labels if is_plain else _compared(operation, labels, pos_label)
    if positive.all() or not positive.any():
        raise InputError(
            operation,
            expected="rows of both classes",
            got=f"a single class, {labels[0]!r}, in all rows",
            remedy="take rows that hold both, no curve exists otherwise",
        )
    return positive


def _compared(operation: str, labels: np.ndarray, pos_label: Any) -> np.ndarray:
    first = labels[0]
    is_first = np.asarray(labels == first)
    if is_first.all():
        return is_first
    second = labels[is_first.argmin()]
    third = ~(is_first | np.asarray(labels == second))
    if third.any():
        raise InputError(
            operation,
            expected="labels of two values",
            got=f"a third, {labels[third.argmax()]!r}, beside {first!r} and {second!r}",
            remedy="compare with one class first, or use one_vs_rest",
        )
    if pos_label is None:
        if {first, second} not in ({0, 1}, {-1, 1}):
            raise InputError(
                operation,
                expected="pos_label for labels other than {0, 1} and {-1, 1}",
                got=f"labels {first!r} and {second!r}",
                remedy="name the positive one",
            )
        pos_label = 1
    if pos_label not in (first, second):
        raise InputError(
            operation,
            expected=f"pos_label among {first!r} and {second!r}",
            got=repr(pos_label),
            remedy="name one of the labels",
        )
    return is_first if pos_label == first else ~is_first
