"""Risk of linear students of a linear teacher in closed form, for inputs of any covariance.

Sample covariances of n rows enter through their resolvents, which for large n are those of the population covariance
at another, implicit ridge strength (Hastie et al. 2022); for a product of two, divided by one less their overlap.
Gradient flow is an integral of resolvents over a contour; its exponentials decay so fast there that a few nodes do.
"""

import numpy as np
from jaxtyping import Complex, Float, Num

# Weideman (2006), Optimizing Talbot's contours: u(angle), for integrals of exp(u)
_NODES = 20
_ANGLES = (2 * np.arange(_NODES) + 1) * np.pi / _NODES - np.pi
_CONTOUR = _NODES * (-0.4814 + 0.6122 * _ANGLES / np.tan(0.6407 * _ANGLES) + 0.2645j * _ANGLES)
_WEIGHTS = np.exp(_CONTOUR) * (
    0.6122 / np.tan(0.6407 * _ANGLES) - 0.6122 * 0.6407 * _ANGLES / np.sin(0.6407 * _ANGLES) ** 2 + 0.2645j
) / 1j  # fmt: skip
_ITERATIONS, _CLOSE = 100, 1e-13


def implicit_ridge(
    strengths: Num[np.ndarray, " strengths"], spectrum: Float[np.ndarray, " features"], samples: int
) -> Num[np.ndarray, " strengths"]:
    """The root k of k (1 - sum(s / (s + k)) / n) = strength, to which Newton falls from the right."""
    root = strengths + spectrum.sum() / samples
    for _ in range(_ITERATIONS):
        shares = spectrum / (spectrum + root[:, None])
        step = (root * (1 - shares.sum(1) / samples) - strengths) / (1 - np.square(shares).sum(1) / samples)
        root = root - step
        if (np.abs(step) <= _CLOSE * np.abs(root)).all():
            return root
    raise ArithmeticError(f"implicit_ridge: no root for strengths {strengths} of {samples} samples")


def ridge_risk(
    strength: float, *, power: Float[np.ndarray, " features"], spectrum: Float[np.ndarray, " features"], samples: int
) -> tuple[float, float]:
    """Squared bias, and variance per unit of noise, of ridge; `power` is the teacher's signal, s b^2 per direction.

    At strength 0 it is the minimum-norm least-squares solution; away from isotropic inputs that is a limit for many
    samples, as everything with a ridge.
    """
    features = len(spectrum)
    if strength == 0 and features == samples:
        return np.inf, np.inf
    if strength == 0 and features < samples:
        return 0.0, features / (samples - features)
    root = implicit_ridge(np.array([strength], dtype=float), spectrum, samples)[0]
    overlap = np.square(spectrum / (spectrum + root)).sum() / samples
    bias2 = (power * np.square(root / (spectrum + root))).sum() / (1 - overlap)
    return float(bias2), float(overlap / (1 - overlap))


def exact_least_squares_risk(
    *, power: Float[np.ndarray, " features"], spectrum: Float[np.ndarray, " features"], samples: int
) -> tuple[float, float] | None:
    """The same for minimum-norm least squares at any size, where it is known: few features, or isotropic inputs."""
    features = len(spectrum)
    if features < samples - 1:
        return 0.0, features / (samples - features - 1)
    if features <= samples + 1:
        return (0.0 if features <= samples else np.inf), np.inf
    if np.ptp(spectrum) > 0:
        return None
    return float(power.sum() * (1 - samples / features)), samples / (features - samples - 1)


def gradient_flow_risk(
    time: float, *, power: Float[np.ndarray, " features"], spectrum: Float[np.ndarray, " features"], samples: int
) -> tuple[float, float]:
    """Squared bias, and variance per unit of noise, of gradient flow from zero on half the mean square."""
    if time == 0:
        return float(power.sum()), 0.0
    strengths = _CONTOUR / time
    root = implicit_ridge(strengths, spectrum, samples)
    inverses = 1 / (spectrum + root[:, None])
    weights = _WEIGHTS / time * root / strengths  # of exp(-time C) as a sum of resolvents of the population
    overlap = (inverses * np.square(spectrum)) @ inverses.T / samples
    bias2 = weights @ ((inverses * power) @ inverses.T / (1 - overlap)) @ weights
    variance = 2 * _memory(time, spectrum, samples) - _memory(2 * time, spectrum, samples)
    return float(bias2.real), variance


def _memory(time: float, spectrum: Float[np.ndarray, " features"], samples: int) -> float:
    # trace of S (1 - exp(-time C)) / C over n, with the sample covariance C; the square in the variance is two of these
    strengths: Complex[np.ndarray, " nodes"] = _CONTOUR / time
    root = implicit_ridge(strengths, spectrum, samples)
    traces = root / strengths * (spectrum / (spectrum + root[:, None])).sum(1) / samples
    return float((_WEIGHTS / time * traces / strengths).sum().real)
