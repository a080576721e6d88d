"""Gains against closed forms, SciPy's quadrature, published values, and torch's table."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.integrate import quad
from scipy.stats import norm
from tolerances import ALGEBRA, AUTOGRAD
from torch import nn

from leadline.core import InputError, to_plain
from leadline.initialization import ActivationGain, activation_gain

PUBLISHED = {"tanh": 1.593, "sigmoid": 1.846, "selu": 1.000, "gelu": 1.534, "silu": 1.677, "mish": 1.487, "elu": 1.245,
             "softplus": 1.042, "hardswish": 1.737, "softsign": 2.338, "relu": 1.414}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_known_gains(name) -> None:
    assert round(activation_gain(name).gain, 3) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("function", "forward", "backward"),
    [
        ("relu", 0.5, 0.5),
        (nn.LeakyReLU(0.2), (1 + 0.04) / 2, (1 + 0.04) / 2),
        (lambda z: z.clamp(min=0.3), 0.09 * norm.cdf(0.3) + 0.3 * norm.pdf(0.3) + norm.sf(0.3), norm.sf(0.3)),
        (torch.exp, math.exp(2), math.exp(2)),
        (torch.sin, (1 - math.exp(-2)) / 2, (1 + math.exp(-2)) / 2),
        (torch.erf, 2 / math.pi * math.asin(2 / 3), 4 / math.pi / 5**0.5),
    ],
)
def test_closed_forms(function, forward, backward) -> None:
    found = activation_gain(function)
    assert found.second_moment == pytest.approx(forward, rel=ALGEBRA)
    assert found.slope_second_moment == pytest.approx(backward, rel=ALGEBRA)
    assert found.gain == pytest.approx(forward**-0.5, rel=ALGEBRA)
    assert found.backward_gain == pytest.approx(backward**-0.5, rel=ALGEBRA)
    assert not [note for note in found.caveats if "stable" not in note]


@pytest.mark.parametrize("name", ["gelu", "mish", "selu", "hardswish"])
def test_against_scipy(name) -> None:
    function = getattr(F, name)

    def integrand(z: float) -> float:
        return float(function(torch.tensor(z, dtype=torch.float64))) ** 2 * float(norm.pdf(z))

    by_scipy, _ = quad(integrand, -12, 12, points=[-3, 0, 3], epsabs=1e-13, epsrel=1e-13, limit=200)
    assert activation_gain(name).second_moment == pytest.approx(by_scipy, rel=AUTOGRAD)


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "silu"])
def test_map_slope_is_the_derivative_of_the_map_of_second_moments(name) -> None:
    found, step = activation_gain(name), 1e-4
    function = getattr(torch, name, None) or getattr(F, name)
    above, below = (
        found.gain**2 * activation_gain(lambda z, q=q: function(z * q**0.5)).second_moment for q in (1 + step, 1 - step)
    )
    assert found.map_slope == pytest.approx((above - below) / (2 * step), rel=1e-6)
    assert any("not stable" in note for note in found.caveats) == (name in ("gelu", "silu"))


@pytest.mark.parametrize(
    ("function", "entry", "agrees"),
    [("relu", "relu", True), ("tanh", "tanh", False), ("sigmoid", "sigmoid", False), ("selu", "selu", False),
     (F.relu, "relu", True), (nn.Tanh(), "tanh", False), ("identity", "linear", True)],
)  # fmt: skip
def test_torchs_entry_is_shown(function, entry, agrees) -> None:
    found = activation_gain(function)
    assert found.torch_gain == nn.init.calculate_gain(entry)
    assert found.agrees_with_torch is agrees


def test_torchs_entry_takes_the_slope_and_is_missing_for_gelu() -> None:
    assert activation_gain(nn.LeakyReLU(0.3)).torch_gain == nn.init.calculate_gain("leaky_relu", 0.3)
    assert activation_gain("gelu").torch_gain is None and activation_gain("gelu").agrees_with_torch is None


@pytest.mark.parametrize("function", [torch.sign, lambda z: (z.abs() > 1).double(), F.hardshrink])
def test_jumps_are_told(function) -> None:
    assert any("jumps" in note for note in activation_gain(function).caveats)


def test_slopes_without_second_moment_give_no_backward_gain() -> None:
    found = activation_gain(lambda z: z.abs().sqrt())
    assert found.second_moment == pytest.approx((2 / math.pi) ** 0.5, rel=ALGEBRA)
    assert math.isnan(found.backward_gain)
    assert any("did not converge" in note for note in found.caveats)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: z * 0, "not zero everywhere"),
        (lambda z: 1 / z, "finite second moment"),
        (lambda z: torch.exp(z * z / 3), "finite second moment"),
        (torch.log, "finite on the whole line, got log"),
    ],
)
def test_functions_without_a_gain_are_refused(function, message) -> None:
    with pytest.raises(InputError, match=message):
        activation_gain(function)


def test_result() -> None:
    found = activation_gain("gelu")
    assert "\n" not in found.headline()
    assert list(found.to_frame()["gain"]) == [found.gain, found.backward_gain]
    before = to_plain(found)
    axes = found.plot()
    assert axes.get_xlabel() and len(axes.lines) == 3
    assert to_plain(found) == before
    assert to_plain(ActivationGain.from_dict(found.to_dict())) == before
    assert np.all(found.gain_error < ALGEBRA)
    plt.close("all")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("linear", "identity"),
        ("Swish", "silu"),
        ("GELU", "gelu"),
        ("LeakyReLU", "leaky_relu"),
        ("leaky-relu", "leaky_relu"),
    ],
)
def test_a_name_may_be_written_as_papers_and_modules_write_it(said, name):
    found, expected = activation_gain(said), activation_gain(name)
    assert found.name == name
    assert found.gain == expected.gain
    assert found.torch_gain == expected.torch_gain
    assert (found.torch_gain is not None) == (name in ("identity", "leaky_relu"))
