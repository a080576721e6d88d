"""Transforms against NumPy, and groups against their known orders."""

import numpy as np
import pytest
import torch

from leadline.core import InputError
from leadline.symmetry import flip, generated_by, mirror, permutation, quarter_turn, scaling, translation
from leadline.symmetry.transforms import elements

BATCH = torch.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("transform", "numpys"),
    [
        (scaling(-2.0), lambda x: -2 * x),
        (mirror(), lambda x: x[:, :, ::-1]),
        (flip(-2), lambda x: x[:, ::-1]),
        (permutation([2, 0, 1], axis=-2), lambda x: x[:, [2, 0, 1]]),
        (permutation([3, 0, 1, 2]), lambda x: x[:, :, [3, 0, 1, 2]]),
        (translation(1), lambda x: np.roll(x, 1, -1)),
        (translation(-1, axis=-2), lambda x: np.roll(x, -1, -2)),
        (translation(1, fill=7.0), lambda x: np.concatenate([np.full((2, 3, 1), 7.0), x[:, :, :3]], 2)),
        (translation(-2, fill=7.0), lambda x: np.concatenate([x[:, :, 2:], np.full((2, 3, 2), 7.0)], 2)),
        (quarter_turn(), lambda x: np.rot90(x, 1, (-2, -1))),
        (mirror().then(scaling(3)), lambda x: 3 * x[:, :, ::-1]),
    ],
)
def test_against_numpy(transform, numpys) -> None:
    before = BATCH.clone()
    np.testing.assert_array_equal(transform(BATCH).numpy(), numpys(BATCH.numpy()))
    assert torch.equal(BATCH, before)


@pytest.mark.parametrize(
    ("generators", "shape", "order"),
    [
        ([mirror()], (4, 4), 2),
        ([mirror(), flip(-2)], (4, 4), 4),
        ([quarter_turn()], (3, 3), 4),
        ([mirror(), quarter_turn()], (3, 3), 8),
        ([translation(1)], (7,), 7),
        ([translation(1), translation(1, axis=-2)], (3, 5), 15),
        ([permutation([1, 0, 2, 3]), permutation([1, 2, 3, 0])], (4,), 24),
        ([lambda batch: -batch], (4,), 2),
    ],
)
def test_orders_of_groups(generators, shape, order) -> None:
    found = elements(generated_by(*generators), shape=shape)
    assert len(found) + 1 == order
    probe = torch.randn(1, *shape)
    images = {tuple((one(probe) * 1).flatten().tolist()) for one, _ in found} | {tuple(probe.flatten().tolist())}
    assert len(images) == order  # the identity is left out, no element comes twice


def test_images_are_composed_alongside() -> None:
    group = generated_by(translation(1), scaling(-1))
    found = elements(group, shape=(3,), images=(scaling(1), scaling(-1)))
    probe, output = torch.randn(1, 3), torch.ones(1)
    assert len(found) == 5
    for one, image in found:
        assert image is not None
        moved, sign = one(probe), float(image(output))
        assert any(torch.equal(moved, sign * probe.roll(shift, -1)) for shift in range(3))


@pytest.mark.parametrize("order", [np.array([2, 0, 1]), torch.tensor([2, 0, 1]), list(np.array([2, 0, 1])), (2, 0, 1)])
def test_integers_of_any_kind_are_an_order(order) -> None:
    change = permutation(order)
    assert change.name == "axis -1 in the order 2 0 1"
    assert change(torch.tensor([[5, 6, 7]])).tolist() == [[7, 5, 6]]


@pytest.mark.parametrize(
    "make", [flip, lambda axis: permutation([1, 0], axis=axis), lambda axis: translation(1, axis=axis)]
)
def test_the_axis_of_the_examples_is_refused(make) -> None:
    with pytest.raises(InputError, match="an axis of each example, got axis 0"):
        make(0)


@pytest.mark.parametrize("change", [translation(1, fill=0), scaling(0), lambda x: x.clamp(min=0)])
def test_what_cannot_be_undone_generates_no_group(change) -> None:
    with pytest.raises(InputError, match="generated_by: expected transforms with inverses, got"):
        elements(generated_by(mirror(), change), shape=(3,))


def test_refusals() -> None:
    with pytest.raises(InputError, match="a group of at most 1000 elements, got more"):
        elements(generated_by(scaling(2)), shape=(2,))
    with pytest.raises(InputError, match=r"keep the shape \(2, 2, 3\), got turned by 90 degrees"):
        elements(generated_by(quarter_turn()), shape=(2, 3))
    with pytest.raises(InputError, match="each of 0, 1"):
        permutation([0, 2])
    with pytest.raises(InputError, match=r"3 places along axis -1, got shape \(2, 3, 4\)"):
        permutation([0, 2, 1])(BATCH)
    with pytest.raises(InputError, match="at least one transform"):
        generated_by()
