"""What every instrument owes its user, asked of all of them."""

import io
import json
import pkgutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression
from torch import nn

import leadline
from leadline.architecture import check_shapes, count_formula, profile, receptive_field, solve_convolution
from leadline.core import LeadlineError, Result, numpy_generator, torch_generator
from leadline.evaluation import (
    ScoreHistogram,
    auroc_interval,
    bootstrap_intervals,
    compare_scores,
    count_confusion,
    one_vs_rest,
    precision_recall_curve,
    precision_recall_gain_curve,
    roc_curve,
    score_curves,
)
from leadline.generalization import (
    bias_variance,
    double_descent,
    least_absolute_deviations,
    linear_gaussian_fit,
    linear_regression_grid,
    teacher_student_risk,
)
from leadline.initialization import activation_gain, coordinate_check, signal_propagation
from leadline.optimization import (
    batch_variance,
    critical_batch_size,
    equivalent_decay,
    gradient_noise,
    hypergradient,
    implicit_bias,
    lr_range_test,
    lr_sweep,
    optimal_step,
    optimize_hyperparameters,
    staleness,
    train_asynchronously,
    worked_backprop,
)
from leadline.studies import checkup
from leadline.sweep import grid, sweep
from leadline.symmetry import flip, invariance, mirror, tie_weights
from leadline.training import Recipe, train, train_ensemble


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout())


def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.Sigmoid(), nn.Linear(2, 2)).double()


def regression() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(3, 1).double()


def filled_histogram() -> ScoreHistogram:
    histogram = ScoreHistogram(bits=12)
    histogram.update(LABELS, SCORES)
    return histogram


IMAGES = (2, 1, 8, 8)
PIXELS = torch.rand(IMAGES, generator=torch_generator("instruments", "pixels"))
TARGETS = torch.tensor([0.1, 0.2], dtype=torch.float64)
EXAMPLE = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
ROWS = torch.randn(12, 3, generator=torch_generator("instruments", "rows"), dtype=torch.float64)
EXAMPLES = (ROWS, ROWS.sum(1, keepdim=True) + 0.1)
FEW = (ROWS[:2], EXAMPLES[1][:2])
SHORT = Recipe(lr=0.01, steps=5, batch_size=4, loss="mse", optimizer="momentum")
STORES = tempfile.TemporaryDirectory()
LABELS = np.arange(60) % 3 == 0
SCORES = numpy_generator("instruments", "scores").normal(size=60) + LABELS

