"""Blocks of hyper-parameters: what they cover, and what is refused."""

import numpy as np
import pytest
import torch

from leadline.core import InputError
from leadline.optimization import Block
from leadline.optimization.hyper_blocks import directions_of
from leadline.training import Recipe

RECIPE = Recipe(lr=0.5, steps=4, optimizer="momentum")
FACTORS = np.array([1.0, 0.5, 0.5, 0.25])


def test_labels_name_steps_and_parameters():
    assert Block("lr").label == "lr"
    assert Block("lr", 0, 5).label == "lr[0:5]"
    assert Block("momentum", parameters="2.").label == "momentum[2.]"


def test_a_block_moves_its_steps_and_parameters_only():
    along = directions_of(["lr", Block("lr", 1, 3, "b"), "momentum"], RECIPE, FACTORS, ["a", "b"])
    (first, places), (second, both) = along.groups
    assert (first, places) == (("a",), (0, 2))
    assert (second, both) == (("b",), (0, 1, 2))
    numbers = along.numbers(0, 4)
    assert numbers[:, 0].tolist() == [0, 1, 2, 3]
    assert along.names == ("lr", "momentum")
    assert numbers[:, 1:3].tolist() == [[0.5, 0.9], [0.25, 0.9], [0.25, 0.9], [0.125, 0.9]]
    slopes = numbers[:, 3:].reshape(4, 2, 2, 3)  # step, group, name, place
    assert slopes[0, 1, 0].tolist() == [1.0, 0.0, 0.0]
    assert slopes[1, 1, 0].tolist() == [0.5, 0.5, 0.0]
    assert slopes[1, 0, 0].tolist() == [0.5, 0.0, 0.0]
    assert slopes[3, 1, 1].tolist() == [0.0, 0.0, 1.0]
    np.testing.assert_array_equal(along.numbers(2, 4), numbers[2:])
    rows = torch.stack([*along.rows(1, torch.device("cpu"))])
    np.testing.assert_array_equal(rows, numbers[1:])
    assert along.values(3) == {"lr": 0.125, "momentum": 0.9, "weight_decay": 0.0, "dampening": 0.0}


@pytest.mark.parametrize(
    ("wrt", "message"),
    [
        ([], "at least one hyper-parameter"),
        (["beta1"], "wrt among lr, weight_decay, momentum, dampening"),
        ([Block("lr", 2, 9)], "a block of the 4 steps, got 2:9"),
        ([Block("lr", 3, 3)], "a block of the 4 steps, got 3:3"),
        ([Block("lr", parameters="c")], "a block of the parameters a, b"),
    ],
)
def test_what_the_run_does_not_have_is_refused(wrt, message):
    with pytest.raises(InputError, match=message):
        directions_of(wrt, RECIPE, FACTORS, ["a", "b"])
