"""Training and test rows of one seed, with noisy training labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import InputError, numpy_generator

TEST_ROWS = 800  # at most; enough to tell errors that differ by a few percent
_OPERATION = "double_descent"


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledRows:
    """A data set as double descent needs it.

    Attributes:
        inputs: centred, mean squared length 1.
        targets: one column per class (1 for the row's class), or the real target, centred.
        labels: place of the class; None for real targets.
    """

    inputs: Float[np.ndarray, "rows inputs"]
    targets: Float[np.ndarray, "rows outputs"]
    labels: np.ndarray | None

    def drawn(self, seed: int, member: int, samples: int, noise: float, *, points: int = TEST_ROWS) -> "DrawnRows":
        """Rows in a random order: the first `samples` with label noise to train on, up to `points` others to test."""
        order = numpy_generator(_OPERATION, seed, member, "rows").permutation(len(self.inputs))
        training, test = order[:samples], order[samples : samples + points]
        return DrawnRows(
            inputs=self.inputs[training],
            targets=self._noisy(training, noise, numpy_generator(_OPERATION, seed, member, "noise")),
            test_inputs=self.inputs[test],
            test_targets=self.targets[test],
            training=training,
            test=test,
        )

    def _noisy(self, rows: np.ndarray, noise: float, generator: np.random.Generator) -> np.ndarray:
        if self.labels is None:
            return self.targets[rows] + noise * generator.standard_normal((len(rows), 1))
        classes = self.targets.shape[1]
        shift = np.where(generator.random(len(rows)) < noise, generator.integers(1, classes, len(rows)), 0)
        return np.eye(classes)[(self.labels[rows] + shift) % classes]


@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnRows:
    """What one seed trains and tests on; test labels carry no noise."""

    inputs: Float[np.ndarray, "samples inputs"]
    targets: Float[np.ndarray, "samples outputs"]
    test_inputs: Float[np.ndarray, "points inputs"]
    test_targets: Float[np.ndarray, "points outputs"]
    training: np.ndarray
    test: np.ndarray


def rows_of(data: Any) -> LabelledRows:
    """The caller's arrays, or the embedded digits where there are none.

    Raises:
        InputError: not a pair of a matrix and a vector of as many rows, or fewer than two classes.
    """
    if data is None:
        from leadline.data import embedded_set

        digits = embedded_set("digits")
        data = digits.inputs, digits.targets
    try:
        inputs, targets = (np.asarray(part) for part in data)
    except (TypeError, ValueError) as error:
        raise InputError(_OPERATION, expected="data = (X, y)", got=str(error), remedy="pass two arrays") from error
    if inputs.ndim != 2 or targets.shape != (len(inputs),) or not np.isfinite(inputs).all():
        raise InputError(_OPERATION, expected="finite X (rows, inputs) and y (rows,)",
                         got=f"shapes {inputs.shape} and {targets.shape}", remedy="flatten the inputs")  # fmt: skip
    centred = inputs - inputs.mean(0)
    length = np.sqrt(np.square(centred).sum(1).mean())
    if targets.dtype.kind == "f":
        columns, labels = (targets - targets.mean())[:, None], None
    else:
        classes, labels = np.unique(targets, return_inverse=True)
        columns = np.eye(len(classes))[labels]
    if length == 0 or (labels is not None and columns.shape[1] < 2):
        raise InputError(_OPERATION, expected="inputs that differ and at least two classes",
                         got="all alike", remedy="pass real targets as floats and labels as integers")  # fmt: skip
    return LabelledRows(inputs=centred / length, targets=columns.astype(float), labels=labels)
