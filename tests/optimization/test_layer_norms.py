"""Per-example gradient norms against a backward pass per example, for every kind of layer."""

from collections.abc import Callable

import pytest
import torch
from tolerances import AUTOGRAD
from torch import nn
from torch.utils.checkpoint import checkpoint

from leadline.core import InputError, borrow
from leadline.optimization.example_gradients import ExampleGradients
from leadline.training import Objective, objective_of

N = 5


class Applied(nn.Module):
    """A layer between two linear maps, summed over all axes but the first and last."""

    def __init__(self, layer: nn.Module, change: Callable = lambda x: x) -> None:
        super().__init__()
        self.layer, self.change = layer, change

    def forward(self, x):
        return self.layer(self.change(x)).flatten(1)[:, :3].tanh()


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.outer(self.inner(self.inner(x).tanh()))


class Functional(nn.Module):
    """Uses a layer's weight once by calling it and once behind its back."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return nn.functional.linear(self.layer(x), self.layer.weight)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.out = nn.Embedding(6, 4), nn.Linear(4, 6, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, x):
        return self.out(self.embedding(x).mean(1))


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale, self.layer = nn.Parameter(torch.randn(4)), nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x * self.scale)


class TimeFirst(nn.Module):
    """A layer whose first axis is as long as the batch and is not that of the examples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x.transpose(0, 1)).tanh().transpose(0, 1).sum(1)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = nn.LSTM(4, 3, batch_first=True), nn.Linear(3, 3)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])


class Squared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.form = nn.Bilinear(4, 4, 3)

    def forward(self, x):
        return self.form(x, x.flip(1))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.used(x)


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 3)
        self.first.requires_grad_(False)
        self.second.weight.requires_grad_(False)

    def forward(self, x):
        return self.second(self.first(x).relu_())


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.temperature = nn.Linear(4, 3), nn.Parameter(torch.tensor(0.7))

    def forward(self, x):
        return self.layer(x) * self.temperature


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.second(checkpoint(lambda x: self.first(x).tanh(), x, use_reentrant=False))


