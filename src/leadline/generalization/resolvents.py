"""Risk of linear students of a linear teacher in closed form, for inputs of any covariance.

Sample covariances of n rows enter through their resolvents, which for large n are those of the population covariance
at another, implicit ridge strength (Hastie et al. 2022); for a product of two, divided by one less their overlap.
Gradient flow is an integral of resolvents over a contour; its exponentials decay so fast there that a few nodes do.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from leadline.core import DivergedError

# Weideman (2006), Optimizing Talbot's contours: u(angle), for integrals of exp(u)
_NODES = 20
_ANGLES = (2 * np.arange(_NODES) + 1) * np.pi / _NODES - np.pi
_CONTOUR = _NODES * (-0.4814 + 0.6122 * _ANGLES / np.tan(0.6407 * _ANGLES) + 0.2645j * _ANGLES)
_WEIGHTS = np.exp(_CONTOUR) * (
    0.6122 / np.tan(0.6407 * _ANGLES) - 0.6122 * 0.6407 * _ANGLES / np.sin(0.6407 * _ANGLES) ** 2 + 0.2645j
) / 1j  # fmt: skip
_ITERATIONS, _CLOSE = 1200, 1e-13  # as many halvings as a float has, which is what Newton does before it is quick


@dataclass(frozen=True, kw_only=True)
class ImplicitRidges:
    """The roots k of k (1 - sum(s / (s + k)) / n) = strength, by how far they lie above the one of strength 0.

    With p features and k0 for strength 0, that is 0 or (p > n) the root of sum(s / (s + k0)) = n, the equation reads
    (k - k0) (max(1 - p/n, 0) + sum(s k / ((s + k) (s + k0))) / n) = strength. Nothing in it cancels, so that roots
    are right to the last digits where samples are about as many as features, and where strengths are minute.
    """

    spectrum: Float[np.ndarray, " features"]
    samples: int
    base: float
    above: Num[np.ndarray, " strengths"]

    @property
    def roots(self) -> Num[np.ndarray, " strengths"]:
        """The implicit strengths."""
        return self.base + self.above

    @property
    def inverses(self) -> Num[np.ndarray, "strengths features"]:
        """1 / (s + k)."""
        return 1 / (self.spectrum + self.roots[:, None])

    @property
    def at_base(self) -> Float[np.ndarray, " features"]:
        """The share s / (s + k0) of every direction."""
        return self.spectrum / (self.spectrum + self.base)

    @property
    def slopes(self) -> Num[np.ndarray, " strengths"]:
        """The strength over `above`."""
        slack = max(1 - len(self.spectrum) / self.samples, 0.0)
        return slack + self.roots * (self.inverses @ self.at_base) / self.samples

    @property
    def gaps(self) -> Num[np.ndarray, "strengths strengths"]:
        """One less the overlap sum(s^2 / ((s + k) (s + k'))) / n of every two; of a root with itself the derivative."""
        inverses, roots = self.inverses, self.roots
        slack = max(1 - len(self.spectrum) / self.samples, 0.0)
        first = (inverses * self.at_base * self.spectrum) @ inverses.T * (roots[:, None] + self.above)
        second = (inverses * self.at_base) @ inverses.T * np.outer(roots, roots)
        return slack + (first + second) / self.samples


def implicit_ridges(
    strengths: Num[np.ndarray, " strengths"], spectrum: Float[np.ndarray, " features"], samples: int
) -> ImplicitRidges:
    """The roots for strengths other than 0, to which Newton falls from the right.

    Raises:
        DivergedError: it does not get there.
    """
    found = ImplicitRidges(spectrum=spectrum, samples=samples, base=ridgeless(spectrum, samples),
                           above=strengths + spectrum.sum() / samples)  # fmt: skip
    for _ in range(_ITERATIONS):
        slopes = found.slopes
        curvature = (np.square(found.inverses) * spectrum) @ found.at_base / samples
        step = (found.above * slopes - strengths) / (slopes + found.above * curvature)
        found = ImplicitRidges(spectrum=spectrum, samples=samples, base=found.base, above=found.above - step)
        if (np.abs(step) <= _CLOSE * np.abs(found.above)).all():
            return found
    raise _lost(strengths, samples)


def ridgeless(spectrum: Float[np.ndarray, " features"], samples: int) -> float:
    """The root for strength 0, to which Newton climbs from the left: 0 unless features outnumber samples.

    >>> round(ridgeless(np.ones(30), 10), 12)
    2.0
    """
    features, root = len(spectrum), 0.0
    if features <= samples:
        return root
    for _ in range(_ITERATIONS):
        shares = spectrum / (spectrum + root)
        few = 2 * samples < features  # the smaller of two sums that say the same has the smaller rounding
        missing = shares.sum() - samples if few else features - samples - (root / (spectrum + root)).sum()
        step = missing / (shares / (spectrum + root)).sum()
        root += float(step)
        if step <= _CLOSE * root:
            return root
    raise _lost(0.0, samples)


def _lost(strengths: object, samples: int) -> DivergedError:
    return DivergedError("teacher_student_risk", expected="an implicit ridge strength that Newton's method finds",
                         got=f"none for strengths {strengths} of {samples} samples",
                         remedy="pass a spectrum of a smaller range")  # fmt: skip


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
    if strength == 0:
        found = ImplicitRidges(spectrum=spectrum, samples=samples, base=ridgeless(spectrum, samples), above=np.zeros(1))
    else:
        found = implicit_ridges(np.array([strength], dtype=float), spectrum, samples)
    root, inverses, gap = found.roots[0], found.inverses[0], found.gaps[0, 0]
    bias2 = (power * np.square(root * inverses)).sum() / gap
    return float(bias2), float(np.square(spectrum * inverses).sum() / samples / gap)


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
    found = implicit_ridges(_CONTOUR / time, spectrum, samples)
    weights = _WEIGHTS * found.roots / _CONTOUR  # of exp(-time C) as a sum of resolvents of the population
    bias2 = weights @ ((found.inverses * power) @ found.inverses.T / found.gaps) @ weights
    variance = 2 * _memory(found) - _memory(implicit_ridges(_CONTOUR / (2 * time), spectrum, samples))
    return float(bias2.real), variance


def _memory(found: ImplicitRidges) -> float:
    # Trace of S (1 - exp(-time C)) / C over n, with the sample covariance C; the square in the variance is two of
    # these. Left out is what directions without samples add, proportional to time, which cancels between the two.
    overlaps = (found.inverses * found.spectrum) @ found.at_base / found.samples
    return float((_WEIGHTS / _CONTOUR * overlaps / found.slopes).sum().real)
