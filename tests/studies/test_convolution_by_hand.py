import numpy as np
import pytest

from leadline.claims import Verdict
from leadline.studies.convolution_by_hand import IMAGE, KERNEL, STUDY, correlation
from leadline.studies.study import Settings


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


def test_output_equals_plain_loops(observation):
    padded = np.pad(IMAGE, 1)
    for row in range(5):
        for column in range(5):
            total = sum(
                padded[row + 1 - a, column + 1 - b] * KERNEL[1 + a, 1 + b] for a in (-1, 0, 1) for b in (-1, 0, 1)
            )
            assert observation.convolution[row, column] == total
    assert (observation.correlation == observation.convolution).all()


def test_correlation_does_not_turn_the_kernel():
    kernel = np.zeros((3, 3), dtype=int)
    kernel[0, 0] = 1  # reads the upper left neighbour
    assert (correlation(IMAGE, kernel)[1:, 1:] == IMAGE[:-1, :-1]).all()


def test_differences_are_named_entry_by_entry(observation):
    evidence = STUDY.checks[0].evidence_if_altered(observation)
    assert evidence.verdict == Verdict.FAILS
    assert evidence.details[1:] == ("24 of 25 entries are as stated.", "Row 3, column 3: stated 2, found 1.")
