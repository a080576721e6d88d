"""Differences of outputs and of decisions, against plain loops."""

import numpy as np
import pytest
import torch

from leadline.core import InputError
from leadline.symmetry.comparisons import comparison, lead, rounding_of, tolerance_of

GENERATOR = torch.Generator().manual_seed(0)


def test_lead_of_classes_against_a_loop() -> None:
    expected, got = (torch.randn(6, 4, generator=GENERATOR) for _ in range(2))
    for row, found in enumerate(lead(expected, got).tolist()):
        own = int(expected[row].argmax())
        others = [float(got[row, k]) for k in range(4) if k != own]
        assert found == pytest.approx(max(others) - float(got[row, own]))
        assert (found > 0) == (int(got[row].argmax()) != own)


def test_lead_of_signs_and_of_pixels() -> None:
    assert lead(torch.tensor([[2.0], [-1.0]]), torch.tensor([[-3.0], [-4.0]])).tolist() == [3.0, -4.0]
    expected = torch.zeros(1, 2, 3)
    expected[0, 0] = 1
    got = expected.clone()
    got[0, 1, 2] = 5  # one of three pixels is decided otherwise
    assert lead(expected, got).tolist() == [4.0]


def test_relative_differences_are_over_the_larger_magnitude() -> None:
    compare = comparison("test", "outputs", torch.tensor([[1.0], [1.0]]))
    found = compare.relative(torch.tensor([[4.0], [1e-3]]), torch.tensor([[5.0], [2e-3]]))
    np.testing.assert_allclose(found, [1 / 5, 1e-3], rtol=1e-6)


def test_other_comparisons_are_refused() -> None:
    with pytest.raises(InputError, match="'logits'"):
        comparison("test", "logits", torch.ones(1))


@pytest.mark.parametrize("precision", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_rounding_is_never_a_tenth_of_the_outputs(precision) -> None:
    assert torch.finfo(precision).eps < rounding_of(precision) <= tolerance_of(precision) < 0.1
