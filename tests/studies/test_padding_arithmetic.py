import pytest
import torch
from torch import nn

from leadline.studies.padding_arithmetic import KERNELS, STUDY
from leadline.studies.study import Settings


@pytest.mark.parametrize("kernel", KERNELS)
def test_pairs_are_those_that_torch_runs(kernel):
    def fits(padding, extra):
        down = nn.Conv1d(1, 1, kernel, stride=2, padding=padding, device="meta")
        up = nn.ConvTranspose1d(1, 1, kernel, stride=2, padding=padding, output_padding=extra, device="meta")
        large, middle, small = (torch.zeros(1, 1, size, device="meta") for size in (32, 16, 8))
        sizes = (down(large), down(middle), up(small), up(middle))
        return [one.shape[-1] for one in sizes] == [16, 8, 16, 32]

    found = [[padding, extra] for padding in range(4) for extra in (0, 1) if fits(padding, extra)]
    assert STUDY.observe(Settings()).common(kernel) == found


def test_kernels_four_and_five_have_one_pair_each():
    observation = STUDY.observe(Settings())
    assert (observation.common(4), observation.common(5)) == ([[1, 0]], [[2, 1]])
    assert not observation.keeping[4].paddings
