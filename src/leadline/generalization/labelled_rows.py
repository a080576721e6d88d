"""Training and test rows of one seed, with noisy training labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from leadline.core import numpy_generator, refuse
from leadline.generalization.lawful_numbers import number

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

    def admit(self, samples: int, *, labelled: str = "") -> None:
        """Refuse training sets that leave no test rows and, with a remedy for them, real targets.

        Raises:
            InputError: there are not more rows than samples, or no labels where they are wanted.
        """
        if labelled and self.labels is None:
            refuse(_OPERATION, "labels (integers)", "real targets", f"pass classes, or {labelled}")
        if samples >= len(self.inputs):
            refuse(_OPERATION, f"fewer than {len(self.inputs)} samples", samples, "leave rows to test on")

    def noise(self, label_noise: float | int) -> float:
        """The caller's label noise, if it can be any: a share of labels, or a standard deviation of real targets.

        Raises:
            InputError: it cannot.
        """
        limit = {} if self.labels is None else {"below": 1}
        return number(_OPERATION, "label_noise", label_noise, least=0, **limit)

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
        InputError: not a pair of a finite matrix and a vector of as many rows, or fewer than two classes.
    """
    if data is None:
        from leadline.data import embedded_set

        digits = embedded_set("digits")
        data = digits.inputs, digits.targets
    try:
        inputs, targets = data
        inputs, targets = np.asarray(inputs, dtype=float), np.asarray(targets)
        classes, labels = np.unique(targets, return_inverse=True)
    except (TypeError, ValueError) as error:
        refuse(_OPERATION, "data = (X, y), X of numbers and y of one type", error, "pass two arrays")
    real = targets.dtype.kind == "f"
    finite = np.isfinite(inputs).all() and not (real and not np.isfinite(targets).all())
    if inputs.ndim != 2 or not inputs.size or targets.shape != (len(inputs),) or not finite:
        got = f"shapes {inputs.shape} and {targets.shape}" + " with NaN or infinity" * (not finite)
        refuse(_OPERATION, "finite X (rows, inputs) and y (rows,)", got, "flatten the inputs, and drop other rows")
    centred = inputs - inputs.mean(0)
    length = np.sqrt(np.square(centred).sum(1).mean())
    if length == 0 or (not real and len(classes) < 2):
        refuse(_OPERATION, "inputs that differ and at least two classes", "all alike",
               "pass real targets as floats and labels as integers")  # fmt: skip
    columns = (targets - targets.mean())[:, None] if real else np.eye(len(classes))[labels]
    labels = None if real else labels
    return LabelledRows(inputs=centred / length, targets=columns.astype(float), labels=labels)
