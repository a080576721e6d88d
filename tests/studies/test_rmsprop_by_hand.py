import pytest
from tolerances import ALGEBRA

from leadline.claims import Verdict
from leadline.studies.rmsprop_by_hand import STUDY
from leadline.studies.study import Settings


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


def test_exact_steps_equal_torchs(observation):
    for exact, by_torch in zip(observation.steps, observation.by_torch, strict=True):
        assert exact.rounded == pytest.approx(by_torch, rel=ALGEBRA)


def test_steps_equal_plain_floats(observation):
    w, v = [0.0, 0.0], [0.0, 0.0]
    for step in observation.steps:
        g = [(2 * w[0] + w[1] - 2) * x for x in (2, 1)]
        v = [0.9 * a + 0.1 * b**2 for a, b in zip(v, g, strict=True)]
        w = [a - 0.1 * b / (c**0.5 + 0.01) for a, b, c in zip(w, g, v, strict=True)]
        assert step.rounded == pytest.approx(w, rel=ALGEBRA)


def test_a_wrong_second_step_is_traced_to_the_copied_first(observation):
    evidence = STUDY.checks[1].evidence(observation)
    assert evidence.verdict == Verdict.FAILS
    assert "(0.314, 0.311) gives (0.467227, 0.463128), which does not agree" in evidence.details[1]
    assert "(0.316, 0.311) gives (0.468785, 0.462689), which agrees" in evidence.details[2]
