import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.training import MappedStep, objective_of, optimizer_of, stacked_states
from leadline.training.batched_perceptrons import PerceptronStep, perceptron_layers

MEMBERS, SIZE = 3, 5


def deep(activation):
    return lambda: nn.Sequential(
        nn.Linear(4, 6), activation(), nn.Sequential(nn.Linear(6, 7, bias=False), activation()), nn.Linear(7, 3)
    ).double()


def agree(factory, loss, inputs, targets):
    """The hand-written gradients equal those of autograd under vmap."""
    state, model = stacked_states(factory, list(range(MEMBERS))), factory()
    parts = model, objective_of(loss), optimizer_of("sgd")
    assert PerceptronStep.fits(model, objective_of(loss), (inputs[0], targets[0]))
    step = PerceptronStep(*parts)
    step.gradients(state, (inputs, targets))
    ours = step.gradients(state, (inputs, targets))  # finds the memory of the first call
    theirs = MappedStep(*parts).gradients(state, (inputs, targets))
    torch.testing.assert_close(ours[0], theirs[0], rtol=ALGEBRA, atol=ALGEBRA)
    torch.testing.assert_close(ours[1], theirs[1], rtol=ALGEBRA, atol=ALGEBRA)


def draw(*shape):
    return torch.randn(MEMBERS, SIZE, *shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.float64)


CLASSES = torch.arange(MEMBERS * SIZE).view(MEMBERS, SIZE) % 3


@pytest.mark.parametrize(
    "activation",
    [
        nn.ReLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus, nn.Identity,
        lambda: nn.LeakyReLU(0.3), lambda: nn.GELU("tanh"), lambda: nn.ReLU(inplace=True), lambda: nn.ELU(0.5),
        lambda: nn.Softplus(2.0),
    ],
)  # fmt: skip
def test_every_activation(activation):
    agree(deep(activation), "cross_entropy", draw(4), CLASSES)


@pytest.mark.parametrize("loss", ["mse", "half_mse", "mae", "huber", lambda out, y: (out - y).abs().pow(3).mean()])
def test_losses_of_values(loss):
    agree(deep(nn.Tanh), loss, draw(4), draw(3))


def test_losses_of_shares_and_of_outputs_with_an_activation():
    agree(deep(nn.Tanh), "cross_entropy", draw(4), draw(3).softmax(-1))
    agree(lambda: nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()).double(), "mse", draw(4), draw(3))
    agree(lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()).double(), lambda out, y: out.mean(), draw(4), draw(3))


def test_images_are_flattened():
    factory = lambda: nn.Sequential(nn.Flatten(), nn.Linear(8, 3)).double()  # noqa: E731
    agree(factory, "cross_entropy", draw(2, 4), CLASSES)


def test_frozen_layers():
    def factory():
        model = deep(nn.ReLU)()
        model[0].requires_grad_(False)
        return model

    agree(factory, "cross_entropy", draw(4), CLASSES)


def tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    return model


def hooked():
    model = nn.Sequential(nn.Linear(4, 4))
    model[0].register_forward_hook(lambda *_: None)
    return model


layer = nn.Linear(4, 4)


@pytest.mark.parametrize(
    "model",
    [
        nn.Linear(4, 4),
        nn.Sequential(nn.ReLU(), nn.Linear(4, 4)),
        nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Tanh()),
        nn.Sequential(nn.Linear(4, 4), nn.Dropout()),
        nn.Sequential(nn.Linear(4, 4), nn.Softmax(1)),
        nn.Sequential(nn.Linear(4, 4), nn.Flatten()),
        nn.Sequential(nn.Flatten(2), nn.Linear(4, 4)),
        nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))),
        nn.Sequential(layer, nn.ReLU(), layer),
        nn.Sequential(),
        tied(),
        hooked(),
    ],
)
def test_anything_else_is_left_to_others(model):
    assert perceptron_layers(model) is None


def test_ignored_classes_are_left_to_others():
    model = nn.Sequential(nn.Linear(4, 3))
    targets = torch.tensor([0, -100])
    assert not PerceptronStep.fits(model, objective_of("cross_entropy"), (torch.zeros(2, 4), targets))


def test_certain_outputs_have_a_finite_loss():
    """Scores thousands apart: shares round to 0 and 1, but not their logarithms."""

    def factory():
        layer = nn.Linear(4, 3).double()
        nn.init.normal_(layer.weight, std=1e4)
        return nn.Sequential(layer)

    agree(factory, "cross_entropy", draw(4), CLASSES)


def test_further_parameters_are_left_to_others():
    model = nn.Sequential(nn.Linear(4, 3))
    model[0].register_parameter("extra", nn.Parameter(torch.ones(3)))
    assert perceptron_layers(model) is None
