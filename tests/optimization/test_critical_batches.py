"""The knee from made-up step counts, from a quadratic whose noise is known, and what is refused."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import approx_fprime
from torch import nn

from leadline.core import InputError
from leadline.optimization import critical_batch_size
from leadline.optimization.batch_fits import _Likelihood, fit_knee


def test_the_fit_finds_the_curve_it_was_made_from() -> None:
    sizes = np.repeat([2.0, 8.0, 32.0, 128.0, 512.0], 6)
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(sizes)))
    knee = fit_knee(sizes, 40 * (1 + 30 / sizes) * noise, np.ones(len(sizes), bool))
    assert knee.smallest == pytest.approx(40, rel=0.05)
    assert knee.critical == pytest.approx(30, rel=0.1)


def test_censored_runs_pull_the_fit_up_and_are_not_taken_for_arrivals() -> None:
    sizes = np.repeat([2.0, 8.0, 32.0, 128.0, 512.0], 6)
    noise = np.exp(0.05 * np.random.default_rng(0).standard_normal(len(sizes)))
    steps = 40 * (1 + 30 / sizes) * noise
    reached = steps < 300
    cut = np.where(reached, steps, 300)
    censored = fit_knee(sizes, cut, reached).critical
    fooled = fit_knee(sizes, cut, np.ones(len(sizes), bool)).critical
    assert abs(np.log(censored / 30)) < abs(np.log(fooled / 30))
    assert censored == pytest.approx(30, rel=0.2)


@pytest.mark.parametrize(("seeds", "limit"), [(1, np.inf), (3, np.inf), (2, 400.0)])  # some reach no target within 400
def test_intervals_cover_the_truth_as_often_as_they_say(seeds: int, limit: float) -> None:
    sizes, generator, tables = np.repeat([3.0, 12.0, 48.0, 192.0, 768.0], seeds), np.random.default_rng(2), 30
    covered = np.zeros(2)
    for _ in range(tables):
        steps = 40 * (1 + 30 / sizes) * np.exp(0.15 * generator.standard_normal(len(sizes)))
        knee = fit_knee(sizes, np.minimum(steps, limit), steps < limit, confidence=0.9)
        ends = knee.smallest_interval, knee.critical_interval
        covered += [low <= true <= high for true, (low, high) in zip((40, 30), ends, strict=True)]
    assert (covered >= 0.78 * tables).all()
    assert covered.sum() < 2 * tables  # and not by being endless


def test_an_end_that_the_data_leave_open_is_said_to_be_open() -> None:
    sizes = np.array([64.0, 128.0, 256.0, 512.0])
    low, high = fit_knee(sizes, np.array([100.0, 104.0, 97.0, 101.0]), np.ones(4, bool)).critical_interval
    assert low == 0
    assert 0 < high < 64
    low, high = fit_knee(sizes, 6400 / sizes * np.array([1.0, 1.05, 0.97, 1.0]), np.ones(4, bool)).critical_interval
    assert low > 512
    assert high == np.inf
    assert np.isnan(fit_knee(sizes[:2], np.array([100.0, 90.0]), np.ones(2, bool)).critical_interval).all()


def test_the_gradient_of_the_likelihood_is_that_of_differences() -> None:
    generator = np.random.default_rng(0)
    log_steps = generator.normal(4, 1, 9)
    likelihood = _Likelihood(np.repeat([1.0, 4.0, 16.0], 3), np.minimum(log_steps, 4.3), log_steps < 4.3)
    for at in ([3.0, 2.0, 0.0], [4.0, 1.0, -1.0]):
        differences = approx_fprime(np.array(at), lambda place: likelihood.unlikely(place)[0], 1e-7)
        assert likelihood.unlikely(np.array(at))[1] == pytest.approx(differences, rel=1e-4, abs=1e-5)


def steps_in_theory(batch_size: float, lr: float, start: float, *, target: float, noise: float, weights: int) -> float:
    """Of SGD on half the mean squared error, inputs being independent and standard normal.

    The loss above its floor is e = |w - w*|^2 / 2; a batch's gradient has the covariance's trace
    2 e (weights + 1) + noise^2 weights, over the batch size.
    """
    above, steps = start, 0
    kept = (1 - lr) ** 2 + lr**2 * (weights + 1) / batch_size
    while above > target and steps < 5000:
        above, steps = kept * above + lr**2 * noise**2 * weights / (2 * batch_size), steps + 1
    return float(steps)


def test_the_knee_of_a_quadratic_is_where_its_noise_puts_it(found) -> None:
    """The theory is for the mean over runs; a run first crosses the target on a fluctuation, somewhat earlier."""
    sizes = found.batch_sizes.astype(float)
    least = np.array([
        min(steps_in_theory(size, lr, 4.0, target=0.1, noise=2.0, weights=9) for lr in found.lrs) for size in sizes
    ])  # fmt: skip
    expected = fit_knee(sizes, least, least < 5000)
    assert found.critical == pytest.approx(expected.critical, rel=0.5)
    low, high = found.critical_interval
    assert low / 1.5 < expected.critical < 1.5 * high
    assert found.smallest_steps == pytest.approx(expected.smallest, rel=0.3)


def test_one_seed_has_an_interval_and_two_runs_have_none() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 4, generator=generator)
    data = inputs, inputs.sum(1, keepdim=True) + torch.randn(256, 1, generator=generator)
    options: dict[str, Any] = {"target": 0.55, "lrs": [0.1], "loss": "half_mse", "steps": 100, "seeds": 1}
    few = critical_batch_size(lambda: nn.Linear(4, 1), data, batch_sizes=[4, 32], **options)
    assert np.isnan(few.critical_interval).all()
    assert "fewer than three runs" in few.caveats[0]
    assert "no interval" in few.headline()
    assert few.regime(8).startswith("unknown")
    some = critical_batch_size(lambda: nn.Linear(4, 1), data, batch_sizes=[2, 8, 32, 128], **options)
    low, high = some.critical_interval
    assert low < some.critical < high
    assert some.regime(some.critical).startswith("at the knee")


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
    "no target": ({"target": float("nan")}, "a target loss, got NaN"),
    "unknown loss": ({"loss": "entropy"}, "one of cross_entropy"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    changes, message = BAD[name]
    data = torch.randn(64, 2), torch.randn(64, 1)
    given = {"target": 0.1, "batch_sizes": [4, 16], "lrs": [0.1], "steps": 5, "loss": "half_mse"} | changes
    with pytest.raises(InputError, match=message):
        critical_batch_size(lambda: nn.Linear(2, 1), data, **given)


def test_a_target_that_is_reached_at_once_is_said_to_be_too_high() -> None:
    data = torch.linspace(-1, 1, 32)[:, None], torch.linspace(-2, 2, 32)[:, None]
    found = critical_batch_size(lambda: nn.Linear(1, 1), data, target=100.0, batch_sizes=[2, 8], lrs=[0.1],
                                loss="mse", steps=20, seeds=2)  # fmt: skip
    assert found.caveats[0] == "the target was reached by the first evaluation at batch sizes [2, 8]: lower it"
