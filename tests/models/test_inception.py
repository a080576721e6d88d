import torch

from leadline.models import NaiveInception, ReducedInception


def test_naive_block_concatenates_all_branches():
    block = NaiveInception(4, ones=2, threes=3, fives=5)
    images = torch.rand(2, 4, 9, 8, generator=torch.Generator().manual_seed(0))
    outputs = block(images)
    assert outputs.shape == (2, 2 + 3 + 5 + 4, 9, 8)
    assert torch.equal(outputs[:, :2], block.ones(images))
    assert torch.equal(outputs[:, -4:], block.pool(images))
    assert sum(p.numel() for p in block.parameters()) == 2 * 5 + 3 * (36 + 1) + 5 * (100 + 1)


def test_reduced_block_counts():
    with torch.device("meta"):
        block = ReducedInception(
            256, ones=128, threes=192, fives=96, reduced_threes=128, reduced_fives=32, projection=64
        )
        assert block(torch.zeros(1, 256, 32, 32)).shape == (1, 480, 32, 32)
    weights = 256 * (128 + 128 + 32 + 64) + 9 * 128 * 192 + 25 * 32 * 96
    assert sum(p.numel() for p in block.parameters()) == weights + 128 + 128 + 32 + 64 + 192 + 96
