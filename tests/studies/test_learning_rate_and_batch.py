"""The decisions on made-up step counts, where the right verdict is known without training."""

import numpy as np
import pytest

from leadline.claims import Verdict
from leadline.optimization import CriticalBatch
from leadline.studies.compute_spending import RATES
from leadline.studies.learning_rate_and_batch import SIZES, Observation, decide_growth, decide_knee, decide_regimes


def made_up(s_min: float, critical: float, best_rates: np.ndarray, seed: int = 0) -> CriticalBatch:
    """Steps that rise with the square of log(rate / best rate), a little noise on them."""
    sizes = np.array(SIZES)
    lowest = s_min * (1 + critical / sizes)
    bend = np.exp(0.3 * np.log(RATES[None] / best_rates[:, None]) ** 2)
    noise = np.exp(0.02 * np.random.default_rng(seed).standard_normal((len(sizes), len(RATES), 5)))
    return CriticalBatch(
        batch_sizes=sizes, lrs=RATES, seeds=tuple(range(5)), target=0.3,
        steps=lowest[:, None, None] * bend[..., None] * noise,
        limits=np.full(len(sizes), 10_000), smallest_steps=s_min, smallest_steps_interval=(s_min, s_min),
        critical=critical, critical_interval=(critical * 0.8, critical * 1.2), confidence=0.9,
    )  # fmt: skip


def observation(rates: np.ndarray, gain: float = 3.0) -> Observation:
    return Observation(made_up(50.0, 20.0, rates), made_up(50 / gain, 20 * gain, rates, 1), 32, ())


SIZE = np.array(SIZES, dtype=float)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [(0.05 * SIZE**0.5, Verdict.HOLDS), (0.5 / (1 + 20 / SIZE), Verdict.QUALIFIED), (0.5 + 0 * SIZE, Verdict.FAILS)],
    ids=["grows on", "saturates", "constant"],
)
def test_growth_is_told_from_saturation(rates: np.ndarray, verdict: Verdict) -> None:
    if verdict is Verdict.QUALIFIED:
        rates = np.minimum(rates, rates[3])  # flat from four times the knee on
    assert decide_growth(observation(rates), 1).verdict == verdict


def test_the_knee_of_its_own_model_is_the_balance() -> None:
    found = decide_knee(observation(0.5 + 0 * SIZE), {"below": "pays", "above": "does not"})
    assert found.verdict == Verdict.HOLDS
    assert found.found["least steps x examples at batch size"] == 32


def test_an_optimizer_that_helps_everywhere_alike_is_not_taken_for_one_that_helps_on_the_right() -> None:
    asserted = {"left": "batch", "right": "optimizer"}
    assert decide_regimes(observation(0.5 + 0 * SIZE), asserted).verdict == Verdict.HOLDS
    seen = observation(0.5 + 0 * SIZE)
    alike = Observation(seen.plain, made_up(5.0, 20.0, 0.5 + 0 * SIZE), 32, ())
    assert decide_regimes(alike, asserted).verdict == Verdict.FAILS
