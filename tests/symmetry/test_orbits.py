"""Orbits by components, and the projection against the mean over a whole group."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.symmetry import generated_by, mirror, permutation, quarter_turn, scaling
from leadline.symmetry.orbits import OrbitMean, joint, orbit_labels, permutations_of

PERMUTATIONS = st.permutations(list(range(5))).map(np.array)


def closure(generators: list[np.ndarray]) -> list[np.ndarray]:
    """All compositions, by brute force."""
    known = {tuple(range(len(generators[0])))}
    while True:
        more = known | {tuple(np.array(one)[step]) for one, step in itertools.product(known, generators)}
        if more == known:
            return [np.array(one) for one in known]
        known = more


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(PERMUTATIONS, min_size=1, max_size=2))
def test_the_projection_is_the_mean_over_the_group(generators) -> None:
    weight = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    by_group = torch.stack([weight[:, one] for one in closure(generators)]).mean(0)
    pairs = [joint(np.arange(3), one) for one in generators]
    projected = OrbitMean(orbit_labels(pairs, 15))(weight)
    torch.testing.assert_close(projected, by_group, rtol=0, atol=ALGEBRA)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(PERMUTATIONS, st.permutations(list(range(3))).map(np.array))
def test_with_outputs_the_projection_is_the_mean_over_the_joint_group(inputs, outputs) -> None:
    weight = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    total, row, column, order = torch.zeros_like(weight), np.arange(3), np.arange(5), 0
    while order == 0 or (row != np.arange(3)).any() or (column != np.arange(5)).any():
        total, order = total + weight[row][:, column], order + 1
        row, column = row[outputs], column[inputs]
    projected = OrbitMean(orbit_labels([joint(outputs, inputs)], 15))(weight)
    torch.testing.assert_close(projected, total / order, rtol=0, atol=ALGEBRA)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_projecting_twice_is_projecting_once_to_the_bit(labels) -> None:
    weight = torch.randn(len(labels), generator=torch.Generator().manual_seed(0))
    mean = OrbitMean(np.array(labels))
    once = mean(weight)
    assert torch.equal(mean(once), once)
    assert mean.right_inverse(weight).equal(once)


def test_the_gradient_is_projected_exactly() -> None:
    mean = OrbitMean(np.array([0, 1, 0, 2, 0, 1]))
    weight = torch.randn(6, requires_grad=True)
    (gradient,) = torch.autograd.grad((mean(weight) * torch.randn(6)).sum(), weight)
    assert gradient[0] == gradient[2] == gradient[4] and gradient[1] == gradient[5]


def test_transforms_become_permutations_of_places() -> None:
    assert permutations_of("test", mirror(), (2, 3))[0].tolist() == [2, 1, 0, 5, 4, 3]
    assert permutations_of("test", [1, 0, 2], (3,))[0].tolist() == [1, 0, 2]
    assert len(permutations_of("test", generated_by(mirror(), quarter_turn()), (3, 3))) == 2
    assert len(permutations_of("test", [mirror(), [3, 2, 1, 0]], (2, 2))) == 2


ORDER = [2, 0, 1]


@pytest.mark.parametrize(
    ("group", "count"),
    [(np.array(ORDER), 1), (torch.tensor(ORDER), 1), (list(np.array(ORDER)), 1), ([torch.tensor(ORDER)], 1),
     (np.array([ORDER, ORDER]), 2), ([mirror(), np.array(ORDER)], 2)],
)  # fmt: skip
def test_integers_of_any_kind_are_a_permutation(group, count) -> None:
    found = permutations_of("test", group, (3,))
    assert len(found) == count and found[-1].tolist() == ORDER


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (scaling(2), "times 2, which is none"),
        ([0, 0, 1, 2], "a list, which is none"),
        (permutation([1, 0, 2]), "3 places along axis -1"),
        ([], "at least one permutation"),
        (quarter_turn(), "turned by 90 degrees"),
        (lambda x: 1 / 0, "transform: ZeroDivisionError"),
        (lambda x: x + "a", "transform: TypeError"),
        ([[3.0, 2.0, 1.0, 0.0]], "a callable on batches, got float"),
    ],
)
def test_what_is_no_permutation_is_refused(group, message) -> None:
    with pytest.raises(InputError, match=message):
        permutations_of("test", group, (4,))
