import numpy as np
import pytest

from leadline.core import InputError
from leadline.training import BatchGrowth, Exponential, Recipe, plan_of


def test_every_epoch_covers_the_data_once():
    plan = plan_of(Recipe(lr=0.1, epochs=3, batch_size=4), 10)
    assert [plan.size[plan.epoch == epoch].sum() for epoch in range(3)] == [10, 10, 10]
    np.testing.assert_array_equal(plan.start, [0, 4, 8] * 3)
    np.testing.assert_array_equal(plan.evaluated(), [False, False, True] * 3)


def test_steps_end_in_the_middle_of_an_epoch():
    plan = plan_of(Recipe(lr=0.1, steps=4, batch_size=4), 10)
    np.testing.assert_array_equal(plan.epoch, [0, 0, 0, 1])
    assert plan.evaluated().tolist() == [False, False, True, True]
    assert plan.evaluated(2).tolist() == [False, True, False, True]


def test_the_last_small_batch_can_be_dropped():
    assert plan_of(Recipe(lr=0.1, epochs=2, batch_size=4, drop_last=True), 10).size.tolist() == [4] * 4


def test_batches_grow_by_epoch_up_to_the_data():
    growth = BatchGrowth(factor=2.0, every=1)
    plan = plan_of(Recipe(lr=0.1, epochs=4, batch_size=4, growth=growth), 10)
    assert [plan.size[plan.epoch == epoch].max() for epoch in range(4)] == [4, 8, 10, 10]


def test_the_rate_of_every_step():
    plan = plan_of(Recipe(lr=0.2, steps=3, batch_size=1, schedule=Exponential(0.5)), 10)
    assert plan.lr.tolist() == [0.2, 0.1, 0.05]


def test_small_data_get_whole_batches_unless_a_size_is_asked_for():
    assert plan_of(Recipe(lr=0.1, epochs=1), 10).size.tolist() == [10]


def test_seeds_of_their_own():
    recipe = Recipe(lr=0.1, steps=1, seed=3, order_seed=5)
    assert (recipe.seed_for("init"), recipe.seed_for("order"), recipe.seed_for("noise")) == (3, 5, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected epochs or steps, got neither"),
        ({"epochs": 1, "steps": 1}, "got both"),
        ({"epochs": 0}, "epochs of at least 1"),
        ({"steps": 1, "batch_size": 0}, "batch_size of at least 1"),
        ({"steps": 1, "accumulation": 0}, "accumulation of at least 1"),
        ({"steps": 1, "label_noise": -0.1}, "label_noise of at least 0"),
        ({"steps": 1, "loss": "no such"}, "expected one of cross_entropy"),
        ({"steps": 1, "optimizer": "no such"}, "expected one of sgd"),
        ({"steps": 1, "momentum": 0.9}, "sgd has no momentum"),
        ({"steps": 5.5}, "a whole steps of at least 1, got 5.5"),
        ({"steps": 1, "lr": float("nan")}, "a finite lr of at least 0, got nan"),
        ({"steps": 1, "lr": -1.0}, "a finite lr of at least 0, got -1.0"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_bad_recipes(options, message):
    with pytest.raises(InputError, match=message):
        Recipe(**{"lr": 0.1, **options})


def test_a_schedule_of_the_wrong_shape():
    with pytest.raises(InputError, match="a factor for each of 3 steps"):
        plan_of(Recipe(lr=0.1, steps=3, schedule=lambda step, total: np.ones(2)), 10)


def test_a_batch_larger_than_the_data():
    with pytest.raises(InputError, match="batch size 11 for 10; pass batch_size=10 or less"):
        plan_of(Recipe(lr=0.1, epochs=1, batch_size=11), 10)
