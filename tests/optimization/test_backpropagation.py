import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ALGEBRA
from torch import nn

from leadline.core import InputError, torch_generator
from leadline.optimization import WorkedBackpropagation, worked_backprop

PRINTED = 1e-5  # constants inside formulas are printed with six digits
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity, "silu": nn.SiLU,
    "leaky": lambda: nn.LeakyReLU(0.2), "elu": lambda: nn.ELU(0.7), "softplus": nn.Softplus,
    "softplus3": lambda: nn.Softplus(3.0, threshold=2.0), "gelu": nn.GELU, "gelu_tanh": lambda: nn.GELU("tanh"),
}  # fmt: skip
LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "half_squared_error": lambda o, t: ((o - t) ** 2).sum() / 2,
    "mean_squared_error": nn.functional.mse_loss,
    "cross_entropy": nn.functional.cross_entropy,
}


def network(widths: list[int], activations: list[str], name: str = "network", *, bias: bool = True) -> nn.Sequential:
    """Linear layers of these widths with an activation behind each, filled from a named seed, in float64."""
    modules: list[nn.Module] = []
    for fan_in, fan_out, activation in zip(widths, widths[1:], activations, strict=False):
        modules += [nn.Linear(fan_in, fan_out, bias=bias), ACTIVATIONS[activation]()]
    model, generator = nn.Sequential(*modules).double(), torch_generator(name)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64, generator=generator))
    return model


def linear(module: nn.Module) -> nn.Linear:
    assert isinstance(module, nn.Linear)
    return module


def slope(parameter: torch.Tensor) -> torch.Tensor:
    assert parameter.grad is not None
    return parameter.grad


def batch(examples: int, features: int, outputs: int, loss: str, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch_generator(name, "batch")
    x = torch.randn(examples, features, dtype=torch.float64, generator=generator)
    t = torch.randn(examples, outputs, dtype=torch.float64, generator=generator)
    return x, t.softmax(1) if loss == "cross_entropy" else t


def assert_equals_autograd(model: nn.Sequential, x: torch.Tensor, t: torch.Tensor, loss: str) -> None:
    """Every module's outputs, their derivatives, the parameters' derivatives and the SGD step."""
    values, value = [], x
    for module in model:
        value = module(value)
        value.retain_grad()
        values.append(value)
    error = LOSSES[loss](value, t)
    model.zero_grad()
    error.backward()
    names: dict[str, Any] = {str(place): [f"m{place}_{unit}" for unit in range(value.shape[1])]
                             for place, value in enumerate(values)}  # fmt: skip
    for key, parameter in model.named_parameters():
        labels = np.array([f"p{key.replace('.', '_')}_{entry}" for entry in range(parameter.numel())])
        names[key] = labels.reshape(parameter.shape)
    result = worked_backprop(model, x, t, 0.3, loss=loss, names=names)
    assert result["E"] == pytest.approx(error.item(), rel=ALGEBRA, abs=ALGEBRA)
    for place, value in enumerate(values):
        gradient = value.grad
        assert gradient is not None
        for (example, unit), expected in np.ndenumerate(value.detach().numpy()):
            name = f"m{place}_{unit}" + (f"[{example + 1}]" if len(x) > 1 else "")
            assert result[name] == pytest.approx(expected, rel=ALGEBRA, abs=ALGEBRA)
            assert result[f"dE/d{name}"] == pytest.approx(gradient[example, unit].item(), rel=ALGEBRA, abs=ALGEBRA)
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None
        found = [result.gradients[name] for name in names[key].flat]
        assert found == pytest.approx(parameter.grad.flatten().tolist(), rel=ALGEBRA, abs=ALGEBRA)
    torch.optim.SGD(model.parameters(), lr=0.3).step()
    for key, parameter in model.named_parameters():
        found = [result.updated[name] for name in names[key].flat]
        assert found == pytest.approx(parameter.flatten().tolist(), rel=ALGEBRA, abs=ALGEBRA)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_equals_autograd(activation, loss):
    model = network([3, 4, 2], [activation, activation], activation)
    assert_equals_autograd(model, *batch(3, 3, 2, loss, activation), loss)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(
    widths=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    activations=st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=4, max_size=4),
    loss=st.sampled_from(sorted(LOSSES)),
    examples=st.integers(1, 3),
    bias=st.booleans(),
)
def test_equals_autograd_for_any_network(widths, activations, loss, examples, bias):
    model = network(widths, activations, str(widths), bias=bias)
    assert_equals_autograd(model, *batch(examples, widths[0], widths[-1], loss, str(activations)), loss)


