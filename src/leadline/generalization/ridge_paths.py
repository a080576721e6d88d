"""Ridge regression in closed form, for many strengths from one factorization."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False, kw_only=True)
class RidgePath:
    """The minima over w and b of 1/(2n) |X w + b - y|^2 + strength/2 |w|^2: the intercept is not penalized.

    At strength 0 it is the fit of least norm among the best.
    """

    strengths: Float[np.ndarray, " strengths"]
    weights: Float[np.ndarray, "strengths features"]
    biases: Float[np.ndarray, " strengths"]

    def half_mse(
        self, inputs: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " strengths"]:
        """Half the mean squared error of every fit on these rows, without the penalty."""
        errors = inputs @ self.weights.T + self.biases - targets[:, None]
        return np.square(errors).mean(0) / 2

    def objective(
        self, inputs: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"]
    ) -> Float[np.ndarray, " strengths"]:
        """What is minimal where these are the rows that were fitted."""
        return self.half_mse(inputs, targets) + self.strengths / 2 * np.square(self.weights).sum(1)


def ridge_path(
    inputs: Float[np.ndarray, "rows features"], targets: Float[np.ndarray, " rows"],
    strengths: Float[np.ndarray, " strengths"],
) -> RidgePath:  # fmt: skip
    """The fits of all strengths.

    >>> path = ridge_path(np.array([[-1.0], [1.0]]), np.array([2.0, 4.0]), np.array([0.0, 1.0]))
    >>> path.weights.ravel().round(12).tolist(), path.biases.tolist()
    ([1.0, 0.5], [3.0, 3.0])
    """
    centre = inputs.mean(0)
    left, singular, right = np.linalg.svd(inputs - centre, full_matrices=False)
    kept = singular > np.finfo(float).eps * max(inputs.shape) * singular.max(initial=0.0)
    left, singular, right = left[:, kept], singular[kept], right[kept]
    gains = singular / (np.square(singular) + len(inputs) * strengths[:, None])
    weights = (gains * (left.T @ (targets - targets.mean()))) @ right
    return RidgePath(strengths=strengths, weights=weights, biases=targets.mean() - weights @ centre)
