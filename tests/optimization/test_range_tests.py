"""The range test: its ladder, its smoothing, its rules, the sweep beside it, and that it leaves no trace."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from tolerances import ALGEBRA
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import InputError
from leadline.data import embedded_set
from leadline.optimization import lr_range_test, lr_sweep
from leadline.optimization.range_rules import _valley, middle_of_three, read_accuracy, read_rules, smoothed
from leadline.training import Recipe, initialized, train


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    inputs, targets = load_digits(return_X_y=True)
    return torch.tensor(inputs / 16, dtype=torch.float32), torch.tensor(targets)


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def test_the_ladder_is_exact_and_each_run_is_training_at_these_rates() -> None:
    data = digits()
    test = lr_range_test(perceptron, data, lr_min=1e-4, lr_max=1.0, steps=40, seeds=[3, 5])
    np.testing.assert_allclose(test.lr, np.geomspace(1e-4, 1.0, 40), rtol=ALGEBRA)
    model = initialized(perceptron, 5)
    alone = train(model, data, Recipe(lr=1.0, steps=40, seed=5, schedule=lambda step, _: 1e-4 ** (1 - step / 39)))
    np.testing.assert_allclose(test.losses[:, 1], alone.history.loss[:, 0], rtol=1e-4)


def test_smoothing_keeps_a_constant_and_matches_its_definition() -> None:
    np.testing.assert_allclose(smoothed(np.full(50, 2.33), 0.98), 2.33, rtol=ALGEBRA)
    losses = np.random.default_rng(0).random(20)
    weights = 0.9 ** np.arange(20)
    for end in (1, 7, 20):
        recent = weights[:end][::-1]
        assert smoothed(losses, 0.9)[end - 1] == pytest.approx((recent * losses[:end]).sum() / recent.sum())


def test_rules_on_a_curve_made_by_hand() -> None:
    rates = np.geomspace(1e-4, 1e2, 61)  # ten rungs a decade
    place = np.arange(61)
    curve = np.interp(place, [0, 20, 40, 45, 50, 60], [2.0, 2.0, 0.5, 0.45, 0.5, 60.0])
    found = read_rules(rates, curve, 0.0).rates
    assert found["minimum / 10"] == pytest.approx(rates[45] / 10)
    assert found["lr_max"] == pytest.approx(rates[45])
    assert rates[20] < found["steepest"] < rates[40]
    assert found["lr_min"] == pytest.approx(rates[23])  # a tenth of the fall of 1.55, at 0.075 a rung
    assert found["last before divergence"] == pytest.approx(rates[50])  # the next rung is at 6.45
    assert rates[20] < found["valley"] < rates[45]


def test_the_valley_is_that_of_the_plain_quadratic_algorithm() -> None:
    generator = np.random.default_rng(2)
    for _ in range(20):
        losses = np.cumsum(generator.standard_normal(40) - 0.2)
        lengths, end, start = [1] * 40, 0, 0
        for i in range(1, 40):
            for j in range(i):
                if losses[i] < losses[j] and lengths[i] < lengths[j] + 1:
                    lengths[i] = lengths[j] + 1
            if lengths[i] > lengths[end]:
                end, start = i, i - lengths[i]
        third = (end - start) / 3
        assert _valley(losses) == max(start, 0) + int(third) + int(third / 2)


def test_a_flat_curve_gets_no_suggestion() -> None:
    noise = np.random.default_rng(1).standard_normal(200)
    for losses in (np.full(200, 2.3), 2.3 + 0.1 * noise):
        found = read_rules(np.geomspace(1e-6, 1, 200), losses, 0.95)
        assert all(math.isnan(rate) for rate in found.rates.values())
        assert "never falls" in found.why
    test = lr_range_test(perceptron, digits(), lr_min=1e-9, lr_max=1e-8, steps=60, seeds=3)
    assert test.suggestion() is None
    assert test.headline().startswith("no learning rate suggested")


def test_a_ladder_that_ends_too_low_says_so() -> None:
    test = lr_range_test(perceptron, digits(), lr_min=1e-4, lr_max=0.1, steps=100, seeds=3)
    assert test.suggestion() is None
    assert "raise it" in test.headline()
    assert test.suggestion("steepest") is not None


def fitted(name: str) -> tuple[nn.Module, tuple[np.ndarray, np.ndarray], str]:
    """A perceptron of its size, the data scaled, and the loss."""
    if name.startswith("sum"):
        inputs = np.random.default_rng(int(name[-1])).standard_normal((400, 6)).astype(np.float32)
        return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1)), (inputs, inputs.sum(1)[:, None]), "mse"
    chosen = embedded_set(name)
    inputs = (chosen.inputs / np.abs(chosen.inputs).max(0)).astype(np.float32)
    targets = chosen.targets if chosen.classes else ((chosen.targets - 152) / 77)[:, None].astype(np.float32)
    ends = len(np.unique(targets)) if chosen.classes else 1
    net = nn.Sequential(nn.Linear(inputs.shape[1], 32), nn.ReLU(), nn.Linear(32, ends))
    return net, (inputs, targets), "cross_entropy" if chosen.classes else "mse"


@pytest.mark.parametrize("name", ["sum 0", "sum 1", "sum 2", "wine", "breast-cancer", "diabetes-regression"])
def test_noise_at_the_bottom_of_the_ladder_is_not_taken_for_a_fall(name: str) -> None:
    """Rates from a millionth on do not train; where the average is one raw loss, noise falls steepest of all."""
    torch.manual_seed(0)
    test = lr_range_test(*fitted(name)[:2], loss=fitted(name)[2], seeds=6)
    best = test.suggestion("lr_max")
    assert best is not None
    for rule, least in (("steepest", best / 30), ("lr_min", best / 200)):
        low, high = test.spread(rule)
        assert least < low <= high < 2 * best
        assert high < 12 * low


def test_pure_noise_gets_no_suggestion_however_skewed_it_is() -> None:
    generator = np.random.default_rng(0)
    for freedom in (1, 4, 64):  # squared errors of so many examples
        readings = [
            read_rules(np.geomspace(1e-6, 1, 300), generator.chisquare(freedom, 300) / freedom, 0.96) for _ in range(50)
        ]
        assert np.mean([np.isfinite(list(one.rates.values())).any() for one in readings]) <= 0.15
        assert sum("never falls" in one.why for one in readings) > 40


def test_a_ladder_that_starts_too_high_says_so_and_suggests_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 4, generator=generator)
    data = inputs, inputs.sum(1, keepdim=True) + 0.1 * torch.randn(256, 1, generator=generator)
    torch.manual_seed(0)
    options: dict[str, Any] = {"loss": "half_mse", "lr_max": 1e3, "seeds": 3}
    diverging = lr_range_test(nn.Linear(4, 1), data, lr_min=1.6, **options)
    within_a_decade = lr_range_test(nn.Linear(4, 1), data, lr_min=0.2, **options)
    for test in (diverging, within_a_decade):
        assert test.suggestion() is None
        assert "lower lr_min" in test.headline()
    assert diverging.suggestion("steepest") is None
    fall = lr_range_test(nn.Linear(4, 1), data, lr_min=1e-5, **options)
    assert fall.lr[0] < (fall.suggestion() or 0)


def test_a_divergence_through_all_of_float64_is_read_like_any_other() -> None:
    rates = np.geomspace(1e-4, 1e2, 61)
    losses = np.interp(np.arange(61), [0, 20, 40, 61], [2.0, 2.0, 0.5, 0.5])
    losses[45:] = 10.0 ** np.linspace(1, 300, 16)
    assert read_rules(rates, losses, 0.5).rates["last before divergence"] == pytest.approx(rates[44])


def test_where_no_loss_is_finite_there_is_still_a_picture() -> None:
    data = 1e30 * torch.randn(64, 2), torch.randn(64, 1)
    test = lr_range_test(lambda: nn.Linear(2, 1), data, loss="half_mse", steps=20, seeds=2)
    assert "fewer than three finite losses" in test.headline()
    ax = Figure().subplots()
    test.plot(ax)
    assert [text.get_text() for text in ax.texts] == ["no finite loss"]


def test_accuracy_rules_on_a_curve_made_by_hand() -> None:
    rates, place = np.geomspace(1e-6, 1e2, 81), np.arange(81)  # ten rungs a decade
    curve = np.interp(place, [0, 20, 39, 60, 67, 80], [0.1, 0.1, 0.9, 0.9, 0.1, 0.1])
    found = read_accuracy(rates, curve).rates
    assert found["accuracy begins"] == pytest.approx(10 ** (-6 + 2.19))  # a tenth of nineteen rungs
    assert found["accuracy slows"] == pytest.approx(10 ** (-6 + 3.71))
    assert found["accuracy falls"] == pytest.approx(10 ** (-6 + 6.07))
    spiked = curve.copy()
    spiked[[5, 70]] = 0.9  # of no account where neighbours are looked at
    assert read_accuracy(rates, spiked).rates != found
    assert read_accuracy(rates, middle_of_three(spiked)).rates == pytest.approx(found, rel=0.05)
    cut = np.where(place < 50, curve, np.nan)  # diverged: the last rung before counts as the end
    assert read_accuracy(rates, cut).rates["accuracy falls"] == pytest.approx(rates[49])
    still = read_accuracy(rates[:50], curve[:50])
    assert math.isnan(still.rates["accuracy falls"])
    assert "raise it" in still.why
    flat = read_accuracy(rates, 0.1 + 0.02 * np.random.default_rng(3).random(81))
    assert all(math.isnan(rate) for rate in flat.rates.values())
    assert "rises by less than 10%" in flat.why
    assert "no reading" in read_accuracy(rates, np.full(81, np.nan)).why


def test_the_accuracy_along_the_ladder_is_that_of_the_model_trained_so_far() -> None:
    inputs, targets = digits()
    data, held_out = (inputs[:1200], targets[:1200]), (inputs[1200:], targets[1200:])
    test = lr_range_test(perceptron, data, lr_min=1e-3, lr_max=10.0, steps=130, seeds=[2, 4], validation=held_out)
    assert test.accuracy.shape == (65, 2)
    np.testing.assert_allclose(test.accuracy_lr, test.lr[1::2], rtol=ALGEBRA)
    model = initialized(perceptron, 4)
    schedule = Recipe(lr=10.0, steps=80, seed=4, schedule=lambda step, _: 1e-4 ** (1 - step / 129))
    train(model, data, schedule).load_into(model)
    expected = (model(inputs[1200:]).argmax(1) == targets[1200:]).float().mean().item()
    assert test.accuracy[39, 1] == pytest.approx(expected, abs=2e-3)  # one image of 597
    low, slows = test.suggestion("accuracy begins"), test.suggestion("accuracy slows")
    assert low is not None and slows is not None
    assert 1e-3 < low < slows < 10.0
    canvas = Figure().subplots()
    test.draw_accuracy(canvas, label="sgd")
    assert canvas.get_legend_handles_labels()[1] == ["sgd"]
    without = lr_range_test(perceptron, data, lr_min=1e-3, lr_max=10.0, steps=130, seeds=[2, 4])
    np.testing.assert_array_equal(test.losses, without.losses)
    assert without.accuracy.shape == (0, 2)
    assert "accuracy begins" not in without.rules


def test_accuracies_of_runs_of_different_length_are_lined_up() -> None:
    data = digits()
    loader = DataLoader(TensorDataset(*data), batch_size=100, shuffle=False)
    test = lr_range_test(
        lambda: nn.Linear(64, 10), loader, lr_min=1e-2, lr_max=1e38, steps=60, seeds=3, validation=data
    )
    assert max(test.diverged_at) > 0
    for seed, at in enumerate(test.diverged_at):
        assert np.isfinite(test.accuracy[: at if at >= 0 else None, seed]).all()
        assert at < 0 or np.isnan(test.accuracy[at:, seed]).all()


def test_a_run_stops_at_its_first_loss_that_is_not_finite() -> None:
    data = torch.randn(64, 2), torch.randn(64, 1)
    test = lr_range_test(lambda: nn.Linear(2, 1), data, loss="half_mse", lr_min=1e-3, lr_max=1e8, steps=100, seeds=3)
    for seed, at in enumerate(test.diverged_at):
        assert at > 0
        assert np.isfinite(test.losses[:at, seed]).all()
        assert np.isnan(test.losses[at:, seed]).all()
    assert test.suggestion("last before divergence") is not None


def test_suggestions_are_near_the_truth_on_digits() -> None:
    data = digits()
    test = lr_range_test(perceptron, data, steps=400, seeds=6)
    sweep = lr_sweep(perceptron, data, lrs=np.geomspace(0.01, 30, 12), steps=280, seeds=3)
    assert 0.1 < sweep.best_lr < 4
    by_rule = {one.rule: one for one in sweep.distances(test)}
    assert 0.1 < by_rule["minimum / 10"].factor < 3
    assert by_rule["minimum / 10"].loss < 3 * sweep.middle.min() + 0.1
    low, high = test.spread("minimum / 10")
    assert high / low < 10
    lr_min, lr_max = test.suggestion("lr_min"), test.suggestion("lr_max")
    assert lr_min is not None and lr_max is not None
    assert lr_min < sweep.best_lr < lr_max * 3


def test_training_afterwards_is_bit_identical_to_training_without_it() -> None:
    data = digits()

    def trained(probe: bool) -> list[torch.Tensor]:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for step in range(6):
            if probe and step == 3:
                lr_range_test(model, data, steps=20, seeds=2)
            index = torch.randint(0, len(data[0]), (32,))
            loss = nn.functional.cross_entropy(model(data[0][index]), data[1][index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [*model.state_dict().values(), torch.rand(3), torch.from_numpy(np.random.rand(3))]  # noqa: NPY002

    np.random.seed(0)  # noqa: NPY002
    without = trained(probe=False)
    np.random.seed(0)  # noqa: NPY002
    assert all(torch.equal(one, other) for one, other in zip(without, trained(probe=True), strict=True))


def test_a_loader_is_followed() -> None:
    inputs, targets = digits()
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=100)
    test = lr_range_test(perceptron, loader, steps=18, seeds=2)
    first = nn.functional.cross_entropy(initialized(perceptron, 0)(inputs[:100]), targets[:100])
    assert test.losses[0, 0] == pytest.approx(first.item(), rel=1e-5)


def test_a_sweep_marks_rates_that_diverge() -> None:
    data = torch.randn(64, 2), torch.randn(64, 1)
    sweep = lr_sweep(lambda: nn.Linear(2, 1), data, lrs=[0.1, 1e6], steps=100, loss="half_mse", validation=data)
    assert np.isinf(sweep.middle).tolist() == [False, True]
    assert sweep.measure == "validation loss"
    assert "1 of 2 rates diverge" in sweep.headline()
    lost = lr_sweep(lambda: nn.Linear(2, 1), data, lrs=[1e20, 1e25], steps=50, loss="half_mse", validation=data)
    assert np.isinf(lost.losses).all()
    assert math.isnan(lost.best_lr)
    assert "all 2 learning rates diverged" in lost.headline()
    assert lost.plot(Figure().subplots()).has_data()


BAD = {
    "ladder": (lambda d: lr_range_test(perceptron, d, lr_min=1.0, lr_max=0.1), "0 < lr_min < lr_max"),
    "loss not scalar": (
        lambda d: lr_range_test(perceptron, d, loss=lambda o, y: nn.functional.cross_entropy(o, y, reduction="none")),
        "scalar tensor"),
    "NaN": (lambda d: lr_range_test(perceptron, (d[0] * torch.nan, d[1])), "NaN or infinite values in the inputs"),
    "frozen": (lambda d: lr_range_test(lambda: perceptron().requires_grad_(False), d), "trainable parameters"),
    "batch": (lambda d: lr_range_test(perceptron, d, batch_size=5000), "no larger than the data"),
    "unknown loss": (lambda d: lr_range_test(perceptron, d, loss="entropy"), "one of cross_entropy"),
    "no rates": (lambda d: lr_sweep(perceptron, d, lrs=[]), "positive learning rates"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(InputError, match=message):
        call(digits())
