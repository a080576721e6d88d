"""Precision and recall rescaled so that prevalence is 0 and 1 stays 1: the harmonic scale on which F becomes a mean."""

import numpy as np
from jaxtyping import Float, Num, Shaped

from leadline.core import InputError


def rate_to_gain(
    rate: Float[np.ndarray, "*points"] | float, prevalence: int | float
) -> Float[np.ndarray, "*points"] | float:
    """Precision (recall, F-beta) as precision gain (recall gain, F gain); -inf at rate 0.

    >>> rate_to_gain(np.array([0.25, 0.5, 1.0]), prevalence=0.25).round(3).tolist()
    [0.0, 0.667, 1.0]

    Source: Flach & Kull 2015, definition 1.
    """
    if not 0 < prevalence < 1:
        raise InputError("rate_to_gain", expected="0 < prevalence < 1", got=repr(prevalence),
                         remedy="pass the share of positives")  # fmt: skip
    with np.errstate(divide="ignore"):
        return 1 - prevalence / (1 - prevalence) * (1 / np.asarray(rate, np.float64) - 1)


def count_gain(
    wrong: Num[np.ndarray, "*points"], right: Num[np.ndarray, "*points"], odds: float | Float[np.ndarray, "..."]
) -> Float[np.ndarray, "*points"]:
    """1 - odds · wrong/right: precision gain where wrong is FP, recall gain where it is FN; right is TP.

    Where right is 0 it is -inf (nan where both are 0).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.divide(wrong, right)
    ratio *= -odds
    ratio += 1
    return ratio


def f_gain(
    precision_gain: Shaped[np.ndarray, "*points"] | float,
    recall_gain: Shaped[np.ndarray, "*points"] | float,
    *,
    beta: int | float = 1.0,
) -> Float[np.ndarray, "*points"] | float:
    """Gain of F-beta: the weighted arithmetic mean of both gains, weights 1 and beta².

    >>> f_gain(0.8, 0.4)
    0.6000000000000001
    """
    return (precision_gain + beta**2 * recall_gain) / (1 + beta**2)


def f_gain_isometric(
    value: int | float, recall_gain: Float[np.ndarray, " points"] | float, *, beta: int | float = 1.0
) -> Float[np.ndarray, " points"] | float:
    """Precision gain at which F-beta gain is `value`: straight lines of slope -beta²."""
    return (1 + beta**2) * value - beta**2 * recall_gain


def f_isometric(
    value: float, recall: Float[np.ndarray, " points"], *, beta: int | float = 1.0
) -> Float[np.ndarray, " points"]:
    """Precision at which F-beta is `value`: hyperbolas; nan where no precision in (0, 1] reaches it."""
    recall = np.asarray(recall, np.float64)
    room = (1 + beta**2) * recall - beta**2 * value
    precision = np.divide(value * recall, room, out=np.full_like(recall, np.nan), where=room > 0)
    return np.where(precision <= 1, precision, np.nan)
