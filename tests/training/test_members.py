import pytest
import torch
from torch import nn

from leadline.core import InputError
from leadline.training import initialized, member_of, stacked_states, state_of


def plain():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def convolutional():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def rescaled():
    model = plain()
    with torch.no_grad():
        model[0].weight.mul_(3)  # resetting the layers would lose this  # pyright: ignore[reportCallIssue]
    return model


def half_frozen():
    model = plain()
    model[0].requires_grad_(False)
    return model


@pytest.mark.parametrize("factory", [plain, convolutional, rescaled, half_frozen, lambda: nn.LSTM(2, 3)])
def test_stacked_states_are_those_of_the_single_models(factory):
    seeds = [4, 0, 9, 4]
    stack = stacked_states(factory, seeds)
    for member, seed in enumerate(seeds):
        one, alone = member_of(stack, member), state_of(initialized(factory, seed))
        for ours, theirs in ((one.parameters, alone.parameters), (one.buffers, alone.buffers)):
            assert ours.keys() == theirs.keys()
            assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_initializing_leaves_the_global_random_state():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    stacked_states(plain, [1, 2, 3])
    assert torch.equal(torch.rand(1), expected)


def test_members_must_be_alike():
    widths = iter([3, 4])
    with pytest.raises(InputError, match="members of one architecture"):
        stacked_states(lambda: nn.Linear(next(widths), 1), [0, 1])


def test_a_factory_makes_modules():
    with pytest.raises(InputError, match="a factory that returns a torch module, got int"):
        initialized(lambda: 3)  # pyright: ignore[reportArgumentType]
