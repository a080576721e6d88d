"""Stale gradients: none is plain training, a written-out recursion, and the edge of stability."""

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.core import InputError
from leadline.optimization import AsynchronousHistory, stable_rate, staleness, train_asynchronously
from leadline.training import Recipe, train


@pytest.fixture
def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 3))


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(2)
    return torch.randn(40, 4, generator=generator), torch.randint(3, (40,), generator=generator)


def one_weight(value=1.0):
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(model.weight, value)
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_no_delay_is_plain_training_bit_for_bit(optimizer, perceptron, data):
    recipe = Recipe(lr=0.05, epochs=3, batch_size=16, optimizer=optimizer, weight_decay=0.01, seed=5)
    plain, late = train(perceptron, data, recipe), train_asynchronously(perceptron, data, recipe, delays=0)
    assert np.array_equal(plain.history.loss, late.history.loss)
    for kind in ("parameters", "buffers"):
        ours, theirs = getattr(late.states[0], kind), getattr(plain.states[0], kind)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_single_learner_has_no_delay(perceptron, data):
    recipe = Recipe(lr=0.05, epochs=2, batch_size=16)
    alone = train_asynchronously(perceptron, data, recipe, speeds={"only": 3.0})
    assert np.array_equal(alone.history.loss, train(perceptron, data, recipe).history.loss)


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize("delays", [1.5, (0, 2.5), float("nan"), "02", np.array([0, 3])])
def test_delays_that_are_not_whole_are_refused(delays):
    with pytest.raises(InputError, match="whole delays"):
        train_asynchronously(one_weight(), ([[1.0]], [[0.0]]), Recipe(lr=0.1, steps=2, loss="mse"), delays=delays)
    with pytest.raises(InputError, match="whole delay"):
        stable_rate(1.0, 1.5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("given", [{"delays": 2}, {"delays": [0, 3]}, {"speeds": {"a": 1.0, "b": 0.4, "c": 0.3}}])
def test_the_recursion_written_out(given):
    """w <- w - lr (w at its reading), the gradient of w^2/2."""
    recipe = Recipe(lr=0.3, steps=12, loss="half_mse")
    found = train_asynchronously(one_weight(), ([[1.0]], [[0.0]]), recipe, **given)
    assert isinstance(found.history, AsynchronousHistory)
    late = found.history.staleness
    weights = [1.0]
    for step in range(12):
        weights.append(weights[-1] - 0.3 * weights[step - late[step]])
    assert found.parameters()["weight"].item() == pytest.approx(weights[-1], rel=ALGEBRA)
    assert (late <= np.arange(12)).all()
    if given.get("delays") == 2:
        assert late.tolist() == [0, 1] + [2] * 10
    if "speeds" in given:
        assert tuple(late) == staleness(speeds=given["speeds"], pushes=12).values


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
@pytest.mark.parametrize("curvature", [1.0, 4.0])
def test_the_edge_of_stability_is_where_theory_has_it(delay, curvature):
    edge = stable_rate(curvature, delay)
    ends = {}
    for factor in (0.97, 1.03):
        recipe = Recipe(lr=factor * edge, steps=60 * (delay + 2), loss="half_mse")
        trained = train_asynchronously(one_weight(), ([[curvature**0.5]], [[0.0]]), recipe, delays=delay)
        loss = trained.history.loss[:, 0]
        ends[factor] = loss[-20:].max() / loss[20:60].max()
    assert ends[0.97] < 1 < ends[1.03]


def test_the_edge_is_where_a_root_meets_the_unit_circle():
    for delay in range(6):
        z = np.zeros(delay + 2)
        z[0], z[1] = 1.0, -1.0
        z[-1] += stable_rate(1.0, delay)  # z^(delay+1) - z^delay + lr
        assert np.abs(np.roots(z)).max() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.usefixtures("types_unchecked")  # the shape of no metrics at all does not survive JSON
def test_the_history_is_a_result():
    recipe = Recipe(lr=0.1, steps=6, loss="half_mse")
    history = train_asynchronously(one_weight(), ([[1.0]], [[0.0]]), recipe, delays=1).history
    assert "updates late" in history.headline()
    assert list(history.to_frame()["staleness_updates"]) == [0, 1, 1, 1, 1, 1]
    assert type(history).from_dict(history.to_dict()).to_dict() == history.to_dict()


def test_a_diverged_run_stops():
    recipe = Recipe(lr=1e30, steps=50, loss="half_mse")
    history = train_asynchronously(one_weight(), ([[1.0]], [[0.0]]), recipe, delays=1).history
    assert history.diverged[0]
    assert len(history.loss) < 50


def test_bad_input_is_refused(perceptron, data):
    recipe = Recipe(lr=0.1, steps=2)
    with pytest.raises(InputError, match="either delays or speeds, got neither"):
        train_asynchronously(perceptron, data, recipe)
    with pytest.raises(InputError, match="either delays or speeds, got both"):
        train_asynchronously(perceptron, data, recipe, delays=1, speeds={"a": 1.0})
    for delays in ((3, 1), -1, (-2, 3), (1, 2, 3), [0]):
        with pytest.raises(InputError, match="whole delays of at least 0"):
            train_asynchronously(perceptron, data, recipe, delays=delays)
    with pytest.raises(InputError, match="positive curvature"):
        stable_rate(-1.0, 2)


def test_without_delay_it_is_plain_training_in_channels_last_too():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.Flatten(), nn.Linear(864, 2))
    images = torch.randn(12, 3, 8, 8), torch.arange(12) % 2
    recipe = Recipe(lr=0.1, epochs=2, batch_size=4, channels_last=True)
    late, plain = train_asynchronously(model, images, recipe, delays=0), train(model, images, recipe)
    for name, value in plain.parameters().items():
        assert torch.equal(late.parameters()[name], value)
