import random
import threading

import numpy as np
import pytest
import torch
from torch import nn

from leadline.core import InputError, borrow, twin


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    net[0].weight.requires_grad_(False)
    net(torch.randn(5, 3)).sum().backward()
    net[1].eval()
    return net


def snapshot(net):
    return {
        "state": {name: value.clone() for name, value in net.state_dict().items()},
        "ids": [id(one) for one in (*net.parameters(), *net.buffers(), *net.modules())],
        "grads": [None if one.grad is None else (id(one.grad), one.grad.clone()) for one in net.parameters()],
        "requires_grad": [one.requires_grad for one in net.parameters()],
        "training": [one.training for one in net.modules()],
        "hooks": [sum(map(len, (m._forward_hooks, m._forward_pre_hooks, m._backward_hooks))) for m in net.modules()],
        "random": (
            random.getstate(),
            torch.get_rng_state().tolist(),
            np.random.get_state(legacy=False)["state"]["key"].tolist(),  # noqa: NPY002
        ),
        "attributes": [sorted(vars(one)) for one in net.modules()],
    }


def assert_same(before, after):
    for name, value in before.items():
        if name == "state":
            assert all(torch.equal(value[key], after[name][key]) for key in value)
        elif name == "grads":
            for one, other in zip(value, after[name], strict=True):
                assert (one is None) == (other is None)
                assert one is None or (one[0] == other[0] and torch.equal(one[1], other[1]))
        else:
            assert value == after[name], name


def misuse(net):
    """Everything that an instrument or the model itself might do to a module."""
    net.train()
    net[3].register_forward_hook(lambda *_: None)
    net(torch.randn(6, 3)).sum().backward()
    net.note = "left behind"
    net[0].weight.requires_grad_(True)
    net[3].bias.grad = None
    net[1] = nn.Identity()
    net[0].weight = nn.Parameter(torch.zeros(4, 3))
    random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002


def test_comes_back_untouched(model):
    before = snapshot(model)
    with borrow(model, training=True):
        misuse(model)
    assert_same(before, snapshot(model))


def test_comes_back_untouched_after_an_exception(model):
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="half-way"), borrow(model, training=True):
        misuse(model)
        raise RuntimeError("half-way")
    assert_same(before, snapshot(model))


def test_parameter_values_are_restored_when_asked(model):
    before = snapshot(model)
    with borrow(model, copy_parameters=True), torch.no_grad():
        model[3].weight.mul_(3)
    assert_same(before, snapshot(model))


def test_mode_for_the_body(model):
    with borrow(model, training=False):
        assert not any(module.training for module in model.modules())
    assert model.training


def test_embeddings_that_renormalize_themselves_are_given_back():
    words = nn.Embedding(5, 3, max_norm=0.1)
    before = words.weight.detach().clone()
    with borrow(words):
        words(torch.arange(5))
        assert not torch.equal(words.weight, before)
    assert torch.equal(words.weight, before)


def test_what_cannot_be_copied_is_named():
    layer = nn.Linear(1, 1)
    vars(layer)["lock"] = threading.Lock()
    with pytest.raises(InputError, match="copying a model: expected a module"):
        twin(layer)
