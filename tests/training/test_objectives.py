import pytest
import torch
from tolerances import ALGEBRA
from torch.nn import functional

from leadline.core import InputError
from leadline.training import Objective, objective_of

OUTPUTS = torch.tensor([[0.5, -1.0, 2.0], [1.0, 0.0, -3.0]], dtype=torch.float64)
CLASSES = torch.tensor([2, 0])
VALUES = torch.tensor([[1.0, 0.0, 4.0], [1.0, 2.0, 0.0]], dtype=torch.float64)
SHARES = VALUES.clamp(0, 1)
GAPS = OUTPUTS - VALUES


@pytest.mark.parametrize(
    ("name", "targets", "expected"),
    [
        ("cross_entropy", CLASSES, (OUTPUTS.exp().sum(1).log() - OUTPUTS[[0, 1], [2, 0]]).mean()),
        ("mse", VALUES, (GAPS**2).mean()),
        ("half_mse", VALUES, (GAPS**2).mean() / 2),
        ("mae", VALUES, GAPS.abs().mean()),
        ("huber", VALUES, torch.where(GAPS.abs() < 1, GAPS**2 / 2, GAPS.abs() - 0.5).mean()),
        ("binary_cross_entropy", SHARES, (functional.softplus(OUTPUTS) - SHARES * OUTPUTS).mean()),
        ("nll", CLASSES, -OUTPUTS[[0, 1], [2, 0]].mean()),
    ],
)  # fmt: skip
def test_standard_losses(name, targets, expected):
    value = objective_of(name)(lambda inputs: inputs, (OUTPUTS, targets))
    torch.testing.assert_close(value, expected, rtol=ALGEBRA, atol=ALGEBRA)


@pytest.mark.parametrize("name", ["mse", "half_mse", "mae", "huber", "binary_cross_entropy"])
def test_losses_by_element_pair_every_output_with_its_target(name):
    def loss(outputs, targets):
        return objective_of(name)(lambda inputs: inputs, (outputs, targets))

    column, whole = OUTPUTS[:, :1], torch.tensor([1, 0])
    expected = loss(column, whole[:, None].double())
    assert loss(column, whole).item() == loss(column[:, 0], whole[:, None]).item() == expected.item()
    with pytest.raises(InputError, match=rf"{name}: .*outputs, of shape \(2, 3\), got targets of shape \(2,\)"):
        loss(OUTPUTS, whole)


def test_a_callable_is_named_after_itself():
    def squares(outputs, targets):
        return (outputs - targets).square().sum()

    assert objective_of(squares).name == "squares"
    assert objective_of(torch.nn.MSELoss()).name == "MSELoss"


def test_an_objective_is_taken_as_it_is():
    objective = Objective("norm", lambda model, batch: model(batch[0]).norm())
    assert objective_of(objective) is objective


def test_several_inputs_go_to_the_model_in_turn():
    value = objective_of("mse")(lambda a, b: a + b, (OUTPUTS, GAPS, OUTPUTS + GAPS))
    assert value.item() == 0


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda out, y: out.sum(1), r"scalar tensor from the loss '<lambda>', got shape \(2,\)"),
        (lambda out, y: 1.0, "got float; reduce it"),
    ],
)
def test_a_loss_must_be_a_scalar_tensor(loss, message):
    with pytest.raises(InputError, match=message):
        objective_of(loss)(lambda inputs: inputs, (OUTPUTS, CLASSES))


def test_unknown_name():
    with pytest.raises(InputError, match=r"expected one of cross_entropy, .* got 'xent'; pass one of these names"):
        objective_of("xent")
