"""Random ReLU features with least squares: one factorization gives the fits of every ridge strength."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_NEAR = 0.3  # |features / samples - 1| within which squaring the singular values would cost digits that matter


@dataclass(frozen=True, kw_only=True)
class FeatureFits:
    """All ridge fits of one training set: sum of squares over samples + strength |weights|^2, no intercept.

    Attributes:
        singular: of the matrix of features, those that are not rounding.
        seen: the training targets in the left singular vectors.
        test: the test points' features in the right singular vectors.
    """

    singular: Float[np.ndarray, " rank"]
    seen: Float[np.ndarray, "rank outputs"]
    left: Float[np.ndarray, "samples rank"]
    test: Float[np.ndarray, "points rank"]

    def on_training(self, strength: float = 0.0) -> Float[np.ndarray, "samples outputs"]:
        """Fitted values; strength 0 is the limit: the fit of least norm among the best."""
        return self.left @ ((self.singular * self._gains(strength))[:, None] * self.seen)

    def on_test(self, strength: float = 0.0) -> Float[np.ndarray, "points outputs"]:
        """Predictions."""
        return self.test @ (self._gains(strength)[:, None] * self.seen)

    def weight_norm(self, strength: float = 0.0) -> float:
        """Length of the weights of all outputs together: largest where the training set is just fitted."""
        return float(np.linalg.norm(self._gains(strength)[:, None] * self.seen))

    def _gains(self, strength: float) -> Float[np.ndarray, " rank"]:
        ridge = strength * len(self.left)
        return 1 / self.singular if ridge == 0 else self.singular / (np.square(self.singular) + ridge)


def relu_features(
    inputs: Float[np.ndarray, "rows inputs"], directions: Float[np.ndarray, "inputs features"]
) -> Float[np.ndarray, "rows features"]:
    """max(0, x . w) sqrt(2) for every direction w, whose mean square is |x|^2 where w is standard normal."""
    return np.sqrt(2.0) * np.maximum(inputs @ directions, 0.0)


def feature_fits(
    features: Float[np.ndarray, "samples features"],
    targets: Float[np.ndarray, "samples outputs"],
    test: Float[np.ndarray, "points features"],
) -> FeatureFits:
    """Factorize: by singular values where samples and features are about as many, by the Gram matrix elsewhere."""
    samples, count = features.shape
    if abs(count / samples - 1) < _NEAR:
        left, singular, right = np.linalg.svd(features, full_matrices=False)
        kept = singular > np.finfo(float).eps * max(features.shape) * singular[0]
        left, singular, test = left[:, kept], singular[kept], test @ right[kept].T
    else:
        wide = count > samples
        squares, vectors = np.linalg.eigh(features @ features.T if wide else features.T @ features)
        kept = squares > np.finfo(float).eps * max(features.shape) * squares[-1]
        singular, vectors = np.sqrt(squares[kept]), vectors[:, kept]
        left = vectors if wide else features @ vectors / singular
        test = (test @ features.T) @ vectors / singular if wide else test @ vectors
    return FeatureFits(singular=singular, seen=left.T @ targets, left=left, test=test)
