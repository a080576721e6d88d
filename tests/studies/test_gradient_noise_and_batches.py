"""Variances by enumeration, and other assertions about them."""

import pytest

from leadline.claims import Verdict
from leadline.studies import Settings
from leadline.studies.gradient_noise_and_batches import CHECKS, FACTORS, Observation, observe, read_scaling


@pytest.fixture(scope="module")
def observation() -> Observation:
    return observe(Settings())


def test_batches_without_replacement_need_the_finite_population_factor(observation: Observation) -> None:
    for draw in observation.without:
        assert draw.variance == draw.single / draw.n * (draw.N - draw.n) / (draw.N - 1)
    for draw in observation.with_replacement:
        assert draw.variance == draw.single / draw.n


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [("sigma^2/n", Verdict.QUALIFIED), ("sigma^2/n*(N-n)/(N-1)", Verdict.HOLDS), ("sigma^2/n*(N-n)/N", Verdict.FAILS),
     ("sigma^2/n^2", Verdict.FAILS)],
)  # fmt: skip
def test_formulas_are_told_apart(observation: Observation, stated: str, verdict: Verdict) -> None:
    assert CHECKS[0].procedure(observation, stated).verdict == verdict


@pytest.mark.parametrize(
    ("rate", "verdict"), [("k", Verdict.QUALIFIED), ("sqrt(k)", Verdict.FAILS), ("k^2", Verdict.HOLDS)]
)
def test_scalings_are_told_apart(observation: Observation, rate: str, verdict: Verdict) -> None:
    assert CHECKS[1].procedure(observation, rate).verdict == verdict


def test_the_linear_rule_keeps_an_epochs_noise_and_the_root_rule_a_steps() -> None:
    assert read_scaling("k").step == FACTORS
    assert set(read_scaling("k").epoch) == {1}
    assert set(read_scaling("sqrt(k)").step) == {1}