# Instruments that a module is given to: name -> (module, call).
ON_MODULES: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Result]]] = {
    "profile": (small_net, lambda net: profile(net, input_size=IMAGES)),
    "profile, cpu": (small_net, lambda net: profile(net, input_size=IMAGES, device="cpu")),
    "receptive_field": (small_net, lambda net: receptive_field(net, IMAGES)),
    "receptive_field, measured": (small_net, lambda net: receptive_field(net, IMAGES, measured=True)),
    "check_shapes": (small_net, lambda net: check_shapes(net, IMAGES, (2, 4, 4, 4))),
    "signal_propagation": (small_net, lambda net: signal_propagation(net, PIXELS)),
    "coordinate_check": (
        regression,
        lambda net: coordinate_check(
            lambda width: nn.Sequential(deepcopy(net), nn.Linear(1, width).double(), nn.Linear(width, 1).double()),
            EXAMPLES,
            SHORT,
            widths=(4, 8),
            draws=2,
        ),
    ),
    "invariance": (small_net, lambda net: invariance(net, flip(-1), PIXELS)),
    "gradient_noise": (regression, lambda net: gradient_noise(net, EXAMPLES, loss="mse", batch_size=4)),
    "lr_range_test": (
        regression,
        lambda net: lr_range_test(net, EXAMPLES, steps=40, seeds=2, batch_size=4, loss="mse"),
    ),
    "lr_sweep": (
        regression,
        lambda net: lr_sweep(net, EXAMPLES, lrs=[0.01, 0.1], steps=10, seeds=2, batch_size=4, loss="mse"),
    ),
    "batch_variance": (
        regression,
        lambda net: batch_variance(net, EXAMPLES, batch_sizes=[2, 4], draws=4, loss="mse"),
    ),
    "critical_batch_size": (
        regression,
        lambda net: critical_batch_size(
            net, EXAMPLES, target=0.5, batch_sizes=[2, 4], lrs=[0.05, 0.1], steps=20, seeds=2, loss="mse"
        ),
    ),
    "hypergradient": (regression, lambda net: hypergradient(net, EXAMPLES, SHORT)),
    "hypergradient, reverse": (regression, lambda net: hypergradient(net, EXAMPLES, SHORT, mode="reverse")),
    "optimize_hyperparameters": (regression, lambda net: optimize_hyperparameters(net, EXAMPLES, SHORT, rounds=3)),
    "equivalent_decay": (regression, lambda net: equivalent_decay(net, EXAMPLES, replace(SHORT, weight_decay=0.1))),
    "train_asynchronously": (regression, lambda net: train_asynchronously(net, EXAMPLES, SHORT, delays=2).history),
    "train_ensemble": (
        regression,
        lambda net: train_ensemble(lambda: deepcopy(net), EXAMPLES, [SHORT, replace(SHORT, seed=1)]).history,
    ),
    "optimal_step": (regression, lambda net: optimal_step(net, EXAMPLES)),
    "implicit_bias": (regression, lambda net: implicit_bias(net, FEW, replace(SHORT, batch_size=2))),
    "checkup": (regression, lambda net: checkup(net, EXAMPLES, batch_size=4)),
    "train": (regression, lambda net: train(net, EXAMPLES, SHORT).history),
    "worked_backprop": (perceptron, lambda net: worked_backprop(net, EXAMPLE, TARGETS, lr=0.1)),
}
OTHERS: dict[str, Callable[[], Result]] = {
    "count_formula": lambda: count_formula(lambda C: nn.Linear(3, C), {"C": (1, 6)}, input_size=(1, 3)),
    "solve_convolution": lambda: solve_convolution(32, 16, 5, stride=2),
    "roc_curve": lambda: roc_curve(LABELS, SCORES),
    "precision_recall_curve": lambda: precision_recall_curve(LABELS, SCORES),
    "precision_recall_gain_curve": lambda: precision_recall_gain_curve(LABELS, SCORES),
    "f_beta_calibration": lambda: precision_recall_gain_curve(LABELS, SCORES).f_beta_calibration(),
    "score_curves": lambda: score_curves(LABELS, SCORES),
    "count_confusion": lambda: count_confusion(LABELS, SCORES),
    "auroc_interval": lambda: auroc_interval(LABELS, SCORES),
    "bootstrap_intervals": lambda: bootstrap_intervals(LABELS, SCORES, replicates=20),
    "areas of a histogram": lambda: filled_histogram().areas(),
    "compare_scores": lambda: compare_scores(LABELS, {"one": SCORES, "other": SCORES[::-1].copy()}),
    "one_vs_rest": lambda: one_vs_rest(np.arange(60) % 3, numpy_generator("one vs rest").random((60, 3))),
    "activation_gain": lambda: activation_gain("gelu"),
    "bias_variance": lambda: bias_variance(
        LinearRegression, (ROWS.numpy(), SCORES[:12]), grid={"fit_intercept": [True, False]}, rounds=4
    ),
    "double_descent": lambda: double_descent(axis="width", values=(5, 20, 60), samples=20, seeds=2),
    "teacher_student_risk": lambda: teacher_student_risk(np.ones(5), samples=(3, 8, 20), noise_variance=0.1),
    "linear_regression_grid": lambda: linear_regression_grid(
        (ROWS.numpy(), EXAMPLES[1].numpy()[:, 0]), batch_sizes=[2], epochs=[2, 4], l2=[0.1]
    ),
    "linear_gaussian_fit": lambda: linear_gaussian_fit(ROWS.numpy(), SCORES[:12]),
    "least_absolute_deviations": lambda: least_absolute_deviations(ROWS.numpy(), SCORES[:12]),
    "sweep": lambda: sweep("math.exp2", grid(x=[1, 2]), store=f"{STORES.name}/runs.db"),
    "tie_weights": lambda: tie_weights(nn.Linear(4, 1), mirror()),
    "staleness": lambda: staleness(push_order=["a", "b", "a"]),
}
ALL = {name: (lambda build=build, call=call: call(build())) for name, (build, call) in ON_MODULES.items()} | OTHERS


