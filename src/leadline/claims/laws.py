"""Laws of random quantities: known moments for proofs, finite distributions that have them for numbers.

The expectation of a polynomial depends on moments alone, so a proof over moment symbols covers every law, and a sum
over a finite law with the same moments checks it without sampling error.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Law:
    """What is known of a random number.

    Args:
        name: quantities with the same name have the same law.
        moments: E z, E z^2, ... as far as they are given, as formulas; higher ones are free.
    """

    name: str
    moments: tuple[str, ...] = ()


STANDARD_NORMAL = Law("standard normal", ("0", "1", "0", "3", "0"))


def finite_law(law: Law, moments: list[float], generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of a finite law with the given moments.

    The normal law becomes its three-point Gauss-Hermite rule, exact for polynomials up to degree five; every other
    law a random two-point law, shifted and stretched to the mean and second moment that are known.
    """
    if law == STANDARD_NORMAL:
        points, weights = np.polynomial.hermite_e.hermegauss(3)
        return points, weights / weights.sum()
    weight = generator.uniform(0.2, 0.8)
    points, weights = generator.normal(size=2), np.array([weight, 1 - weight])
    if moments:
        points = points - weights @ points
        if len(moments) > 1:
            points = points * np.sqrt((moments[1] - moments[0] ** 2) / (weights @ points**2))
        points = points + moments[0]
    return points, weights
