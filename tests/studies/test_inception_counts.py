import pytest

from leadline.claims import Verdict
from leadline.studies.inception_counts import STUDY, Reductions, cut_to, depth_with
from leadline.studies.study import Settings

PIXELS = 32 * 32


@pytest.fixture(scope="module")
def evidence():
    observation = STUDY.observe(Settings())
    return {check.claim: check.evidence(observation) for check in STUDY.checks}


def test_multiplications_by_hand(evidence):
    naive = PIXELS * 256 * (128 + 9 * 192 + 25 * 96)
    reduced = PIXELS * (256 * (128 + 128 + 32 + 64) + 128 * 9 * 192 + 32 * 25 * 96)
    assert evidence["e6998.4.2c.naive"].found == naive == 1_115_684_864
    assert evidence["e6998.4.2c.reduced"].found == reduced == 397_410_304
    assert evidence["e6998.4.2d.saving"].found == f"{1 - reduced / naive:.2%}"


def test_the_naive_total_agrees_only_after_cutting_its_terms(evidence):
    naive = evidence["e6998.4.2c.naive"]
    assert naive.verdict == Verdict.QUALIFIED
    assert naive.details == ("Each cut to 3 digits first, they add up to 1,114,500,000.",)
    assert [cut_to(3, count) for count in (33_554_432, 999, 12)] == [33_500_000, 999, 12]


def test_only_the_projection_sets_the_output_depth():
    assert depth_with(Reductions(projection=10)) == 128 + 192 + 96 + 10
    assert depth_with(Reductions(reduced_threes=1, reduced_fives=1)) == 128 + 192 + 96 + 64


def test_the_reductions_are_pointwise(evidence):
    depthwise = evidence["e6998.4.2d.depthwise"]
    assert depthwise.verdict == Verdict.FAILS
    assert depthwise.found["kind"] == "pointwise"
