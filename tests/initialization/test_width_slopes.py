"""Slopes against power laws and SciPy's regression."""

import numpy as np
import pytest
from scipy.stats import linregress
from tolerances import AUTOGRAD

from leadline.core import numpy_generator
from leadline.initialization.width_slopes import width_slopes


def test_against_scipy() -> None:
    widths, draws = np.array([32, 64, 256, 512]), 3
    sizes = np.exp(numpy_generator("test").normal(size=(4, draws, 2))) * widths[:, None, None] ** np.array([0.5, -0.02])
    for place, one in enumerate(width_slopes(["a", "b"], widths.tolist(), sizes, 0.1)):
        theirs = linregress(np.log(np.repeat(widths, draws)), np.log(sizes[:, :, place].ravel()))
        assert one.slope == pytest.approx(theirs.slope, abs=AUTOGRAD)  # pyright: ignore[reportAttributeAccessIssue]
        assert one.standard_error == pytest.approx(theirs.stderr, rel=AUTOGRAD)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("exponent", "verdict"),
    [(0.0, "is independent of width"), (0.09, "is independent of width"), (0.5, "grows with width"),
     (-1.0, "shrinks with width")],
)  # fmt: skip
def test_verdicts(exponent, verdict) -> None:
    sizes = np.array([16.0, 64.0])[:, None, None] ** exponent
    [found] = width_slopes(["layer"], [16, 64], sizes, 0.1)
    assert found.verdict == verdict and found.passes == ("independent" in verdict)


def test_a_dead_layer_is_not_finite() -> None:
    [found] = width_slopes(["layer"], [16, 64], np.zeros((2, 1, 1)), 0.1)
    assert found.verdict == "is not finite" and not found.passes
