"""Bytes of live tensors: counted by hand."""

import torch

from leadline.optimization import LiveMemory


def test_counts_what_lives_and_remembers_the_peak():
    before = torch.ones(1000)
    with LiveMemory() as memory:
        a = torch.zeros(10)
        b = before[:5] + 1  # the slice is a view, the sum is 20 bytes
        view = a.view(2, 5)
        assert memory.bytes == 60
        del a
        assert memory.bytes == 60  # the view keeps it
        del view
        assert memory.bytes == 20
        b.add_(1)
    assert (memory.bytes, memory.peak) == (20, 60)


def test_counts_what_only_a_graph_keeps():
    x = torch.ones(100, requires_grad=True)
    with LiveMemory() as memory:
        y = x.exp().sum()  # exp's result is kept for the backward pass
        assert memory.bytes == 404
        y.backward()
        del y
    assert memory.bytes == 400  # the gradient
