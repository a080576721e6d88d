"""A check-up: each answer is the instrument's own; what does not apply is left out with its reason."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.architecture import profile
from leadline.core import InputError, torch_generator
from leadline.models import mlp
from leadline.optimization import gradient_noise, optimal_step
from leadline.studies import checkup, checkup_sections
from leadline.studies.model_checkup import QUESTIONS

NUMBERS = torch_generator("tests", "checkup")
ROWS = torch.randn(60, 5, generator=NUMBERS)
CLASSES = (ROWS[:, 0] > 0).long()
IMAGES = torch.randn(40, 1, 6, 6, generator=NUMBERS)


def convolutions() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def test_answers_are_the_instruments_own():
    torch.manual_seed(0)
    net = mlp([5, 8, 2])
    found = checkup(net, (ROWS, CLASSES), batch_size=20)
    assert found.cost is not None and found.noise is not None and found.step is not None
    assert found.cost.to_dict() == profile(net, inputs=ROWS[:20]).to_dict()
    assert found.noise.to_dict() == gradient_noise(net, (ROWS, CLASSES), batch_size=20).to_dict()
    assert found.step.lr == optimal_step(net, (ROWS, CLASSES), loss="cross_entropy").lr
    assert list(found.found) == [name for name in QUESTIONS if name != "receptive_field"]


def test_scores_are_those_of_the_classifier():
    net = nn.Linear(5, 2)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[-1.0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0]]))
        net.bias.zero_()
    found = checkup(net, (ROWS, CLASSES))
    assert found.scores is not None and found.scores.macro.auroc == 1
    against = checkup(net, (ROWS, CLASSES), validation=(ROWS, 1 - CLASSES))
    assert against.scores is not None and against.scores.macro.auroc == 0
    assert any("pass validation=" in caveat for caveat in found.caveats)
    assert not any("pass validation=" in caveat for caveat in against.caveats)
    fresh = checkup(lambda: nn.Linear(5, 2), (ROWS, CLASSES))
    assert any("just made by its factory" in caveat for caveat in fresh.caveats)


def test_one_logit_is_the_second_class():
    layer = nn.Linear(5, 1)
    net = nn.Sequential(layer, nn.Flatten(0))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0, 0, 0, 0]]))
    found = checkup(net, (ROWS, CLASSES), loss=lambda out, y: (out - y).square().mean())
    assert found.scores is not None and found.scores.macro.auroc == 1


def test_images_have_a_receptive_field_and_loaders_cut_their_own_batches():
    targets = torch.arange(40) % 3
    loader = DataLoader(TensorDataset(IMAGES, targets), batch_size=10)
    found = checkup(convolutions(), loader)
    assert found.receptive_field is not None
    assert found.batch_size == 10
    assert found.cost is not None and found.cost.batch == 10
    assert not found.left_out


def test_targets_that_are_numbers_leave_the_scores_out():
    found = checkup(nn.Linear(5, 1), (ROWS, ROWS[:, :1]))
    assert found.loss == "mse"
    assert set(found.left_out) == {"receptive_field", "scores"}
    assert "left out: the targets are not one class per example" in found.to_frame().answer.tolist()


def test_an_instrument_that_refuses_is_left_out_and_the_others_answer():
    class LooksAtValues(nn.Linear):
        def forward(self, input):  # noqa: A002
            return super().forward(input) * (2 if input.sum().item() > 1e9 else 1)

    found = checkup(LooksAtValues(5, 2), (ROWS, CLASSES))
    assert "cost" in found.left_out and found.noise is not None


def test_what_cannot_be_measured_at_all_is_refused(types_unchecked):
    with pytest.raises(InputError, match="NaN"):
        checkup(mlp([5, 2]), (ROWS * np.nan, CLASSES))
    with pytest.raises(InputError, match="loss"):
        checkup(mlp([5, 2]), (ROWS, CLASSES), loss="no such loss")
    with pytest.raises(InputError, match="factory of modules, got str"):
        checkup("net", (ROWS, CLASSES))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="some instrument can measure, got profile: expected a forward pass"):
        checkup(mlp([4, 2]), (ROWS, CLASSES))


def test_again_gives_the_same(types_unchecked):
    one, again = (checkup(lambda: mlp([5, 4, 2]), (ROWS, CLASSES)).to_dict() for _ in range(2))
    assert one | {"seconds": {}} == again | {"seconds": {}}


def test_a_section_for_every_answer():
    found = checkup(mlp([5, 8, 2]), (ROWS, CLASSES))
    sections = checkup_sections(found)
    assert [one.name for one in sections] == list(found.found)
    assert all(one.figures[0].svg.startswith("<svg") and one.tables[0].rows for one in sections)
