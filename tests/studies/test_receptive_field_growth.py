import pytest
import sympy

from leadline.claims import Verdict
from leadline.studies.receptive_field_growth import DEPTH, STUDY, Stack, closed_form, pooling_gain
from leadline.studies.study import Settings


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


def test_sizes_by_hand(observation):
    assert observation.sizes[Stack(3)] == (3, 5, 7, 9)
    assert observation.sizes[Stack(3, stride=2)] == (3, 7, 15, 31)
    assert observation.sizes[Stack(3, pool=2)] == (3, 8, 18, 38)
    assert observation.sizes[Stack(1)] == (1, 1, 1, 1)


def test_sizes_follow_the_closed_form(observation):
    for stack, sizes in observation.sizes.items():
        block = [(stack.kernel, stack.stride)] + ([(stack.pool, stack.pool)] if stack.pool > 1 else [])
        layers = block * DEPTH
        assert sizes == tuple(closed_form(layers[: place * len(block) + 1]) for place in range(DEPTH))


def test_pools_between_two_convolutions_add_their_window_and_stretch_what_follows():
    k1, s0, p0, q0 = sympy.symbols("k1 s0 p0 q0")
    assert sympy.expand(pooling_gain(2) - (1 + s0) * (p0 + q0 * k1)) == 0


def test_depth_needs_kernels_beyond_one(observation):
    depth, pooling = (check.evidence(observation) for check in STUDY.checks)
    assert depth.verdict == Verdict.QUALIFIED
    assert depth.found["depth"] == {"larger": 51, "equal": 9, "smaller": 0}  # three strides, three steps of depth
    assert pooling.verdict == Verdict.FAILS
