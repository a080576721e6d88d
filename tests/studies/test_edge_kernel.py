"""Kernel responses, against SciPy's convolution."""

import numpy as np
import pytest
from scipy.signal import convolve2d
from tolerances import ALGEBRA

from leadline.studies.edge_kernel import ASSERTED, LAPLACIAN, Kernel, decide_detection, filtered, responses

BLUR: Kernel = ((1, 1, 1), (1, 1, 1), (1, 1, 1))
NOTHING: Kernel = ((0, 0, 0), (0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize("kernel", [ASSERTED, LAPLACIAN, BLUR])
def test_filtering_is_convolution(kernel: Kernel) -> None:
    image = np.arange(30.0).reshape(5, 6) ** 1.5
    np.testing.assert_allclose(filtered(image, kernel), convolve2d(image, kernel, mode="valid"), rtol=ALGEBRA)


def test_the_asserted_kernel_adds_the_laplacian_to_the_image() -> None:
    assert (np.array(ASSERTED) - np.array(LAPLACIAN)).tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert vars(responses(ASSERTED)) == {"constant": 1, "dark_side": -1, "bright_side": 2}


@pytest.mark.parametrize(("kernel", "detects"), [(LAPLACIAN, True), (ASSERTED, False), (BLUR, False), (NOTHING, False)])
def test_what_counts_as_an_edge_detector(kernel: Kernel, detects: bool) -> None:
    assert decide_detection(responses(kernel), kernel).as_stated is detects
