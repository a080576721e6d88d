import random

import numpy as np
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


def test_a_factory_that_hands_out_one_model_keeps_it_as_it_is():
    model = plain()
    before = state_of(model)
    stack = stacked_states(lambda: model, [0, 1, 2, 3])
    for name, value in before.parameters.items():
        assert torch.equal(model.get_parameter(name), value)
        assert all(torch.equal(value, start) for start in stack.parameters[name])


def drawn_with_numpy():
    model = nn.Linear(3, 1)
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(np.random.standard_normal((1, 3))) + random.random())  # noqa: NPY002
    return model


def test_factories_may_draw_from_numpy_and_python():
    weights = stacked_states(drawn_with_numpy, [0, 1, 0]).parameters["weight"]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])
