"""The comparison on one seed."""

from leadline.studies.adaptive_decay import Observation, compare, decide


def test_sgd_has_an_equivalent_strength_and_adam_has_none():
    observation = Observation({name: (compare(name, 7),) for name in ("sgd", "rmsprop", "adam")})
    assert max(observation.distances("sgd")) < 1e-9
    assert min(observation.distances("adam")) > 0.05
    assert decide(observation, ("adam",)).as_stated
    assert not decide(observation, ("sgd",)).as_stated
