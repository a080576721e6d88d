"""Squared loss: its split at every test point, and what every round contributes to the totals.

With e the error of one round against the truth and K_rs the mean over test points of e_r e_s, the error is the mean
of K on the diagonal and squared bias the mean of K off it: no term of a round with itself, hence no plug-in bias.
Leaving rounds out one by one gives each round's pseudo-value, whose mean is the estimate and whose spread its
standard error.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class SquaredTerms:
    """One grid point. "Plug-in" puts averages over rounds for expectations.

    Args:
        point_prediction: mean prediction.
        point_bias2: plug-in, per test point, mean over outputs.
        point_variance: plug-in, per test point.
        distances: per round, mean over test points of e^2.
        alignments: per round, mean over test points of e times the mean e of all rounds.
        gap: how far the error, averaged over rounds as it is, lies from bias2 + variance: largest over what could be
            compared, relative to the largest square in play.
    """

    point_prediction: Float[np.ndarray, "points outputs"]
    point_bias2: Float[np.ndarray, " points"]
    point_variance: Float[np.ndarray, " points"]
    distances: Float[np.ndarray, " rounds"]
    alignments: Float[np.ndarray, " rounds"]
    gap: float

    @property
    def pseudo_bias2(self) -> Float[np.ndarray, " rounds"]:
        """Jackknife pseudo-values of squared bias; those of the variance are `distances` less these."""
        rounds = len(self.distances)
        whole, diagonal = rounds**2 * self.point_bias2.mean(), self.distances.sum()
        estimate = (whole - diagonal) / (rounds * (rounds - 1))
        without = whole - 2 * rounds * self.alignments + 2 * self.distances - diagonal
        return rounds * estimate - without / (rounds - 2)


def terms_of_predictions(
    predictions: Float[np.ndarray, "rounds points outputs"], truth: Float[np.ndarray, "points outputs"]
) -> SquaredTerms:
    """The split from all predictions."""
    errors = predictions - truth
    mean_error = errors.mean(0)
    squares = np.square(errors).mean(2)
    bias2, variance = np.square(mean_error).mean(1), np.square(errors - mean_error).mean((0, 2))
    return SquaredTerms(
        point_prediction=predictions.mean(0),
        point_bias2=bias2,
        point_variance=variance,
        gap=_gap(squares.mean(0), bias2 + variance, truth),
        distances=squares.mean(1),
        alignments=np.einsum("rpo,po->r", errors, mean_error) / truth.size,
    )


class FeatureSpace:
    """Test features turned orthonormal, in which no prediction is ever formed: coefficients say it all."""

    def __init__(self, features: Float[np.ndarray, "points columns"], truth: Float[np.ndarray, "points outputs"]):
        self.truth = truth
        self.basis, self.triangle = np.linalg.qr(features)
        self.projection = self.basis.T @ truth
        self.outside = np.square(truth - self.basis @ self.projection).sum()  # of the truth, beyond all features

    def terms(self, coefficients: Float[np.ndarray, "rounds columns outputs"]) -> SquaredTerms:
        """The split from the coefficients of the first columns."""
        rounds, columns, outputs = coefficients.shape
        reached = min(columns, len(self.triangle))
        places = self.triangle[:reached, :columns] @ coefficients  # (rounds, reached, outputs)
        mean = places.mean(0)
        missed = self.outside + np.square(self.projection[reached:]).sum()
        errors = (places - self.projection[:reached]).reshape(rounds, -1)
        mean_error = (mean - self.projection[:reached]).ravel()
        centred = (places - mean).transpose(0, 2, 1).reshape(-1, reached)
        basis = self.basis[:, :reached]
        prediction = basis @ mean
        variance = np.einsum("pi,pi->p", basis @ (centred.T @ centred), basis) / (rounds * outputs)
        bias2 = np.square(prediction - self.truth).mean(1)
        distances = (missed + np.einsum("ri,ri->r", errors, errors)) / self.truth.size
        return SquaredTerms(
            point_prediction=prediction,
            point_bias2=bias2,
            point_variance=variance,
            distances=distances,
            alignments=(missed + errors @ mean_error) / self.truth.size,
            gap=_gap(distances.mean(), bias2.mean() + variance.mean(), self.truth),
        )


def _gap(measured: Any, summed: Any, truth: np.ndarray) -> float:
    scale = max(np.max(measured), np.square(truth).max(), np.finfo(float).tiny)
    return float(np.max(np.abs(measured - summed)) / scale)