def test_local_derivatives_are_the_layers_jacobian():
    model = network([3, 4, 2], ["tanh", "silu"])
    x, t = batch(1, 3, 2, "half_squared_error", "local")
    result = worked_backprop(model, x[0], t[0], 0.1)
    hidden = model[:2](x[0])
    jacobian = torch.autograd.functional.jacobian(model[2:], hidden)
    found = [[result[f"do{o}/dh{h}"] for h in range(1, 5)] for o in (1, 2)]
    assert np.allclose(found, jacobian.numpy(), rtol=ALGEBRA, atol=ALGEBRA)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("shape", ["linear alone", "activations in a row", "activation first", "nested"])
def test_unusual_orders_of_modules(shape):
    torch_seeded = network([2, 3, 2], ["sigmoid", "tanh"], shape)
    first, act, second, last = torch_seeded
    model = {
        "linear alone": nn.Sequential(second),
        "activations in a row": nn.Sequential(first, act, nn.Tanh(), nn.GELU(), second),
        "activation first": nn.Sequential(nn.Tanh(), first, act, second),
        "nested": nn.Sequential(nn.Sequential(first, act), nn.Sequential(second, last)),
    }[shape]
    features = 3 if shape == "linear alone" else 2
    x, t = batch(2, features, 2, "half_squared_error", shape)
    result = worked_backprop(model, x, t, 0.1)
    LOSSES["half_squared_error"](model(x), t).backward()
    weights = [name for name in result.parameters if name[0] == "w"]
    biases = [name for name in result.parameters if name[0] == "b"]
    by_kind = [slope(parameter).flatten() for parameter in model.parameters()]
    for names, gradients in ((weights, by_kind[::2]), (biases, by_kind[1::2])):
        found = [result.gradients[name] for name in names]
        assert found == pytest.approx(torch.cat(gradients).tolist(), rel=ALGEBRA, abs=ALGEBRA)
    worked_backprop(nn.Linear(2, 1), [1.0, 2.0], [0.0], 0.1)  # a layer by itself needs no Sequential


def test_entries_of_one_name_are_one_parameter():
    model = network([2, 2, 2], ["sigmoid", "sigmoid"])
    below, above = linear(model[0]), linear(model[2])
    with torch.no_grad():
        below.bias.fill_(0.25)
        above.weight[0, 0] = below.weight[1, 1]
    names = {"0.bias": "b1", "0.weight": [["a", "b"], ["c", "shared"]], "2.weight": [["shared", "d"], ["e", "f"]]}
    x, t = batch(2, 2, 2, "mean_squared_error", "tied")
    result = worked_backprop(model, x, t, 0.1, loss="mean_squared_error", names=names)
    LOSSES["mean_squared_error"](model(x), t).backward()
    first, second, bias = (slope(parameter) for parameter in (below.weight, above.weight, below.bias))
    assert result["dE/db1"] == pytest.approx(bias.sum().item(), rel=ALGEBRA)
    assert result["dE/dshared"] == pytest.approx((first[1, 1] + second[0, 0]).item(), rel=ALGEBRA)
    assert result["shared'"] == pytest.approx(result["shared"] - 0.1 * result["dE/dshared"], rel=ALGEBRA)
    assert result.parameters.count("shared") == 1


def test_a_module_used_twice_is_tied_by_itself():
    layer = linear(network([2, 2], ["tanh"])[0])
    model = nn.Sequential(layer, nn.Tanh(), layer)
    x, t = batch(1, 2, 2, "half_squared_error", "twice")
    result = worked_backprop(model, x, t, 0.1, names={"2.bias": ["c1", "c2"]})
    LOSSES["half_squared_error"](model(x), t).backward()
    assert result.parameters == ("w1", "w2", "w3", "w4", "c1", "c2")
    expected = [*slope(layer.weight).flatten().tolist(), *slope(layer.bias).tolist()]
    assert list(result.gradients.values()) == pytest.approx(expected, rel=ALGEBRA)


def evaluate(formula: str, values: dict[str, float]) -> float:
    names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
    text = re.sub(rf"(?<!\w)({names})(?!\w)", lambda name: f"({values[name[0]]!r})", formula)
    text = text.replace("·", "*").replace("^", "**").replace("[", "(").replace("]", ")")
    functions = {
        "sigmoid": lambda z: 1 / (1 + math.exp(-z)), "tanh": math.tanh, "exp": math.exp, "log": math.log,
        "max": max, "min": min, "Phi": lambda z: (1 + math.erf(z / 2**0.5)) / 2,
        "phi": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    }  # fmt: skip
    return float(eval(text, functions))


