import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from tolerances import ALGEBRA, EXACT
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import InputError, ModelError
from leadline.training import BatchGrowth, Cosine, Objective, Recipe, order, train, train_ensemble

INPUTS, TARGETS = (torch.as_tensor(array) for array in load_digits(return_X_y=True))
DATA = INPUTS[:300] / 16, TARGETS[:300]
HELD_OUT = INPUTS[300:500] / 16, TARGETS[300:500]


def network(*middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 12), *middle, nn.ReLU(), nn.Linear(12, 10)).double()


def test_training_equals_a_plain_loop():
    model, twin = network(nn.BatchNorm1d(12)), network(nn.BatchNorm1d(12))
    recipe = Recipe(lr=0.1, epochs=2, batch_size=64, optimizer="adam", weight_decay=0.01, schedule=Cosine(), seed=5)
    trained = train(model, DATA, recipe)
    optimizer = torch.optim.Adam(twin.parameters(), lr=0.1, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    losses = []
    for epoch in range(2):
        for places in order(5, epoch, 300).split(64):
            loss = nn.functional.cross_entropy(twin(DATA[0][places]), DATA[1][places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    np.testing.assert_allclose(trained.history.loss[:, 0], losses, rtol=ALGEBRA)
    trained.load_into(model)
    torch.testing.assert_close(dict(model.state_dict()), dict(twin.state_dict()), rtol=ALGEBRA, atol=ALGEBRA)


def test_the_model_and_the_random_state_are_left_alone():
    model = network(nn.BatchNorm1d(12), nn.Dropout(0.5)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    train(model, DATA, Recipe(lr=0.1, epochs=1))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_same_seed_gives_the_same_bits_with_dropout():
    recipe = Recipe(lr=0.1, epochs=1, seed=1)
    one, other = (train(network(nn.Dropout(0.5)), DATA, recipe) for _ in range(2))
    third = train(network(nn.Dropout(0.5)), DATA, Recipe(lr=0.1, epochs=1, seed=2, order_seed=1))
    assert (one.history.loss == other.history.loss).all()
    assert (one.history.loss[0] != third.history.loss[0]).all()


def test_accumulation_changes_nothing_but_memory():
    whole, parts = (train(network(), DATA, Recipe(lr=0.1, epochs=1, accumulation=n)) for n in (1, 5))
    torch.testing.assert_close(whole.parameters(), parts.parameters(), rtol=ALGEBRA, atol=ALGEBRA)
    np.testing.assert_array_equal(whole.history.batch_size, parts.history.batch_size)


def test_batches_grow_on_schedule():
    recipe = Recipe(lr=0.1, epochs=3, batch_size=50, growth=BatchGrowth(factor=2.0, every=1))
    sizes = train(network(), DATA, recipe).history.batch_size[:, 0]
    assert sizes.tolist() == [50] * 6 + [100] * 3 + [200, 100]


def test_a_loader_and_arrays_in_its_order_train_alike():
    loader = DataLoader(TensorDataset(*DATA), batch_size=100)
    model, seen = network(), []
    train(model, loader, Recipe(lr=0.1, epochs=2, loss=recording(seen)))
    assert [len(targets) for targets in seen] == [100] * 6
    assert torch.equal(torch.cat(seen[:3]), DATA[1])


def recording(seen):
    def loss(outputs, targets):
        seen.append(targets)
        return nn.functional.cross_entropy(outputs, targets)

    return loss


def test_validation_is_that_of_the_trained_model_in_evaluation_mode():
    model = network(nn.BatchNorm1d(12), nn.Dropout(0.5))
    trained = train(model, DATA, Recipe(lr=0.3, epochs=3), validation=HELD_OUT, metrics=["accuracy"])
    trained.load_into(model)
    with torch.no_grad():
        outputs = model.eval()(HELD_OUT[0])
    history = trained.history
    assert history.metric_names == ("loss", "accuracy")
    assert history.evaluated_at[:, 0].tolist() == [5, 10, 15]
    expected = [nn.functional.cross_entropy(outputs, HELD_OUT[1]), (outputs.argmax(1) == HELD_OUT[1]).double().mean()]
    np.testing.assert_allclose(history.metrics[-1, 0], expected, rtol=ALGEBRA)


def test_a_diverged_run_stops_and_keeps_its_last_parameters():
    model = nn.Linear(64, 1).double()
    data = DATA[0], DATA[1].double().unsqueeze(1)
    trained = train(model, data, Recipe(lr=1e60, epochs=3, loss="mse"), validation=data)
    history, stop = trained.history, int(trained.history.diverged_at[0])
    assert 1 <= stop < 15
    assert history.diverged.tolist() == [True]
    assert len(history.loss) == stop + 1
    assert not math.isfinite(history.loss[-1, 0])
    shorter = train(model, data, Recipe(lr=1e60, steps=stop, loss="mse"))
    torch.testing.assert_close(trained.parameters(), shorter.parameters(), rtol=EXACT, atol=EXACT)


def test_float_images_train_in_channels_last_and_bfloat16():
    layer = nn.Conv2d(1, 4, 3)
    layouts = []
    model = nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))

    def note(module: nn.Conv2d, inputs, outputs):
        layouts.append((outputs.dtype, module.weight.is_contiguous(memory_format=torch.channels_last)))

    layer.register_forward_hook(note)
    data = DATA[0].view(-1, 1, 8, 8).numpy(), DATA[1].numpy()
    trained = train(model, data, Recipe(lr=0.1, steps=2, channels_last=True, autocast=True), device="cpu")
    assert set(layouts) == {(torch.bfloat16, True)}
    assert trained.parameters()["0.weight"].dtype == torch.float32


def test_objectives_of_the_whole_batch_can_be_trained_and_validated():
    objective = Objective("square", lambda model, batch: (model(batch[0])[:, 0] - batch[1]).square().mean())
    trained = train(network(), DATA, Recipe(lr=0.01, epochs=3, loss=objective), validation=DATA)
    assert trained.history.metrics[-1, 0, 0] < trained.history.metrics[0, 0, 0]


@pytest.mark.parametrize(
    ("model", "data", "options", "more", "message"),
    [
        (network().requires_grad_(False), DATA, {}, {}, "all frozen; set requires_grad_"),
        (network(), (DATA[0] * math.nan, DATA[1]), {}, {}, "NaN or infinite values in the inputs"),
        (network(), DATA, {"batch_size": 301}, {}, "batch size 301 for 300; pass batch_size=300"),
        (network(), DATA, {"loss": lambda out, y: out}, {}, "reduce it over the batch"),
        (network(), DATA, {}, {"validation": DATA, "metrics": ["f1"]}, "metrics among accuracy"),
        (network(), DATA, {}, {"metrics": ["accuracy"]}, "validation data to evaluate on, got accuracy without any"),
        (network(), DATA, {}, {"evaluate_every": 3}, "got evaluate_every=3 without any"),
        (network, DATA, {}, {}, "a torch module to train, got function; pass what it returns"),
        (network(), DATA, {}, {"device": "nowhere"}, "a device of this machine"),
        (
            network(),
            DATA,
            {"loss": Objective("o", lambda model, batch: model(batch[0]).mean())},
            {"validation": DATA, "metrics": ["accuracy"]},
            "leave metrics out",
        ),
        (network(), DataLoader(TensorDataset(DATA[0] * math.nan, DATA[1])), {}, {}, "NaN or infinite"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_bad_input(model, data, options, more, message):
    with pytest.raises(InputError, match=message):
        train(model, data, Recipe(lr=0.1, epochs=1, **options), **more)


def test_an_error_of_the_model_names_the_operation():
    with pytest.raises(ModelError, match="train: expected a model and a loss that take a batch of this data"):
        train(nn.Linear(3, 10), DATA, Recipe(lr=0.1, epochs=1))


def test_loading_into_another_architecture():
    trained = train(network(), DATA, Recipe(lr=0.1, steps=1))
    with pytest.raises(InputError, match="Linear with other parameter names or shapes"):
        trained.load_into(nn.Linear(64, 10))


def test_progress_goes_to_standard_error(capsys, monkeypatch):
    train(network(), DATA, Recipe(lr=0.1, steps=2), progress=True)
    assert capsys.readouterr() == ("", "")  # not a terminal
    monkeypatch.setenv("FORCE_COLOR", "1")
    train(network(), DATA, Recipe(lr=0.1, steps=2), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "training" in err


class Picky(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.layer, self.error = nn.Linear(3, 2), error

    def forward(self, x):
        raise self.error


@pytest.mark.parametrize("error", [AssertionError("no"), KeyError("no"), ZeroDivisionError("no")])
def test_whatever_the_model_raises_names_the_operation(error):
    data, recipe = (torch.ones(8, 3), torch.zeros(8, dtype=torch.long)), Recipe(lr=0.1, steps=2)
    with pytest.raises(ModelError, match=r"train: .*no"):
        train(Picky(error), data, recipe)
    with pytest.raises(ModelError, match=r"train\w*: .*no"):
        train_ensemble(lambda: Picky(error), data, [recipe] * 20)


def test_a_factory_that_raises_is_named():
    with pytest.raises(ModelError, match="a factory that makes a model, got ZeroDivisionError"):
        train_ensemble(lambda: nn.Linear(1 // 0, 1), (torch.ones(8, 3), torch.ones(8, 1)), [Recipe(lr=0.1, steps=2)])


def test_models_without_values_are_refused():
    with pytest.raises(InputError, match="parameters with values, got some on the meta device"):
        train(nn.Linear(3, 1, device="meta"), (torch.ones(8, 3), torch.ones(8, 1)), Recipe(lr=0.1, steps=2))


def test_training_where_the_caller_records_no_gradients_and_with_what_a_forward_pass_left():
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    data, recipe = (torch.ones(8, 3), torch.ones(8, 1)), Recipe(lr=0.1, steps=2, loss="mse")
    plain = train(model, data, recipe).parameters()["weight"]
    model.seen = model(data[0])  # as models do that keep activations to be looked at
    with torch.no_grad():
        assert torch.equal(train(model, data, recipe).parameters()["weight"], plain)


def test_objectives_see_the_parameters_that_are_trained():
    """A penalty in the objective is L2 decay."""

    def function(model, batch):
        squares = sum(parameter.square().sum() for parameter in model.parameters())
        return nn.functional.mse_loss(model(batch[0]), batch[1]) + 0.05 * squares

    torch.manual_seed(0)
    data = torch.randn(16, 3).double(), torch.randn(16, 1).double()
    recipe = Recipe(lr=0.1, steps=5, loss="mse")
    recipes = [replace(recipe, seed=seed) for seed in range(3)]
    make = lambda: nn.Linear(3, 1).double()  # noqa: E731
    decayed = train_ensemble(make, data, [replace(one, weight_decay=0.1) for one in recipes])
    for execution in ("mapped", "sequential"):
        found = train_ensemble(
            make, data, [replace(one, loss=Objective("penalized", function)) for one in recipes],
            validation=data, execution=execution,
        )  # fmt: skip
        for member in range(3):
            torch.testing.assert_close(found.parameters(member), decayed.parameters(member), rtol=1e-12, atol=1e-12)
