"""What the study's captions say is what it measured."""

from leadline.studies.activation_gains import STUDY
from leadline.studies.study import Settings


def test_stacks() -> None:
    found = {one.name: one for one in STUDY.observe(Settings()).stacks}
    assert found["gelu"].at_other.forward_trend.name == "vanishing"
    assert found["selu"].at_other.forward_trend.change < 0.1
    assert 0.5 < found["tanh"].at_other.forward_trend.change < 2
    for one in found.values():
        assert 0.3 < one.at_own.forward_trend.change < 10
    assert found["gelu"].at_own.forward_trend.change > 1.5
