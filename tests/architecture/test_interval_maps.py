import pytest
import torch

from leadline.architecture.interval_maps import (
    NOTHING,
    MapTooLarge,
    compressed,
    empty_map,
    identity_map,
    mix_channels,
    read,
    reshaped,
    union,
)


def test_the_input_sees_itself():
    first, minus_last = identity_map((2, 3, 4), (2,))
    assert first.shape == (1, 1, 4)
    assert first.flatten().tolist() == [0, 1, 2, 3]
    assert minus_last.flatten().tolist() == [0, -1, -2, -3]


def test_union_broadcasts_and_empty_maps_are_neutral():
    seen = identity_map((1, 4), (1,))
    joined = union([seen, empty_map(1, 2)], 3)
    assert [bound.shape for bound in joined] == [(1, 1, 4)] * 2
    assert joined[0].flatten().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2, 3, 4), (6, 4)), ((2, 3, 4), (2, 12)), ((6, 4), (2, 3, 2, 2)), ((1, 6, 1), (6,)), ((6,), (1, 6, 1)),
        ((2, 3), (3, 2)), ((4, 1, 2), (1, 4, 2, 1)), ((1, 1), ()), ((), (1,)),
    ],
)  # fmt: skip
def test_reshaping_commutes_with_expanding(before, after):
    full = torch.arange(torch.Size(before).numel()).reshape(before)
    for axis in range(-1, len(before)):  # constant along all axes but this one; -1: full
        bound = full if axis == -1 else full.amin([a for a in range(len(before)) if a != axis], keepdim=True)
        expected = bound.expand(before).reshape(after)
        assert torch.equal(reshaped(bound, before, after, 100).expand(after), expected)


def test_reshaping_grows_only_what_it_must():
    bound = torch.arange(5).view(1, 1, 5)
    assert reshaped(bound, (1000, 1000, 5), (1000000, 5), 10).shape == (1, 5)
    with pytest.raises(MapTooLarge, match="15 elements"):
        reshaped(bound, (2, 3, 5), (2, 15), 14)


def test_constant_axes_are_compressed():
    bound = torch.tensor([[1, 1, 1], [2, 2, 2]])
    assert compressed(bound).tolist() == [[1], [2]]
    assert compressed(torch.zeros(2, 3)).shape == (1, 1)


def test_reading_nothing_is_empty():
    taps = torch.tensor([[0, 1], [-1, -1]])
    assert read(torch.tensor([5, 4, 3]), 0, taps).tolist() == [4, NOTHING]


def test_groups_of_channels():
    bound = torch.tensor([[3, 2, 1, 0]])
    assert mix_channels(bound, 1, 2, 4).tolist() == [[2, 2, 0, 0]]
    assert mix_channels(bound, 1, 1, 4).tolist() == [[0]]
