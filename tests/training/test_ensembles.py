import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from tolerances import ALGEBRA, EXACT
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import InputError
from leadline.training import BatchGrowth, Cosine, Optimizer, Recipe, StepDecay, initialized, train, train_ensemble

INPUTS, TARGETS = (torch.as_tensor(array) for array in load_digits(return_X_y=True))
DATA = INPUTS[:200] / 16, TARGETS[:200]
HELD_OUT = INPUTS[200:300] / 16, TARGETS[200:300]


def plain():
    return nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)).double()


# No bias before batch norm: its gradient is zero but for rounding, which adam would blow up to full steps.
def normalized():
    return nn.Sequential(nn.Linear(64, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 10)).double()


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 3, 3, bias=False),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(108, 10),
    ).double()


def dropped():
    return nn.Sequential(nn.Linear(64, 8), nn.Dropout(0.5), nn.Linear(8, 10)).double()


def frozen():
    model = plain()
    model[0].requires_grad_(False)
    return model


RECIPES = [
    Recipe(lr=0.2, epochs=3, batch_size=32, optimizer="momentum", seed=0),
    Recipe(lr=0.1, epochs=3, batch_size=32, optimizer="momentum", seed=1, weight_decay=0.01, schedule=Cosine()),
    Recipe(lr=0.1, epochs=3, batch_size=32, optimizer="momentum", seed=2, label_noise=0.2, momentum=0.5),
    Recipe(lr=0.3, epochs=3, batch_size=50, optimizer="momentum", seed=3, init_seed=0),
    Recipe(lr=0.05, epochs=3, batch_size=32, optimizer=Optimizer("adam", decay="decoupled"), weight_decay=0.1),
    Recipe(lr=0.2, epochs=2, batch_size=32, optimizer="momentum", seed=4, order_seed=0),
    Recipe(lr=0.2, epochs=3, batch_size=25, growth=BatchGrowth(factor=2.0, every=1), schedule=StepDecay(5)),
]


def difference(one, other):
    """The largest difference between two states."""
    ours, theirs = ({**state.parameters, **state.buffers} for state in (one, other))
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


@pytest.mark.parametrize(
    ("factory", "execution"),
    [
        (plain, "batched"), (plain, "mapped"), (plain, "sequential"), (plain, None),
        (normalized, "mapped"), (convolutional, "mapped"), (frozen, "batched"), (frozen, "mapped"),
    ],
)  # fmt: skip
def test_an_ensemble_equals_its_members_trained_alone(factory, execution):
    options = {"validation": HELD_OUT, "metrics": ["accuracy"]}
    together = train_ensemble(factory, DATA, RECIPES, execution=execution, **options)
    for member, recipe in enumerate(RECIPES):
        model = initialized(factory, recipe.seed_for("init"))
        alone = train(model, DATA, recipe, **options)
        assert difference(together.states[member], alone.states[0]) < ALGEBRA
        steps = len(alone.history.loss)
        for ours, theirs in (
            (together.history.loss, alone.history.loss),
            (together.history.lr, alone.history.lr),
            (together.history.batch_size, alone.history.batch_size),
        ):
            np.testing.assert_allclose(ours[:steps, member], theirs[:, 0], rtol=1e3 * ALGEBRA)
        evaluations = len(alone.history.metrics)
        np.testing.assert_allclose(
            together.history.metrics[:evaluations, member], alone.history.metrics[:, 0], rtol=1e3 * ALGEBRA
        )


def odd():
    return nn.Sequential(nn.Linear(64, 7), nn.GELU(), nn.Linear(7, 10)).double()  # nothing is aligned by itself


def wild(lr):
    """Recipes of which the second and the last diverge."""
    rates = (0.01, lr, 0.02, 0.03, lr)
    return [Recipe(lr=rate, epochs=2, batch_size=32, loss="mse", seed=seed) for seed, rate in enumerate(rates)]