@cache
def result_of(name: str) -> Result:
    """What an instrument gives, computed once for all that is asked of it."""
    return ALL[name]()


@pytest.fixture(params=ALL)
def result(request):
    return result_of(request.param)


def test_every_kind_of_result_is_asked():
    areas = [import_module(f"leadline.{one.name}") for one in pkgutil.iter_modules(leadline.__path__) if one.ispkg]
    exported = [getattr(area, name) for area in areas for name in getattr(area, "__all__", ())]
    kinds = {one for one in exported if isinstance(one, type) and issubclass(one, Result)}
    assert kinds - {type(result_of(name)) for name in ALL} == {Result}


def test_headline_is_one_line(result):
    assert result.headline().strip()
    assert "\n" not in result.headline()
    assert repr(result) == result.headline()


def test_frame_names_its_columns(result):
    frame = result.to_frame()
    assert len(frame)
    assert all(isinstance(column, str) and column.isascii() and " " not in column for column in frame.columns)


def test_plain_values_make_the_round_trip(result):
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert type(result).from_dict(plain).to_dict() == result.to_dict()
    assert not any(isinstance(value, torch.Tensor) for value in vars(result).values())


def test_drawing_changes_nothing_and_labels_its_axes(result):
    before = json.dumps(result.to_dict())
    ax = Figure().subplots()
    assert result.plot(ax) is ax
    assert ax.has_data() or ax.texts or ax.patches
    assert json.dumps(result.to_dict()) == before


def test_shows_itself_in_a_notebook_and_a_terminal(result):
    from rich.console import Console

    assert "<table" in result._repr_html_()
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(result)
    assert result.headline()[:20] in console.export_text()


def state_of(net: nn.Module) -> dict[str, Any]:
    return {
        "values": {name: value.clone() for name, value in net.state_dict().items()},
        "identities": [id(one) for one in (*net.parameters(), *net.buffers(), *net.modules())],
        "modes": [one.training for one in net.modules()],
        "requires_grad": [one.requires_grad for one in net.parameters()],
        "gradients": [one.grad for one in net.parameters()],
        "hooks": [len(one._forward_hooks) + len(one._forward_pre_hooks) for one in net.modules()],
        "attributes": [sorted(vars(one)) for one in net.modules()],
        "random": [*torch.get_rng_state().tolist(), int(np.random.get_state(legacy=False)["state"]["pos"])],  # noqa: NPY002
    }


def assert_untouched(before: dict[str, Any], net: nn.Module) -> None:
    after = state_of(net)
    values, now = before.pop("values"), after.pop("values")
    assert all(torch.equal(value, now[name]) for name, value in values.items())
    assert before == after


@pytest.mark.parametrize("name", ON_MODULES)
@pytest.mark.parametrize("training", [True, False])
def test_the_module_comes_back_untouched(name, training):
    build, call = ON_MODULES[name]
    net = build().train(training)
    list(net.parameters())[-1].requires_grad_(False)
    before = state_of(net)
    call(net)
    assert_untouched(before, net)


class Raises(nn.Module):
    def forward(self, _):
        raise RuntimeError("half-way")


@pytest.mark.parametrize("name", [name for name in ON_MODULES if ON_MODULES[name][0] is small_net])
def test_the_module_comes_back_untouched_when_it_raises(name):
    build, call = ON_MODULES[name]
    net = nn.Sequential(*build(), Raises())  # pyright: ignore[reportGeneralTypeIssues]
    before = state_of(net)
    try:
        outcome = call(net)
    except LeadlineError as error:
        assert "half-way" in str(error)
    else:  # an instrument whose answer is that the model breaks
        assert "half-way" in json.dumps(outcome.to_dict())
    assert_untouched(before, net)
