"""Which bounds a figure supports, on made-up figures; and that the trained ones are what they are called."""

from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

from leadline.claims import Verdict
from leadline.optimization import RangeTest
from leadline.optimization.range_rules import ACCURACY_RULES, RULES, read_accuracy
from leadline.studies.clothing_images import enlarged_digits, small_net
from leadline.studies.learning_rate_bounds import (
    FIXED,
    PICTURES,
    Bounds,
    Effort,
    FixedRates,
    Reading,
    decide_range,
    fixed_rates,
)
from leadline.training import Recipe, initialized, train


def curve(rates: np.ndarray, begins: float) -> np.ndarray:
    """Accuracy that rises over two decades from a rate on, stays for two and falls."""
    place = np.log10(rates / begins)
    return np.interp(place, [0, 2, 4, 5], [0.1, 0.9, 0.9, 0.1])


def made_up(begins: dict[str, float]) -> Bounds:
    rates = np.geomspace(1e-7, 10, 81)
    climbs, fixed = {}, {}
    for optimizer, rate in begins.items():
        accuracy = np.stack([curve(rates, rate), curve(rates, 1.5 * rate)], axis=1)
        found = np.full((len(RULES) + len(ACCURACY_RULES), 2), np.nan)
        for seed in range(2):
            found[len(RULES) :, seed] = list(read_accuracy(rates, accuracy[:, seed]).rates.values())
        climbs[optimizer] = RangeTest(
            lr=rates, losses=accuracy, smooth=accuracy, memory=0.9, seeds=(0, 1), rules=RULES + ACCURACY_RULES,
            rates=found, diverged_at=(-1, -1), accuracy_lr=rates, accuracy=accuracy,
        )  # fmt: skip
        fixed[optimizer] = FixedRates(np.stack([curve(np.array(FIXED), rate)[:, None]] * 2), 24, 64)
    return Bounds(climbs, fixed)


def test_a_bound_may_be_off_by_half_a_decade() -> None:
    reading = Reading("sgd", "", begins=(1e-3, 2e-3), slows=(1e-2, 1e-2), falls=(1e-1, np.nan))
    assert reading.supports(3.3e-4, 3.3e-3) == (True, True)
    assert reading.supports(3e-4, 3e-3) == (False, False)
    assert reading.supports(6e-3, 0.1) == (True, True)
    assert reading.supports(7e-3, 0.1)[0] is False
    ends = Reading("sgd", "", begins=(1e-3, 1e-3), slows=(1e-2, 1e-2), falls=(0.1, 0.1))
    assert [ends.supports(1e-3, high)[1] for high in (0.3, 0.4)] == [True, False]


@pytest.mark.parametrize(
    ("begins", "verdict"),
    [({"sgd": 1e-6, "adam": 1e-6}, Verdict.HOLDS), ({"sgd": 1e-2, "adam": 1e-6}, Verdict.QUALIFIED),
     ({"sgd": 1e-2, "adam": 1e-3}, Verdict.FAILS)],
)  # fmt: skip
def test_verdicts_follow_the_figures(begins: dict[str, float], verdict: Verdict) -> None:
    found = decide_range(made_up(begins), (1e-6, 1e-4), "made-up pictures", ())
    assert found.verdict == verdict
    if verdict is Verdict.QUALIFIED:
        assert found.condition.startswith(
            "adam, one climb of the rate in 81 steps; adam, fixed rates, 24 steps of 64 at each; "
        )
        assert "sgd" not in found.condition
    assert len(found.found) == 6
    assert found.found[0]["accuracy begins to rise at"][0] == pytest.approx(begins["sgd"] * 10**0.2, rel=0.3)


def test_the_chosen_bounds_are_the_medians_of_the_climb() -> None:
    bounds = made_up({"adam": 1e-5})
    low, high = bounds.chosen("adam")
    assert 1e-5 < low < 4e-5
    assert 5e-4 < high < 2e-3


def test_fixed_rates_are_trainings_at_these_rates() -> None:
    digits = enlarged_digits()
    found = fixed_rates(digits, "momentum", Effort(steps=60, seeds=1, epochs=2, fixed_seeds=1, fixed_batch=64))
    assert found.accuracy.shape == (2, len(FIXED), 1)
    assert found.steps == 24
    model = initialized(small_net, 0)
    train(model, digits.training, Recipe(lr=FIXED[6], epochs=2, optimizer="momentum")).load_into(model)
    right = (model(digits.held_out[0]).argmax(1) == digits.held_out[1]).float().mean().item()
    assert found.accuracy[1, 6, 0] == pytest.approx(right, abs=0.02)  # vmap adds in another order
    assert found.accuracy[1, 0, 0] < 0.3 < found.accuracy[1, 6, 0]


@pytest.mark.parametrize("title", PICTURES)
def test_pictures_show_the_stated_bounds_and_every_optimizer(title: str) -> None:
    ax = Figure().subplots()
    partial(PICTURES[title], bounds=made_up({"sgd": 1e-2, "adam": 1e-5}), stated=(1e-6, 1e-4))(ax)
    labels = ax.get_legend_handles_labels()[1]
    assert labels[0] == "stated bounds"
    assert any(label.startswith("adam") for label in labels[1:])
    assert ax.get_xscale() == "log"