VALUES = DATA[0], nn.functional.one_hot(DATA[1], 10).double()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("factory", "execution"),
    [(plain, "batched"), (odd, "batched"), (plain, "mapped"), (normalized, "mapped"), (plain, "sequential")],
)
def test_a_diverged_member_leaves_its_neighbours_bit_identical(factory, execution, dtype):
    make = lambda: factory().to(dtype)  # noqa: E731
    recipes = wild(1e30)
    everyone = train_ensemble(make, VALUES, recipes, execution=execution)
    assert everyone.history.diverged.tolist() == [False, True, False, False, True]
    calm = [0, 2, 3]
    without = train_ensemble(make, VALUES, [recipes[member] for member in calm], execution=execution)
    for place, member in enumerate(calm):
        assert difference(everyone.states[member], without.states[place]) == EXACT
        assert (everyone.history.loss[:, member] == without.history.loss[:, place]).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_last_of_a_pair_is_bit_identical_to_itself_alone(threads):
    torch.set_num_threads(threads)
    try:
        pair = train_ensemble(plain, VALUES, wild(1e30)[:2], execution="batched")
        alone = train_ensemble(plain, VALUES, wild(1e30)[:1], execution="batched")
    finally:
        torch.set_num_threads(1)
    assert pair.history.diverged.tolist() == [False, True]
    assert difference(pair.states[0], alone.states[0]) == EXACT


@pytest.mark.parametrize("execution", ["batched", "mapped"])
def test_a_diverged_member_is_frozen_as_alone(execution):
    recipes = wild(1e30)
    together = train_ensemble(plain, VALUES, recipes, execution=execution)
    for member in (1, 4):
        alone = train(initialized(plain, member), VALUES, recipes[member])
        assert together.history.diverged_at[member] == alone.history.diverged_at[0]
        for name, value in alone.parameters().items():
            torch.testing.assert_close(together.parameters(member)[name], value, rtol=1e3 * ALGEBRA, atol=ALGEBRA)


def test_an_ensemble_may_diverge_altogether():
    trained = train_ensemble(plain, VALUES, [wild(1e30)[1]] * 3, validation=VALUES)
    assert trained.history.diverged.all()
    assert "3 diverged" in trained.history.headline()


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.permutations(range(5)), st.integers(1, 5), st.sampled_from([plain, normalized]))
def test_permuting_members_permutes_results(places, chunk, factory):
    recipes = [Recipe(lr=0.1 * (k + 1), epochs=1, batch_size=40 + k % 2, seed=k, label_noise=0.1 * k) for k in range(5)]
    straight = train_ensemble(factory, DATA, recipes, chunk=chunk)
    permuted = train_ensemble(factory, DATA, [recipes[place] for place in places], chunk=chunk)
    for position, place in enumerate(places):
        assert difference(permuted.states[position], straight.states[place]) < ALGEBRA
    np.testing.assert_allclose(permuted.history.loss, straight.history.loss[:, list(places)], rtol=1e3 * ALGEBRA)


def test_dropout_differs_between_members():
    twins = [Recipe(lr=0.1, epochs=1, seed=0)] * 3
    losses = train_ensemble(dropped, DATA, twins, execution="mapped").history.loss[0]
    assert len(set(losses.tolist())) == 3


def test_what_draws_random_numbers_trains_as_if_alone():
    recipes = [Recipe(lr=lr, steps=60, optimizer="momentum", seed=seed) for seed, lr in enumerate([0.1, 1e300, 0.1])]
    together = train_ensemble(dropped, DATA, recipes)
    assert together.history.execution == "one after the other"
    assert "draws random numbers" in together.history.caveats[0]
    assert together.history.diverged_at[1] >= 0
    for member in (0, 2):
        solo = train(initialized(dropped, recipes[member].seed), DATA, recipes[member])
        np.testing.assert_array_equal(together.history.loss[:, member], solo.history.loss[:, 0])


def test_chunks_do_not_change_the_results():
    recipes = [Recipe(lr=0.1, epochs=1, seed=seed) for seed in range(5)]
    whole, parts = (train_ensemble(plain, DATA, recipes, chunk=chunk) for chunk in (5, 2))
    assert max(difference(a, b) for a, b in zip(whole.states, parts.states, strict=True)) == EXACT


def test_the_engine_says_what_it_chose():
    recipes = [Recipe(lr=0.1, epochs=1, seed=seed) for seed in range(3)]
    assert "batched matrix products" in train_ensemble(plain, DATA, recipes).history.execution
    history = train_ensemble(plain, DATA, recipes, execution="mapped", chunk=2).history
    assert history.execution == "vmap, up to 2 of 3 members at a time"
    assert train_ensemble(normalized, DATA, recipes[:1]).history.execution == "one after the other"


