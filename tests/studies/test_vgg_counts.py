import pytest

from leadline.claims import Verdict
from leadline.studies.study import Settings
from leadline.studies.vgg_counts import STUDY, connected_share, parameters_of, rounded_to


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


@pytest.fixture(scope="module")
def evidence(observation):
    return {check.claim: check.evidence(observation) for check in STUDY.checks}


def test_activations_by_hand(evidence):
    image, side = 3 * 224**2, 224
    stages = [(side // 2**place, width, repeats)
              for place, (width, repeats) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)])]  # fmt: skip
    convolutions = sum(repeats * width * side**2 for side, width, repeats in stages)
    pools = sum(width * (side // 2) ** 2 for side, width, _ in stages)
    activations = evidence["e6998.4.1.activations"]
    assert activations.found == image + convolutions + pools == 16_532_992
    # 0.15 + 4 x 3.2 + ... in millions, as a table of rounded rows adds up
    assert activations.details == ("The rows rounded to 2 significant digits add up to 16,475,000.",)
    assert activations.verdict == Verdict.QUALIFIED


def test_layers_by_hand(observation):
    assert parameters_of(observation.deep, "conv1_1") == 27 * 64
    assert parameters_of(observation.deep, "conv2_2") == 9 * 128 * 128
    assert parameters_of(observation.deep, "fc1") == 7 * 7 * 512 * 4096
    assert parameters_of(observation.shallow, "fc3") == 4096 * 1000 + 1000
    assert connected_share(observation.shallow) == 123_642_856 / 132_863_336


def test_softmax_keeps_all_classes(evidence):
    assert evidence["dlhw2.6.softmax"].found == 1000
    assert evidence["dlhw2.6.softmax"].verdict == Verdict.FAILS


def test_a_product_must_be_right_on_both_sides(observation):
    check = next(check for check in STUDY.checks if check.claim == "e6998.4.1.conv3-128b")
    for asserted in ("(3*3*64)*128 = 147456", "(3*3*128)*128 = 147457"):
        assert check.procedure(observation, asserted).verdict == Verdict.FAILS


def test_rounding_to_significant_digits():
    assert [rounded_to(2, count) for count in (150_528, 25_088, 7, 999)] == [150_000, 25_000, 7, 1000]