def rows(*shape: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randn(N, *shape)


def words(length: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randint(0, 6, (N, length))


def image(layer: nn.Module) -> tuple[nn.Module, Callable[[], torch.Tensor]]:
    return Applied(layer), rows(4, 6, 7)


# name -> (model and inputs, layers that must go by a rule)
CASES: dict[str, tuple[Callable[[], tuple[nn.Module, Callable[[], torch.Tensor]]], int]] = {
    "linear": (lambda: (nn.Linear(4, 3), rows(4)), 1),
    "linear without bias": (lambda: (nn.Linear(4, 3, bias=False), rows(4)), 1),
    "linear, in place activation": (
        lambda: (nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 3)), rows(4)), 2),
    "linear on few places": (lambda: (Applied(nn.Linear(8, 8)), rows(2, 8)), 1),
    "linear on many places": (lambda: (Applied(nn.Linear(4, 3)), rows(9, 4)), 1),
    "linear called twice": (lambda: (Twice(), rows(4)), 2),
    "convolution": (lambda: image(nn.Conv2d(4, 3, 3)), 1),
    "convolution with everything": (
        lambda: image(nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 2), groups=2)), 1),
    "depthwise convolution": (lambda: image(nn.Conv2d(4, 4, 3, groups=4, bias=False)), 1),
    "convolution on few places": (lambda: (Applied(nn.Conv2d(4, 16, 3)), rows(4, 4, 4)), 1),
    "convolution, channels last": (
        lambda: (Applied(nn.Conv2d(4, 3, 3), lambda x: x.to(memory_format=torch.channels_last)), rows(4, 6, 7)), 1),
    "convolution on many numbers": (lambda: (Applied(nn.Conv2d(9, 3, 3)), rows(9, 40, 40)), 1),
    "convolution in one dimension": (
        lambda: (Applied(nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2)), rows(4, 9)), 1),
    "circular padding": (lambda: image(nn.Conv2d(4, 3, 3, padding=1, padding_mode="circular")), 0),
    "same padding": (lambda: image(nn.Conv2d(4, 3, 3, padding="same")), 0),
    "transposed convolution": (lambda: image(nn.ConvTranspose2d(4, 3, 3)), 0),
    "embedding": (lambda: (Applied(nn.Embedding(6, 4)), words(7)), 1),
    "embedding with padding": (lambda: (Applied(nn.Embedding(6, 4, padding_idx=2)), words(7)), 1),
    "embedding of one word": (lambda: (Applied(nn.Embedding(6, 4), lambda x: x[:, 0]), words(1)), 1),
    "embedding tied to the output": (lambda: (Tied(), words(7)), 0),
    "layer norm": (lambda: (nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3)), rows(4)), 1),
    "group norm": (lambda: image(nn.GroupNorm(2, 4)), 0),
    "batch norm": (lambda: (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), rows(4)), 1),
    "prelu": (lambda: (nn.Sequential(nn.Linear(4, 3), nn.PReLU()), rows(4)), 1),
    "bilinear": (lambda: (Squared(), rows(4)), 0),
    "attention": (lambda: (Applied(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)), rows(3, 4)), 2),
    "lstm": (lambda: (Recurrent(), rows(3, 4)), 1),
    "bare parameter": (lambda: (Bare(), rows(4)), 1),
    "weight used behind the layer's back": (lambda: (Functional(), rows(4)), 0),
    "examples not first": (lambda: (TimeFirst(), rows(N, 4)), 0),
    "weight norm": (lambda: (nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), rows(4)), 0),
    "layer without effect": (lambda: (Unused(), rows(4)), 2),
    "frozen parts": (lambda: (Frozen(), rows(4)), 1),
    "parameter without axes": (lambda: (Scaled(), rows(4)), 1),
    "checkpointed layer": (lambda: (Checkpointed(), rows(4)), 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_norms_are_those_of_a_backward_pass_per_example(name: str) -> None:
    torch.manual_seed(0)
    build, ruled = CASES[name]
    model, draw = build()
    model = model.double().eval()
    inputs = draw()
    inputs = inputs.double() if inputs.dtype.is_floating_point else inputs
    batch = (inputs, torch.randint(0, 3, (N,)))
    objective = objective_of("cross_entropy")
    with borrow(model):
        gradients = ExampleGradients(model, objective)
        found = gradients.of(batch)
        assert len(gradients.ruled) == ruled, gradients.ruled
    trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert sorted(n for names in gradients.layers.values() for n in names) == sorted(trainable)
    for path, names in gradients.layers.items():
        wanted = [model.get_parameter(one) for one in names]
        each = []
        for place in range(N):
            loss = objective(model, [array[place : place + 1] for array in batch])
            parts = torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)
            each.append(torch.cat([part.flatten() for part in parts]))
        true = torch.stack(each)
        torch.testing.assert_close(found[path].norms, true.square().sum(1), rtol=AUTOGRAD, atol=AUTOGRAD)
        torch.testing.assert_close(found[path].total, true.sum(0), rtol=AUTOGRAD, atol=AUTOGRAD)


def test_what_vmap_cannot_run_is_computed_by_a_loop() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3, dtype=torch.float64))

        def forward(self, x):
            return x * self.scale if x.sum().item() > 0 else x * self.scale**2

    model, batch = Branching(), (torch.ones(2, 3, dtype=torch.float64), torch.tensor([0, 1]))
    gradients = ExampleGradients(model, objective_of("cross_entropy"))
    found = gradients.of(batch)
    assert not gradients.mapped
    torch.testing.assert_close(found[""].norms, torch.full((2,), 2 / 3, dtype=torch.float64))  # (1/3 - 1)^2 + 2/9