class Branching(nn.Module):
    """A model that vmap refuses."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, inputs):
        outputs = self.layer(inputs)
        return outputs if outputs.sum().item() > 0 else 2 * outputs


def test_what_vmap_refuses_is_trained_one_after_the_other():
    recipes = [Recipe(lr=0.1, steps=60, seed=seed) for seed in range(2)]
    history = train_ensemble(Branching, DATA, recipes).history
    assert history.execution == "one after the other"
    assert "vmap cannot run this model" in history.caveats[0]


def test_a_dataset_trains_like_its_arrays():
    recipes = [Recipe(lr=0.1, epochs=1, seed=seed) for seed in range(2)]

    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return 200

        def __getitem__(self, place):
            return DATA[0][place], DATA[1][place]

    ours = train_ensemble(plain, Pairs(), recipes, execution="mapped")
    theirs = train_ensemble(plain, DATA, recipes, execution="mapped")
    assert difference(ours.states[1], theirs.states[1]) == EXACT


def test_a_dataset_with_nan_is_refused_when_met():
    class Spoiled(torch.utils.data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, place):
            return DATA[0][place] * torch.nan, DATA[1][place]

    with pytest.raises(InputError, match="NaN or infinite values in the inputs"):
        train_ensemble(plain, Spoiled(), [Recipe(lr=0.1, steps=1)] * 2, execution="mapped")


def test_members_can_be_loaded():
    recipes = [Recipe(lr=0.1, epochs=1, seed=seed) for seed in range(3)]
    trained, model = train_ensemble(normalized, DATA, recipes), normalized()
    trained.load_into(model, member=2)
    assert difference(trained.states[2], train(initialized(normalized, 2), DATA, recipes[2]).states[0]) < ALGEBRA
    assert torch.equal(dict(model.named_parameters())["0.weight"], trained.parameters(2)["0.weight"])


@pytest.mark.parametrize(
    ("data", "recipes", "options", "message"),
    [
        (DATA, [], {}, "got no recipes"),
        (DATA, RECIPES[:1], {"execution": "parallel"}, "execution among sequential, mapped, batched"),
        (DATA, RECIPES[:1], {"chunk": 0}, "chunk=0"),
        (DataLoader(TensorDataset(*DATA)), RECIPES[:1], {}, "pass loader.dataset"),
        ((DATA[0] * torch.nan, DATA[1]), RECIPES[:1], {}, "NaN"),
    ],
)
def test_bad_input(data, recipes, options, message):
    with pytest.raises(InputError, match=message):
        train_ensemble(plain, data, recipes, **options)


def test_batched_products_are_refused_where_they_do_not_apply():
    with pytest.raises(InputError, match="leave execution out"):
        train_ensemble(normalized, DATA, RECIPES[:2], execution="batched")


def test_short_runs_are_not_measured():
    recipes = [Recipe(lr=0.1, steps=2, seed=seed, batch_size=37) for seed in range(2)]
    assert train_ensemble(normalized, DATA, recipes).history.execution == "one after the other"


@pytest.mark.parametrize("execution", ["mapped", "sequential"])
def test_evaluations_may_come_every_few_steps(execution):
    recipes = [Recipe(lr=0.1, steps=7, seed=seed) for seed in range(2)]
    trained = train_ensemble(plain, DATA, recipes, validation=HELD_OUT, evaluate_every=3, execution=execution)
    assert trained.history.evaluated_at.tolist() == [[3, 3], [6, 6], [7, 7]]


def test_what_prints_alike_is_not_taken_for_the_same_model():
    """As when a notebook's cell is run again after a change."""

    def net(drops):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.norm = nn.Linear(4, 3), nn.LayerNorm(3)

            def forward(self, x):
                outputs = self.norm(self.layer(x))
                return nn.functional.dropout(outputs, 0.5, self.training) if drops else outputs

        return Net

    data = torch.randn(64, 4, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 3
    recipes = [Recipe(lr=0.1, epochs=20, batch_size=16, seed=seed) for seed in range(16)]
    train_ensemble(net(False), data, recipes)
    history = train_ensemble(net(True), data, recipes).history
    assert history.execution == "one after the other"
    assert "draws random numbers" in history.caveats[0]
