"""XOR, against optimizers for the linear models and against a search through half-planes."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize
from tolerances import ALGEBRA

from leadline.core import numpy_generator
from leadline.studies.exclusive_or import (
    POINTS,
    XOR,
    known_network,
    logistic_fit,
    most_right,
    network_runs,
    separates,
    squared_fit,
)


def test_the_least_squares_plane_is_numpy_s():
    exact = squared_fit()
    numeric = np.linalg.lstsq(np.column_stack([POINTS, np.ones(4)]), XOR, rcond=None)[0]
    np.testing.assert_allclose([*exact["w"], exact["b"]], numeric, atol=ALGEBRA)


def test_no_start_leads_below_the_logistic_loss_at_zero():
    exact = logistic_fit()
    assert exact["gradient"] == [0, 0, 0] and exact["least_curvature"] > 0.01
    signs = 2.0 * XOR - 1

    def loss(v):
        return np.logaddexp(0, -signs * (POINTS @ v[:2] + v[2])).mean()

    for start in 3 * numpy_generator("logistic starts").standard_normal((5, 3)):
        found = minimize(loss, start)
        np.testing.assert_allclose(found.x, 0, atol=1e-3)
        assert found.fun >= exact["loss"] - 1e-12


@pytest.mark.parametrize("labels", list(product((0, 1), repeat=4)))
def test_half_planes_by_linear_programs_are_those_of_a_search(labels):
    labels = np.array(labels)
    planes = np.array(list(product(np.arange(-2, 2.1, 0.5), repeat=3)))  # every split of the square is among them
    best = int(((POINTS @ planes[:, :2].T + planes[:, 2] > 0) == labels[:, None]).sum(0).max())
    assert most_right(labels) == best
    assert separates(POINTS.astype(float), labels) == (best == 4)


def test_equal_weights_on_all_constraints_prove_that_none_separates():
    signs = 2 * XOR - 1  # Farkas: these nonnegative multiples of w'x + b >= 1 or <= -1 add up to 0 >= 4
    np.testing.assert_array_equal(signs @ np.column_stack([POINTS, np.ones(4, int)]), 0)
    assert most_right(XOR) == 3


def test_the_textbook_s_network_is_exact_and_its_hidden_layer_separates():
    hidden, outputs = known_network()
    np.testing.assert_array_equal(outputs, XOR)
    np.testing.assert_array_equal(hidden, [[0, 0], [1, 0], [1, 0], [2, 1]])
    assert separates(hidden.astype(float), XOR)


def test_one_unit_never_solves_it_and_many_nearly_always_do():
    one, many = (network_runs("tanh", hidden, seeds=15, steps=400) for hidden in (1, 8))
    assert one.right.max() == 3 and not one.separable.any() and not one.separable_before.any()
    assert (many.right == 4).mean() > 0.9
    for runs in (one, many, network_runs("ReLU", 2, seeds=25, steps=400)):
        assert runs.separable[runs.right == 4].all()  # the output unit is a threshold on the hidden layer