@pytest.mark.parametrize(
    "loss",
    [lambda out, y: nn.functional.cross_entropy(out, y, reduction="sum"),
     lambda out, y: nn.functional.cross_entropy(out, y, weight=torch.tensor([1.0, 5.0, 2.0], dtype=torch.float64))],
    ids=["sum", "class weights"],
)  # fmt: skip
def test_a_loss_that_is_no_mean_over_examples_is_refused(loss) -> None:
    torch.manual_seed(0)
    batch = torch.randn(4, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 1])
    gradients = ExampleGradients(nn.Linear(4, 3).double(), objective_of(loss))
    with pytest.raises(InputError, match="mean of its examples' own losses"):
        gradients.of(batch)


def test_targets_that_a_later_batch_ignores_are_refused() -> None:
    torch.manual_seed(0)
    gradients = ExampleGradients(nn.Linear(4, 3), objective_of("cross_entropy"))
    gradients.of((torch.randn(4, 4), torch.tensor([0, 1, 2, 1])))
    with pytest.raises(InputError, match="no ignored targets"):
        gradients.of((torch.randn(4, 4), torch.tensor([0, -100, 2, 1])))


class Routed(nn.Module):
    """Only examples with a positive first feature pass the second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        outputs, chosen = self.first(x), x[:, 0] > 0
        return outputs.index_add(0, chosen.nonzero()[:, 0], self.second(x[chosen]))


def test_a_layer_that_a_later_batch_calls_with_other_rows_loses_its_rule() -> None:
    torch.manual_seed(0)
    model, inputs, targets = Routed().double(), torch.randn(4, 4).double(), torch.tensor([0, 1, 2, 1])
    objective = objective_of("cross_entropy")
    with borrow(model):
        gradients = ExampleGradients(model, objective)
        gradients.of((inputs.abs(), targets))
        assert gradients.unruled == []
        mixed = inputs.abs() * torch.tensor([[-1.0], [1], [1], [1]])
        found = gradients.of((mixed, targets))
        assert gradients.unruled == ["second"]
    loss = nn.functional.cross_entropy(model(mixed), targets, reduction="none")
    for place in range(4):
        parts = torch.autograd.grad(loss[place], list(model.second.parameters()), retain_graph=True)
        true = sum(float(part.square().sum()) for part in parts)
        assert float(found["second"].norms[place]) == pytest.approx(true, rel=AUTOGRAD, abs=AUTOGRAD)


def test_an_objective_that_looks_at_the_module_itself() -> None:
    """A penalty on weights that vmap has not put in their place."""
    torch.manual_seed(0)
    model, batch = Bare().double(), (torch.randn(3, 4).double(), torch.tensor([0, 1, 2]))
    parameters = list(model.parameters())

    def function(called, given):
        return nn.functional.cross_entropy(called(given[0]), given[1]) + 5 * sum(p.square().sum() for p in parameters)

    objective = Objective("penalized", function)
    with borrow(model):
        gradients = ExampleGradients(model, objective)
        found = gradients.of(batch)
    assert not gradients.mapped
    for place in range(3):
        loss = function(model, [array[place : place + 1] for array in batch])
        true = sum(float(g.square().sum()) for g in torch.autograd.grad(loss, parameters))
        norms = sum(layer.norms[place] for layer in found.values())
        assert float(norms) == pytest.approx(true, rel=AUTOGRAD)


def test_squares_beyond_half_precision() -> None:
    torch.manual_seed(0)
    inputs, targets = 300 * torch.randn(4, 6, dtype=torch.float16), torch.tensor([0, 1, 2, 1])
    for model in (nn.Linear(6, 3).half(), nn.Sequential(nn.Linear(6, 3), nn.PReLU()).half()):
        with borrow(model):
            found = ExampleGradients(model, objective_of("cross_entropy")).of((inputs, targets))
        norms = torch.stack([layer.norms for layer in found.values()]).sum(0)
        assert float(norms.max()) > torch.finfo(torch.float16).max
        assert norms.isfinite().all()
