"""Blocks of gradients against the reading of their batches one by one."""

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.optimization.gradient_blocks import ALL_LAYERS, GradientBlocks
from leadline.optimization.layer_norms import LayerGradients
from leadline.optimization.ratio_of_means import read_noise


def batch(rng, examples=4):
    """A layer with a matrix and a vector, and one with a vector; every example's gradient is drawn."""
    each = {"one": rng.normal(1, 1, (examples, 5)), "two": rng.normal(1, 1, (examples, 3))}
    found = {}
    for path, rows in each.items():
        total = torch.from_numpy(rows.sum(0))
        parts = [total[:4].view(2, 2), total[4:]] if path == "one" else [total]
        found[path] = LayerGradients(torch.from_numpy((rows**2).sum(1)), parts)
    return np.concatenate(list(each.values()), axis=1), found


def test_readings_add_up_and_are_those_of_the_batches():
    rng = np.random.default_rng(0)
    drawn = [batch(rng) for _ in range(6)]
    blocks = GradientBlocks(3)
    for number, (_, found) in enumerate(drawn):
        blocks.add(number, found)
    readings = blocks.readings(population=1000, confidence=0.9)
    rows = [np.concatenate([drawn[k][0], drawn[k + 3][0]]) for k in range(3)]  # batches k and k + 3 share a block
    totals = np.stack([block.sum(0) for block in rows])
    expected = read_noise(np.array([(block**2).sum() for block in rows]), totals @ totals.T, np.full(3, 8.0),
                          population=1000, confidence=0.9)  # fmt: skip
    assert readings[ALL_LAYERS].trace == pytest.approx(expected.trace, rel=ALGEBRA)
    assert readings[ALL_LAYERS].scale_interval == pytest.approx(expected.scale_interval, rel=ALGEBRA)
    assert readings["one"].trace + readings["two"].trace == pytest.approx(expected.trace, rel=ALGEBRA)
    norms = np.concatenate([(rows**2).sum(1) for rows, _ in drawn])
    np.testing.assert_allclose(blocks.example_norms(), norms, rtol=ALGEBRA)


def test_gradients_that_are_not_finite_are_refused():
    found = {"one": LayerGradients(torch.tensor([1.0, float("nan")]), [torch.ones(2)])}
    with pytest.raises(InputError, match="finite gradients"):
        GradientBlocks(2).add(0, found)
