"""The training sets of one run, all grid points sharing them, and the test points with what is true there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from leadline.core import numpy_generator, refuse
from leadline.generalization.lawful_numbers import whole_number
from leadline.generalization.populations import Population

_OPERATION = "bias_variance"
ROUNDS = 100


@dataclass(frozen=True, kw_only=True)
class TrainingSets:
    """`rounds` training sets of one size, and the test points.

    Args:
        inputs: (rounds, size, ...).
        targets: (rounds, size) or (rounds, size, outputs).
        test_inputs: (points, ...).
        test_targets: noiseless values or labels where they are known, the observed ones otherwise.
        noise_variance: of a test value; None where the data do not tell it.
        sampling: how the sets were made, in words.
    """

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray
    noise_variance: float | None
    sampling: str
    caveats: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        return self.inputs.shape[0]

    @property
    def size(self) -> int:
        return self.inputs.shape[1]


def drawn_from_population(
    population: Population, *, test: Any, rounds: int | None, train_size: int | None, seed: int
) -> TrainingSets:
    """Fresh draws: new noise in every round, and new inputs unless the population keeps them."""
    rounds, train_size = _rounds(rounds), _size(train_size)
    kept = isinstance(population.inputs, np.ndarray)
    size = len(population.inputs) if kept else train_size  # type: ignore[arg-type]
    if size is None or (kept and train_size not in (None, size)):
        refuse(_OPERATION, "the number of training points of a data set (train_size)", train_size,
               "pass train_size, or as many as the inputs kept")  # fmt: skip
    inputs, targets = population.draw(numpy_generator("bias_variance", seed, "draws"), rounds, size)
    if test is None:
        test = population.default_test_inputs(numpy_generator("bias_variance", seed, "test inputs"))
    test = np.asarray(test)
    if test.shape[1:] != inputs.shape[2:]:
        refuse(_OPERATION, f"test inputs of shape (points, {inputs.shape[2:]})", test.shape,
               "pass inputs alone: the population knows the targets")  # fmt: skip
    how = "the same inputs in every round, noise drawn anew" if kept else "inputs and noise drawn anew in every round"
    return TrainingSets(
        inputs=inputs,
        targets=targets,
        test_inputs=test,
        test_targets=population.truth(test),
        noise_variance=float(population.noise_variance),
        sampling=f"fresh draws ({how})",
    )


def resampled(
    data: tuple[Any, Any], *, test: Any, rounds: int | None, train_size: int | None, resampling: Any, seed: int
) -> TrainingSets:
    """Training sets out of one data set: bootstrap, disjoint parts, or rows that the caller names."""
    X, y, X_test, y_test, caveats = _parts(data, test, seed)
    generator = numpy_generator("bias_variance", seed, "rows")
    train_size = _size(train_size)
    if isinstance(resampling, np.ndarray):
        rows, how = _named_rows(resampling, len(X), rounds, train_size), "rows named by the caller"
    elif resampling == "bootstrap":
        rows = generator.integers(0, len(X), (_rounds(rounds), train_size or len(X)))
        how = f"bootstrap of {len(X)} rows (drawn with replacement)"
        caveats += ("the variance is that between bootstrap samples of one data set, not between fresh data sets",)
    elif resampling == "disjoint":
        parts = _rounds(rounds)
        size = train_size or max(len(X) // parts, 1)
        if size * parts > len(X):
            refuse(_OPERATION, f"at least {parts * size} rows for {parts} disjoint parts", len(X),
                   "ask for fewer rounds or a smaller train_size")  # fmt: skip
        rows = generator.permutation(len(X))[: size * parts].reshape(parts, size)
        how = f"disjoint splits of {len(X)} rows"
    else:
        refuse(_OPERATION, '"bootstrap", "disjoint" or an array of rows (rounds, size)', repr(resampling),
               "name one of them")  # fmt: skip
    return TrainingSets(inputs=X[rows], targets=y[rows], test_inputs=X_test, test_targets=y_test, noise_variance=None,
                        sampling=how, caveats=caveats)  # fmt: skip


def _parts(data: Any, test: Any, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    X, y = _pair(data, "data")
    if test is not None:
        return X, y, *_pair(test, "test"), ()
    if len(X) < 4:
        refuse(_OPERATION, "at least 4 rows, of which a quarter is held out", len(X), "pass test=(X_test, y_test)")
    order = numpy_generator("bias_variance", seed, "held out").permutation(len(X))
    held, kept = np.split(order, [len(X) // 4])
    return X[kept], y[kept], X[held], y[held], (f"{len(held)} rows, a random quarter, held out as test points",)


def _pair(pair: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        X, y = (np.asarray(part) for part in pair)
    except (TypeError, ValueError) as error:
        refuse(_OPERATION, f"{name} = (X, y)", error, "pass two arrays")
    if X.ndim == 0 or y.ndim not in (1, 2) or len(X) != len(y) or len(X) == 0:
        refuse(_OPERATION, f"{name} = (X, y) with as many rows in X as in y", f"shapes {X.shape} and {y.shape}",
               "pass one target per row")  # fmt: skip
    return X, y


def _rounds(rounds: int | None) -> int:
    # a variance and its standard error need three
    return ROUNDS if rounds is None else whole_number(_OPERATION, "rounds", rounds, least=3)


def _size(train_size: int | None) -> int | None:
    return None if train_size is None else whole_number(_OPERATION, "train_size", train_size, least=1)


def _named_rows(rows: np.ndarray, count: int, rounds: int | None, train_size: int | None) -> np.ndarray:
    if rows.ndim != 2 or rows.dtype.kind not in "iu" or rows.size == 0 or rows.min() < 0 or rows.max() >= count:
        refuse(_OPERATION, f"row numbers 0..{count - 1} of shape (rounds, size)", f"{rows.dtype} {rows.shape}",
               "pass integers")  # fmt: skip
    _rounds(len(rows))
    if rounds not in (None, len(rows)) or train_size not in (None, rows.shape[1]):
        refuse(_OPERATION, f"as many rounds and points as the rows named, {rows.shape}",
               f"rounds {rounds}, train_size {train_size}", "leave both out")  # fmt: skip
    return rows
