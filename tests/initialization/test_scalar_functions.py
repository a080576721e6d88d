"""What counts as a scalar function."""

import math

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA, FINITE_DIFFERENCE
from torch import nn

from leadline.core import InputError
from leadline.initialization.scalar_functions import scalar_function

Z = np.array([-1.7, -0.2, 0.4, 2.2])


@pytest.mark.parametrize("function", ["tanh", torch.tanh, nn.Tanh(), lambda z: torch.tanh(z)])
def test_values_and_slopes(function) -> None:
    found = scalar_function(function, operation="test")(Z)
    np.testing.assert_allclose(found, [np.tanh(Z), 1 - np.tanh(Z) ** 2], rtol=ALGEBRA)


@pytest.mark.parametrize("function", [math.tanh, np.tanh])
def test_functions_of_floats(function) -> None:
    found = scalar_function(function, operation="test")
    assert not found.takes_tensors
    np.testing.assert_allclose(found(Z), [np.tanh(Z), 1 - np.tanh(Z) ** 2], atol=FINITE_DIFFERENCE)


def test_a_callers_module_and_random_state_stay_as_they_are() -> None:
    module = nn.PReLU()
    state = torch.get_rng_state()
    scalar_function(module, operation="test")(Z)
    assert module.weight.dtype == torch.float32 and module.training
    assert torch.equal(state, torch.get_rng_state())


def test_in_place_activations_do_not_write_on_the_points() -> None:
    np.testing.assert_array_equal(scalar_function(nn.ReLU(inplace=True), operation="test")(Z)[1], Z > 0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("no such", "one of relu, .*'no such'"),
        (3, "a scalar function or its name, got int"),
        (lambda z: torch.softmax(z, 0), "elementwise function, got <lambda>, whose entries depend"),
        (lambda z: z.sum(), r"elementwise function, got <lambda> from shape \(13,\) to \(\)"),
        (lambda z: z + torch.rand(1), "same value twice"),
        (nn.LayerNorm(13), "raised RuntimeError"),
        (lambda z: {}["nothing"], "raised KeyError"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_what_is_none_is_refused(function, message) -> None:
    with pytest.raises(InputError, match=message):
        scalar_function(function, operation="test")


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match=r"finite on the whole line, got log at -1\.7"):
        scalar_function(torch.log, operation="test")(Z)
