"""Models that are linear in nested features, and the fits of all their sizes and ridge strengths at once.

Model k uses the first k columns. A triangular factor of the features therefore holds the factors of all smaller
models as its leading blocks: one QR factorisation per training set serves every size, and one more of that small
triangle every ridge strength.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from numpy.polynomial import legendre

from leadline.core import refuse
from leadline.generalization.lawful_numbers import interval, numbers

_OPERATION = "bias_variance"
_CHUNK = 2**22  # numbers in flight
_RANK_TOLERANCE = 1e-12  # what is left of a column once those before it are taken out, relative to its length


def _as_many(size: int) -> int:
    return size


@dataclass(frozen=True, kw_only=True)
class LinearFamily:
    """Least squares, or ridge, on the first columns of a feature matrix.

    As the subject of `bias_variance` it is fitted for a whole grid at once. Called with one size and strength it is
    an ordinary factory: `family(columns=3)` is a function (X, y) -> predict.

    Ridge minimises |y - features c|^2 + ridge |root c|^2, summed over the training set, as scikit-learn's `Ridge`.

    Args:
        features: (inputs, size) -> (n, columns); a smaller size gives the first columns of a larger one.
        size_name: what the size is called in a grid.
        columns: number of columns at a size.
        root: size -> upper triangular (columns, columns); None penalises all coefficients but the first alike.
    """

    features: Callable[[np.ndarray, int], np.ndarray]
    size_name: str = "columns"
    columns: Callable[[int], int] = _as_many
    root: Callable[[int], np.ndarray] | None = None

    def penalty_root(self, size: int) -> Float[np.ndarray, "columns columns"]:
        """The matrix whose product with the coefficients is penalised."""
        if self.root is not None:
            return self.root(size)
        root = np.eye(self.columns(size))
        root[0, 0] = 0.0
        return root

    def __call__(self, *, ridge: int | float = 0.0, **size: int) -> Callable[[np.ndarray, np.ndarray], Callable]:
        (order,), _ = self.axes([{**size, "ridge": ridge}])

        def fit(X: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
            matrix = self.matrix(X, order)
            targets = np.concatenate([y, np.zeros((matrix.shape[1], *y.shape[1:]))])
            stacked = np.concatenate([matrix, np.sqrt(ridge) * self.penalty_root(order)])
            coefficients = np.linalg.lstsq(stacked, targets, rcond=None)[0]
            return lambda inputs: self.matrix(inputs, order) @ coefficients

        return fit

    def matrix(self, inputs: np.ndarray, size: int) -> Float[np.ndarray, "inputs columns"]:
        """The features, or an error that says what they should be.

        Raises:
            InputError: another number of columns than the size has, or features that are not finite.
        """
        matrix = np.asarray(self.features(inputs, size))
        shape = len(inputs), self.columns(size)
        if matrix.shape != shape or not np.isfinite(matrix).all():
            refuse(_OPERATION, f"finite features of shape {shape} for inputs of shape {inputs.shape}",
                   matrix.shape if matrix.shape != shape else "NaN or infinity",
                   "correct the inputs (polynomials have one variable) or the features")  # fmt: skip
        return matrix

    def axes(self, points: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[float]]:
        """The sizes and the ridge strengths of a grid, rising: it must name the first and may name the second.

        Raises:
            InputError: other names, sizes without a column, or strengths below 0.
        """
        names = set(points[0])
        if self.size_name not in names or names - {self.size_name, "ridge"}:
            refuse(_OPERATION, f"a grid over {self.size_name} and, if wanted, ridge", ", ".join(names) or "none",
                   f"pass grid with {self.size_name!r}")  # fmt: skip
        sizes = numbers(_OPERATION, self.size_name, [one[self.size_name] for one in points], whole=True, least=0)
        ridges = numbers(_OPERATION, "ridge", [one.get("ridge", 0.0) for one in points], least=0)
        if self.columns(int(sizes.min())) < 1:
            refuse(_OPERATION, f"{self.size_name} with at least one column", int(sizes.min()), "leave it out")
        return sorted({int(one) for one in sizes}), sorted(set(ridges.tolist()))


def polynomial_family(domain: tuple[int | float, int | float], *, penalty: str = "legendre") -> LinearFamily:
    """Polynomials of one variable, by degree, in the Legendre basis of an interval.

    Args:
        domain: the interval, mapped to [-1, 1] before anything is computed.
        penalty: whose coefficients a ridge shrinks, the constant excepted: "legendre", "monomials" (powers of x as
            it is) or "scaled monomials" (powers of x mapped to [-1, 1]). The unpenalised fit is the same in all.

    >>> fit = polynomial_family((0, 10))(degree=1)
    >>> predict = fit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    >>> predict(np.array([10.0])).round(6).tolist()
    [21.0]
    """
    low, high = interval("polynomial_family", "domain", domain)
    roots = {"legendre": None, "monomials": lambda degree: _monomials(degree, float(low), float(high)),
             "scaled monomials": lambda degree: _monomials(degree, -1.0, 1.0)}  # fmt: skip
    if penalty not in roots:
        refuse("polynomial_family", f"a penalty among {', '.join(roots)}", repr(penalty), "name one")

    def features(inputs: np.ndarray, degree: int) -> np.ndarray:
        inputs = inputs[..., 0] if inputs.ndim > 1 and inputs.shape[-1] == 1 else inputs
        return legendre.legvander((2 * inputs - low - high) / (high - low), degree)

    return LinearFamily(features=features, size_name="degree", columns=lambda degree: degree + 1, root=roots[penalty])


def _monomials(degree: int, low: float, high: float) -> np.ndarray:
    # Column k: the coefficients of the k-th Legendre polynomial of the interval in powers of the variable.
    root = np.zeros((degree + 1, degree + 1))
    for order in range(degree + 1):
        root[: order + 1, order] = legendre.Legendre.basis(order, domain=[low, high]).convert(
            kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1]
        ).coef  # fmt: skip
    root[0] = 0.0  # the constant is free
    return root


@dataclass(frozen=True, kw_only=True)
class NestedFit:
    """The fits of one size and ridge strength on all training sets.

    Args:
        coefficients: (rounds, columns, outputs).
        training_error: mean square per training set.
        deficient: how many training sets had fewer independent rows than columns; they got the minimum-norm fit.
    """

    coefficients: Float[np.ndarray, "rounds columns outputs"]
    training_error: Float[np.ndarray, " rounds"]
    deficient: int


def nested_fits(
    features: Float[np.ndarray, "rounds rows columns"],
    targets: Float[np.ndarray, "rounds rows outputs"],
    *,
    columns: Sequence[int],
    ridges: Sequence[float],
    root: Float[np.ndarray, "columns columns"],
) -> Iterator[NestedFit]:
    """The fits of every number of columns (slowest) and ridge strength (fastest)."""
    rounds, rows, width = features.shape
    chunk = max(1, _CHUNK // ((rows + 2 * width) * width))
    parts = [
        _fits_of_chunk(features[start : start + chunk], targets[start : start + chunk], columns, ridges, root)
        for start in range(0, rounds, chunk)
    ]
    for fits in zip(*parts, strict=True):
        yield fits[0] if len(fits) == 1 else NestedFit(
            coefficients=np.concatenate([fit.coefficients for fit in fits]),
            training_error=np.concatenate([fit.training_error for fit in fits]),
            deficient=sum(fit.deficient for fit in fits),
        )  # fmt: skip


def _fits_of_chunk(
    features: np.ndarray, targets: np.ndarray, columns: Sequence[int], ridges: Sequence[float], root: np.ndarray
) -> list[NestedFit]:
    rows, width = features.shape[1:]
    triangle = _triangle(np.concatenate([features, targets], axis=2), width)
    outside = np.square(triangle[:, width:, width:]).sum((1, 2))  # what no fit explains
    base, products = triangle[:, :width, :width], triangle[:, :width, width:]
    factors = [_with_penalty(base, products, np.sqrt(ridge) * root) if ridge else (base, products) for ridge in ridges]
    inverses = [_inverted(factor) for factor, _ in factors]
    fits = []
    for count in columns:
        for (factor, right), (inverse, dependent) in zip(factors, inverses, strict=True):
            coefficients = inverse[:, :count, :count] @ right[:, :count]
            weak = dependent[:, :count].any(1)
            for place in np.flatnonzero(weak):
                coefficients[place] = np.linalg.lstsq(factor[place, :, :count], right[place], rcond=None)[0]
            residual = products - base[:, :, :count] @ coefficients
            error = (outside + np.square(residual).sum((1, 2))) / (rows * targets.shape[2])
            fits.append(NestedFit(coefficients=coefficients, training_error=error, deficient=int(weak.sum())))
    return fits


def _triangle(stacked: np.ndarray, width: int) -> np.ndarray:
    triangle = _upper(stacked)
    missing = stacked.shape[2] - triangle.shape[1]  # fewer rows than columns
    return np.pad(triangle, ((0, 0), (0, missing), (0, 0))) if missing > 0 else triangle


def _with_penalty(base: np.ndarray, products: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rounds, width, outputs = products.shape
    below = np.broadcast_to(
        np.concatenate([root, np.zeros((width, outputs))], axis=1), (rounds, width, width + outputs)
    )
    above = np.concatenate([base, products], axis=2)
    triangle = _upper(np.concatenate([above, below], axis=1))
    return triangle[:, :width, :width], triangle[:, :width, width:]


def _upper(stacked: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, np.linalg.qr(stacked, mode="r"))


def _inverted(factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pivots = np.abs(np.diagonal(factor, axis1=1, axis2=2))
    dependent = pivots <= _RANK_TOLERANCE * np.linalg.norm(factor, axis=1)
    if dependent.any():  # any number there keeps the blocks before it right; fits that reach this far are replaced
        factor = factor + dependent[:, :, None] * np.eye(factor.shape[1])
    return np.linalg.inv(factor), dependent
