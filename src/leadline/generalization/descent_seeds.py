"""The seeds of a double descent: which of them count, and where each begins to fit its training set."""

import numpy as np
from jaxtyping import Bool, Float, Int

from leadline.core import DivergedError


def kept_seeds(diverged: Bool[np.ndarray, " seeds"]) -> tuple[Int[np.ndarray, " kept"], tuple[str, ...]]:
    """The seeds without a network that diverged, and a caveat about the others: a curve with a hole has no peak.

    Raises:
        DivergedError: there are none.

    >>> kept_seeds(np.array([False, True, False]))
    (array([0, 2]), ('1 of 3 seeds left out, since training diverged: 1',))
    """
    lost = np.flatnonzero(diverged)
    if len(lost) == len(diverged):
        raise DivergedError("double_descent", expected="a seed all of whose networks train",
                            got=f"{len(lost)} that diverged", remedy="check the data for outliers")  # fmt: skip
    said = f"{len(lost)} of {len(diverged)} seeds left out, since training diverged: {', '.join(map(str, lost))}"
    return np.flatnonzero(~diverged), (said,) * bool(len(lost))


def thresholds(
    values: Float[np.ndarray, " values"], fitted: Bool[np.ndarray, "seeds values"], *, last: bool = False
) -> Float[np.ndarray, " seeds"]:
    """By seed the first value (or the last) at which the training set is fitted; NaN where it is nowhere.

    >>> thresholds(np.array([1.0, 2.0, 4.0]), np.array([[False, True, True], [False, False, False]]))
    array([ 2., nan])
    """
    ordered, values = (fitted[:, ::-1], values[::-1]) if last else (fitted, values)
    return np.where(fitted.any(1), values[ordered.argmax(1)], np.nan)
