"""The course's example by hand."""

from leadline.claims import Verdict
from leadline.optimization import implicit_bias
from leadline.studies.adaptive_minimum_norm import Observation, at_zero, decide, problem, recipes


def test_one_random_problem_is_enough_for_a_counterexample():
    observation = Observation((("seed 1", implicit_bias(at_zero(12), problem(1), recipes(1, 2))),))
    evidence = decide(observation, "rmsprop")
    assert evidence.verdict is Verdict.HOLDS
    assert evidence.found["seed 1"] > 0.1
    assert decide(observation, "momentum").verdict is Verdict.FAILS
