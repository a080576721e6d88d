import pytest
import torch

from leadline.claims import Verdict
from leadline.studies.generated_networks import NETS, STUDY, ReversedUNet, pool_upsample, strided_transposed
from leadline.studies.study import Settings


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_sizes_by_hand(kernel):
    image, less = torch.zeros(2, 1, 32, 32), kernel - 1
    quarter = ((32 - less) // 2 - less) // 2
    side = 2 * (2 * (quarter - less) - less) - less
    if side > 0:
        assert pool_upsample(kernel, 4, 3)(image).shape == (2, 3, side, side)
    quarter = ((32 - kernel) // 2 + 1 - kernel) // 2 + 1
    side = 2 * (2 * (quarter - 1) + kernel - 1) + kernel
    assert strided_transposed(kernel, 4, 3)(image).shape == (2, 3, side, side)


def test_what_comes_out_of_the_three(observation):
    pool, strided, reverse = (check.evidence(observation) for check in STUDY.checks)
    assert {one.verdict for one in (pool, strided, reverse)} == {Verdict.FAILS}
    assert pool.found.startswith("gives 24x10x10; first at stage1.0")
    assert strided.found.startswith("gives 24x31x31; first at stage1.0")
    assert reverse.found.startswith("does not run; first at convolutions.9 (Conv2d, call 2): takes 32 channels")


def test_only_these_kernels_fit_by_chance(observation):
    assert list(observation.kernels.values())[:3] == [[1], [2, 6], []]


def test_the_reversed_net_does_not_run_whatever_its_widths():
    for kernel, filters, colours in ((1, 2, 2), (3, 2, 2), (3, 2, 3)):
        with pytest.raises(RuntimeError, match=r"channels|Sizes of tensors"):
            ReversedUNet(kernel, filters, colours)(torch.zeros(2, 1, 32, 32))


def test_the_padded_nets_and_the_course_net_meet_the_specification(observation):
    met = [name for name in NETS if observation.checks[name].met]
    assert met == list(NETS)[3:]
