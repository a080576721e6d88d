"""Rows of a regression problem: to train on, to choose by, and to test on once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import numpy_generator, refuse
from leadline.generalization.lawful_numbers import number

_OPERATION = "linear_regression_grid"
Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False, kw_only=True)
class RegressionRows:
    """Three disjoint sets of inputs and real targets.

    Attributes:
        centre, scale: of the training inputs by column; a column that does not vary has scale 1.
    """

    train: Rows
    validation: Rows
    test: Rows
    centre: Float[np.ndarray, " features"]
    scale: Float[np.ndarray, " features"]

    def standardized(self, rows: Rows) -> Rows:
        """Inputs less the training mean, over the training standard deviation; targets as they are."""
        return (rows[0] - self.centre) / self.scale, rows[1]


def regression_rows(data: Rows, validation: Rows | float, test: Rows | float, seed: int) -> RegressionRows:
    """The three sets: given as arrays, or taken at random as shares, first to test on, then of the rest to choose by.

    Raises:
        InputError: arrays that do not belong together, or a share that leaves a set empty.
    """
    rest = _sound("data", data)
    generator = numpy_generator(_OPERATION, seed, "rows")
    rest, tested = _set_aside("test", rest, test, generator)
    train, chosen_by = _set_aside("validation", rest, validation, generator)
    widths = {part[0].shape[1] for part in (train, chosen_by, tested)}
    if len(widths) > 1 or len(train[0]) < 2:
        refuse(_OPERATION, "two or more training rows, and as many features in every set",
               f"{len(train[0])} training rows, {sorted(widths)} features", "correct the arrays")  # fmt: skip
    scale = train[0].std(0)
    return RegressionRows(train=train, validation=chosen_by, test=tested, centre=train[0].mean(0),
                          scale=np.where(scale > 0, scale, 1.0))  # fmt: skip


def _set_aside(name: str, rows: Rows, given: Any, generator: np.random.Generator) -> tuple[Rows, Rows]:
    if isinstance(given, tuple | list):
        return rows, _sound(name, given)
    return _parted(rows, number(_OPERATION, f"{name}: rows (X, y), or as a share", given, above=0, below=1), generator)


def _sound(name: str, rows: Any) -> Rows:
    try:
        inputs, targets = (np.asarray(part, dtype=float) for part in rows)
    except (TypeError, ValueError) as error:
        refuse(_OPERATION, f"{name} = (X, y) of numbers", str(error), "pass two arrays")
    if inputs.ndim > 2:
        inputs = inputs.reshape(len(inputs), -1)
    if inputs.ndim != 2 or not inputs.size or targets.shape != (len(inputs),):
        got = f"shapes {inputs.shape} and {targets.shape}"
        refuse(_OPERATION, f"{name} = X (rows, features) and y (rows,)", got, "give every row one target")
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        refuse(_OPERATION, f"finite {name}", "NaN or infinity", "drop or impute these rows")
    return inputs, targets


def _parted(rows: Rows, share: float, generator: np.random.Generator) -> tuple[Rows, Rows]:
    order, count = generator.permutation(len(rows[0])), round(share * len(rows[0]))
    if not 0 < count < len(order):
        refuse(_OPERATION, "shares for validation and test that leave rows in every set",
               f"{count} of {len(order)} rows", "pass shares between 0 and 1")  # fmt: skip
    taken, left = np.sort(order[:count]), np.sort(order[count:])
    return (rows[0][left], rows[1][left]), (rows[0][taken], rows[1][taken])
