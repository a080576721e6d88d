"""Passes by hand against those that autograd records: the same inputs and errors for every layer."""

import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.optimization.example_gradients import ExampleGradients
from leadline.optimization.layer_calls import PerceptronCalls, RecordedCalls
from leadline.training import objective_of
from leadline.training.batched_perceptrons import perceptron_layers

N = 5


def passes(model: nn.Module, loss) -> PerceptronCalls:
    return PerceptronCalls(model, objective_of(loss), perceptron_layers(model) or [])


def agree(model: nn.Module, loss, batch) -> None:
    model, objective = model.double(), objective_of(loss)
    layers: dict[str, nn.Module] = {path: module for path, module in model.named_modules() if type(module) is nn.Linear}
    by_hand, recorded = passes(model, loss), RecordedCalls(model, objective, layers)
    assert by_hand.takes(batch)
    before = [array.clone() for array in batch]
    ours, theirs = by_hand.of(batch, layers), recorded.of(batch, layers)
    assert list(ours) == list(theirs) == list(layers)
    for path in layers:
        (mine,), (other,) = ours[path], theirs[path]
        torch.testing.assert_close(mine.inputs, other.inputs, rtol=ALGEBRA, atol=ALGEBRA)
        torch.testing.assert_close(mine.errors, other.errors, rtol=ALGEBRA, atol=ALGEBRA)
    assert all(torch.equal(array, old) for array, old in zip(batch, before, strict=True))


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(N, *shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.float64)


def deep(activation=nn.Tanh) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), activation(), nn.Sequential(nn.Linear(6, 7, bias=False), activation()), nn.Linear(7, 3)
    )


CLASSES = torch.arange(N) % 3


@pytest.mark.parametrize(
    "activation",
    [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus, nn.LeakyReLU, nn.Identity,
     lambda: nn.ReLU(inplace=True)],
)  # fmt: skip
def test_every_activation(activation) -> None:
    agree(deep(activation), "cross_entropy", (drawn(4), CLASSES))


@pytest.mark.parametrize("loss", ["mse", "half_mse", "mae", lambda out, y: out.mean(), lambda out, y: out[:, 0].mean()])
def test_losses_of_values(loss) -> None:
    agree(deep(), loss, (drawn(4), drawn(3)))


def test_losses_of_shares_of_ignored_classes_and_of_activated_outputs() -> None:
    agree(deep(), "cross_entropy", (drawn(4), drawn(3).softmax(-1)))
    agree(deep(), "cross_entropy", (drawn(4), torch.tensor([0, -100, 2, 1, -100])))
    agree(nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()), "mse", (drawn(4), drawn(3)))


def test_images_and_sequences() -> None:
    agree(nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), "cross_entropy", (drawn(2, 4), CLASSES))
    agree(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), "mse", (drawn(6, 4), drawn(6, 2)))


def test_only_plain_perceptrons_pass_by_hand() -> None:
    objective = objective_of("cross_entropy")
    assert ExampleGradients(deep(), objective).by_hand
    hooked = deep()
    hooked[0].register_forward_hook(lambda *_: None)
    assert not ExampleGradients(hooked, objective).by_hand
    replaced = deep()
    replaced[0].forward = torch.zeros_like
    assert not ExampleGradients(replaced, objective).by_hand
    assert not passes(deep(), "cross_entropy").takes((CLASSES, CLASSES))
    assert not passes(deep(), "cross_entropy").takes((drawn(4), drawn(4), CLASSES))