# Not softplus3: beyond its threshold torch replaces the formula by z where the two are merely close.
@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softplus3"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_formula_gives_its_value(activation, loss):
    model = network([2, 3, 2], [activation, "identity"], activation)
    result = worked_backprop(model, *batch(2, 2, 2, loss, activation), 0.1, loss=loss)
    for step in result.steps:
        found = evaluate(step.formula, result.values)
        assert found == pytest.approx(step.value, rel=PRINTED, abs=PRINTED), step


def assert_is_mathematics(latex: str) -> None:
    from matplotlib.mathtext import MathTextParser

    assert latex.count("&") == 1
    MathTextParser("path").parse(f"${latex.replace('&', '')}$")  # raises on what it cannot read


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_latex_of_activations_is_mathematics(activation):
    result = worked_backprop(network([1, 1], [activation], activation), [-0.5], [1.0], 0.1)
    for step in result.steps:
        if step.name in ("o1", "do1/dnet_o1"):
            assert_is_mathematics(step.latex)


@pytest.mark.parametrize("loss", LOSSES)
def test_latex_is_mathematics(loss):
    result = worked_backprop(network([1, 1, 2], ["tanh"] * 2), *batch(2, 1, 2, loss, "latex"), 1e-7, loss=loss)
    for step in result.steps:
        if "[2]" not in step.name:  # the second example's are like the first's, and parsing is slow
            assert_is_mathematics(step.latex)
    latex = result.latex()
    assert latex.startswith(r"\begin{align*}") and latex.endswith(r"\end{align*}")
    assert latex.count(r"\\") == len(result.steps) - 1
    assert r"w_{1}' &= w_{1} - \eta \cdot \frac{\partial E}{\partial w_{1}}" in latex
    assert r"10^{-7}" in latex


def test_negative_numbers_stand_in_one_pair_of_parentheses():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Sigmoid())
    with torch.no_grad():
        linear(model[0]).weight.fill_(-2.0)
    first, second, *_ = worked_backprop(model, [1.0], [0.0], 0.1).steps
    assert (first.with_numbers, second.with_numbers) == ("(-2) · 1", "sigmoid(-2)")


def test_class_numbers_are_one_hot_targets():
    model = network([2, 3], ["identity"])
    x, _ = batch(2, 2, 3, "cross_entropy", "classes")
    by_number = worked_backprop(model, x, [2, 0], 0.1, loss="cross_entropy")
    by_one_hot = worked_backprop(model, x, [[0.0, 0, 1], [1, 0, 0]], 0.1, loss="cross_entropy")
    assert by_number.values == by_one_hot.values
    single = worked_backprop(model, x[0], 2, 0.1, loss="cross_entropy")
    assert single["E"] == pytest.approx(nn.functional.cross_entropy(model(x[0]), torch.tensor(2)).item(), rel=ALGEBRA)


def test_extreme_logits_stay_finite():
    model = nn.Sequential(nn.Linear(1, 2, bias=False)).double()
    with torch.no_grad():
        linear(model[0]).weight.copy_(torch.tensor([[1000.0], [-1000.0]], dtype=torch.float64))
    result = worked_backprop(model, [1.0], 1, 0.1, loss="cross_entropy")
    assert (result["E"], result["dE/do1"], result["dE/do2"]) == (2000.0, 1.0, -1.0)


def test_lists_arrays_and_tensors_are_the_same_numbers():
    model = network([2, 1], ["sigmoid"])
    results = [worked_backprop(model, convert([0.1, 0.3]), convert([0.7]), 0.1)
               for convert in (list, np.array, lambda one: torch.tensor(one, dtype=torch.float64))]  # fmt: skip
    assert results[0].values == results[1].values == results[2].values


def test_the_model_stays_as_it_was():
    model = network([2, 2], ["sigmoid"])
    linear(model[0]).bias.requires_grad_(False)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    worked_backprop(model, [1.0, 2.0], [0.0, 1.0], 0.5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == [True, False]
    assert all(p.grad is None for p in model.parameters()) and model.training


@pytest.fixture
def result() -> WorkedBackpropagation:
    return worked_backprop(network([3, 2, 2], ["sigmoid", "sigmoid"]), [1.0, 4.0, 5.0], [0.1, 0.05], 0.01)


def test_default_names(result):
    assert result.units == (("x1", "x2", "x3"), ("h1", "h2"), ("o1", "o2"))
    assert result.parameters == ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "w7", "w8", "w9", "w10", "b3", "b4")
    assert result.steps[0].formula == "w1 · x1 + w2 · x2 + w3 · x3 + b1"


