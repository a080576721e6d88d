"""Trends named, slopes by width, results and refusals."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

from leadline.core import InputError, ModelError, to_plain
from leadline.initialization import SignalPropagation, signal_propagation
from leadline.models import mlp

INPUTS = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))


def scaled(factor: float, width: int = 64, depth: int = 12, exponent: float = 0.5) -> nn.Sequential:
    """Linear layers whose weights have standard deviation factor / width ** exponent."""
    layers = [nn.Linear(64 if place == 0 else width, width, bias=False) for place in range(depth)]
    for layer in layers[1:]:
        nn.init.normal_(layer.weight, std=factor / width**exponent)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("factor", "name"), [(0.5, "vanishing"), (1.0, "stable"), (2.0, "exploding")])
def test_trends_of_linear_stacks(factor, name) -> None:
    found = signal_propagation(lambda: scaled(factor), INPUTS, draws=3)
    assert found.forward_trend.name == found.backward_trend.name == name
    assert found.forward_trend.per_layer == pytest.approx(factor**2, rel=0.15)
    assert found.forward_trend.change == pytest.approx(found.forward_trend.per_layer**10)
    assert name in found.headline()


def test_overflow_is_exploding_and_silence_is_vanishing() -> None:
    assert signal_propagation(lambda: scaled(1e8), INPUTS, draws=1).forward_trend.name == "exploding"
    assert signal_propagation(lambda: scaled(0.0), INPUTS, draws=1).backward_trend.name == "vanishing"


def test_two_hidden_layers_are_too_few() -> None:
    assert signal_propagation(mlp([64, 8, 8, 2]), INPUTS).forward_trend.name == "too few layers to tell"


@pytest.mark.parametrize(("exponent", "passes"), [(0.5, True), (0.3, False), (0.7, False)])
def test_slopes_by_width(exponent, passes) -> None:
    found = signal_propagation(
        lambda width: scaled(1.0, width, depth=3, exponent=exponent), INPUTS, draws=4, widths=(64, 128, 256)
    )
    assert found.passes_width_check is passes
    # Each layer of n weights of variance n^(-2 e) multiplies the root mean square by n^(1/2 - e).
    slopes = [one.slope for one in found.width_slopes]
    np.testing.assert_allclose(slopes, [0, 0.5 - exponent, 1 - 2 * exponent], atol=0.1)
    assert ("passed" if passes else "FAILED") in found.headline()


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other, third = (signal_propagation(lambda: scaled(1.0), INPUTS, draws=2, seed=seed) for seed in (1, 1, 2))
    assert to_plain(one) == to_plain(other) != to_plain(third)


def test_result() -> None:
    found = signal_propagation(lambda width: scaled(1.0, width, 5), INPUTS, draws=2, widths=(16, 32))
    assert "\n" not in found.headline()
    assert len(found.to_frame()) == 5 and "rms_per_width_exponent" in found.to_frame()
    before = to_plain(found)
    assert found.plot().get_ylabel()
    assert to_plain(found) == before == to_plain(SignalPropagation.from_dict(found.to_dict()))
    plt.close("all")


@pytest.mark.parametrize(
    ("model", "inputs", "options", "error", "message"),
    [
        (3, INPUTS, {}, InputError, "a module or a factory, got int"),
        (mlp([64, 8]), INPUTS * torch.nan, {}, InputError, "finite inputs"),
        (mlp([64, 8]), INPUTS, {"widths": (8, 16)}, InputError, "a factory of one argument"),
        (lambda width: mlp([64, width]), INPUTS, {"widths": (8, 8)}, InputError, "two or more different widths"),
        (lambda: mlp([64, 8]), INPUTS, {"draws": 0}, InputError, "at least one draw"),
        (lambda: mlp([64, 8]), INPUTS, {"widths": (8, 16)}, ModelError, "a factory that makes"),
        (lambda width: mlp([64] * (width // 8)), INPUTS, {"widths": (16, 32)}, InputError, "the same layers"),
        (mlp([32, 8]), INPUTS, {}, ModelError, "shape"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_refusals(model, inputs, options, error, message) -> None:
    with pytest.raises(error, match=message):
        signal_propagation(model, inputs, **options)
