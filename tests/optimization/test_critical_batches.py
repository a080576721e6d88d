"""The knee from made-up step counts, from a quadratic whose noise is known, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from leadline.core import InputError
from leadline.optimization import critical_batch_size
from leadline.optimization.batch_fits import fit_knee


def test_the_fit_finds_the_curve_it_was_made_from() -> None:
    sizes = np.repeat([2.0, 8.0, 32.0, 128.0, 512.0], 6)
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(sizes)))
    s_min, b_crit = fit_knee(sizes, 40 * (1 + 30 / sizes) * noise, np.ones(len(sizes), bool))
    assert s_min == pytest.approx(40, rel=0.05)
    assert b_crit == pytest.approx(30, rel=0.1)


def test_censored_runs_pull_the_fit_up_and_are_not_taken_for_arrivals() -> None:
    sizes = np.repeat([2.0, 8.0, 32.0, 128.0, 512.0], 6)
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(sizes)))
    steps = 40 * (1 + 30 / sizes) * noise
    reached = steps < 300
    cut = np.where(reached, steps, 300)
    _, censored = fit_knee(sizes, cut, reached)
    _, fooled = fit_knee(sizes, cut, np.ones(len(sizes), bool))
    assert abs(np.log(censored / 30)) < abs(np.log(fooled / 30))
    assert censored == pytest.approx(30, rel=0.2)


@pytest.fixture(scope="module")
def found():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1024, 8, generator=generator)
    data = inputs, inputs.sum(1, keepdim=True) + 2 * torch.randn(1024, 1, generator=generator)
    with torch.no_grad():
        weights = torch.linalg.lstsq(inputs, data[1]).solution
        floor = float((inputs @ weights - data[1]).square().mean() / 2)
    return critical_batch_size(
        lambda: nn.Linear(8, 1), data, target=floor + 0.1, batch_sizes=[1, 4, 16, 64, 256],
        lrs=np.geomspace(0.003, 0.1, 6), loss="half_mse", steps=500, seeds=2,
    )  # fmt: skip


def test_steps_fall_with_the_batch_and_then_do_not(found) -> None:
    steps = np.median(found.best_steps, axis=1)
    assert steps[0] / steps[1] > 2
    assert steps[-2] / steps[-1] < 1.3
    low, high = found.critical_interval
    assert low <= found.critical <= high
    assert 1 < found.critical < 128
    assert found.smallest_steps == pytest.approx(steps[-1], rel=0.5)
    assert found.regime(1).startswith("noise dominated")
    assert found.regime(2000).startswith("curvature dominated")
    assert found.best_lr[0] < found.best_lr[-1]


def test_an_unreached_target_is_an_outcome() -> None:
    data = torch.randn(64, 2), torch.randn(64, 1)
    found = critical_batch_size(lambda: nn.Linear(2, 1), data, target=1e-6, batch_sizes=[4, 16], lrs=[0.1], steps=20,
                                loss="half_mse", seeds=2)  # fmt: skip
    assert not found.reached.any()
    assert np.isnan(found.critical)
    assert "not found" in found.headline()
    assert found.to_frame()["seeds_censored"].tolist() == [2, 2]


BAD = {
    "one size": ({"batch_sizes": [4]}, "two batch sizes or more"),
    "no rates": ({"lrs": []}, "positive rates"),
    "batch larger than data": ({"batch_sizes": [4, 128]}, "no larger than the data"),
    "unknown loss": ({"loss": "entropy"}, "one of cross_entropy"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    changes, message = BAD[name]
    data = torch.randn(64, 2), torch.randn(64, 1)
    given = {"target": 0.1, "batch_sizes": [4, 16], "lrs": [0.1], "steps": 5, "loss": "half_mse"} | changes
    with pytest.raises(InputError, match=message):
        critical_batch_size(lambda: nn.Linear(2, 1), data, **given)