def test_default_names_avoid_the_callers():
    given_names = worked_backprop(network([1, 2], ["tanh"]), [1.0], [0.0, 0.0], 0.1, names={"0.bias": ["w1", "b9"]})
    assert given_names.parameters == ("w2", "w3", "w1", "b9")


def test_forms_of_the_result(result):
    assert "\n" not in result.headline()
    frame = result.to_frame()
    assert list(frame.columns) == ["part", "quantity", "formula", "with_numbers", "value"]
    assert len(frame) == len(result.steps) == len(result.text().splitlines()) - 5
    assert WorkedBackpropagation.from_dict(result.to_dict()).to_dict() == result.to_dict()


def test_picture_shows_every_weight_and_changes_nothing(result):
    import matplotlib.pyplot as plt

    before = result.to_dict()
    ax = result.plot()
    written = " ".join(text.get_text() for text in ax.texts)
    for name in result.parameters:
        assert f"{name} = {result[name]:.4g}" in written
    assert all(f"{unit}\n" in written for layer in result.units for unit in layer)
    assert result.to_dict() == before
    large = worked_backprop(network([6, 6, 6], ["relu", "relu"]), *batch(2, 6, 6, "mean_squared_error", "large"), 0.1)
    assert len(large.plot().texts) == 18  # the units only: 84 labels would cover each other
    plt.close("all")


NEURON = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
REFUSED: list[tuple[nn.Module, Any, Any, dict[str, Any], str]] = [
    (nn.Conv1d(1, 1, 1), [1.0], [1.0], {}, "got a Conv1d"),
    (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), [1.0, 2.0], [1.0, 1.0], {}, "got a BatchNorm1d"),
    (nn.Sequential(nn.Tanh()), [1.0], [1.0], {}, "between one and 5000 weights"),
    (nn.Linear(100, 100), [1.0], [1.0], {}, "got 10100"),
    (nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 1)), [1.0, 2.0], [1.0], {}, "3 inputs"),
    (nn.Linear(1, 1, device="meta"), [1.0], [1.0], {}, "finite weights and biases in memory"),
    (NEURON, [1.0], [1.0], {}, r"inputs of shape \(2,\)"),
    (NEURON, [1.0, math.nan], [1.0], {}, "not all finite"),
    (NEURON, [["one", "two"]], [1.0], {}, "numbers as inputs"),
    (NEURON, [1.0, 2.0], [1.0, 2.0], {}, r"targets of shape \(1,\)"),
    (NEURON, [[1.0, 2.0]] * 2, [[1.0]], {}, "2 inputs and 1 targets"),
    (NEURON, [1.0, 2.0], [1.0], {"loss": "hinge"}, "got 'hinge'"),
    (NEURON, [1.0, 2.0], 3, {"loss": "cross_entropy"}, "class numbers from 0 to 0"),
    (NEURON, [1.0, 2.0], [0.4], {"loss": "cross_entropy"}, "adding up to 1"),
    (NEURON, [1.0, 2.0], [1.0], {"names": {"3": "h"}}, "'0.weight'"),
    (NEURON, [1.0, 2.0], [1.0], {"names": {"0.weight": ["a", "b"]}}, r"shape \(1, 2\)"),
    (NEURON, [1.0, 2.0], [1.0], {"names": {"inputs": ["x 1", "x2"]}}, "letters, digits"),
    (NEURON, [1.0, 2.0], [1.0], {"names": {"0.weight": "w"}}, "equal values where w stands"),
    (NEURON, [1.0, 2.0], [1.0], {"names": {"1": ["x1"]}}, "two quantities named 'x1'"),
]


@pytest.mark.parametrize(("model", "inputs", "targets", "options", "match"), REFUSED)
def test_refuses(model, inputs, targets, options, match):
    with pytest.raises(InputError, match=match):
        worked_backprop(model, inputs, targets, 0.1, **options)


def test_refuses_a_learning_rate_that_is_no_number():
    with pytest.raises(InputError, match="finite learning rate, got inf"):
        worked_backprop(NEURON, [1.0, 2.0], [1.0], math.inf)


def test_one_parameter_has_one_set_of_names():
    layer = nn.Linear(1, 1)
    with pytest.raises(InputError, match=r"other names in '1\.weight'"):
        worked_backprop(nn.Sequential(layer, layer), [1.0], [1.0], 0.1, names={"0.weight": "u", "1.weight": "v"})


def test_unknown_quantities_are_refused_with_near_names(result):
    with pytest.raises(InputError, match="dE/dw1"):
        result["dE/w1"]
