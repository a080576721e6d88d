import pytest
import torch
from tolerances import ALGEBRA
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.training import Objective, State, objective_of, stacked_states
from leadline.training.validation import Validation, accuracy

CPU, F64 = torch.device("cpu"), torch.float64
INPUTS = torch.randn(2100, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
CLASSES = torch.arange(2100) % 4


def network():
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 4)).double()


@pytest.mark.parametrize(
    "data",
    [(INPUTS, CLASSES), TensorDataset(INPUTS, CLASSES), DataLoader(TensorDataset(INPUTS, CLASSES), batch_size=7)],
    ids=["arrays", "Dataset", "DataLoader"],
)
def test_metrics_are_those_of_all_data_at_once(data):
    stack, model = stacked_states(network, [0, 1, 2]), network()
    validation = Validation(data, objective_of("cross_entropy"), {"worst": worst}, CPU, F64)
    for member, readings in enumerate(validation.of_each(model, stack, 3)):
        state = stack.map(lambda tensor, member=member: tensor[member])
        twin = network().eval()
        twin.load_state_dict({**state.parameters, **state.buffers})
        with torch.no_grad():
            outputs = twin(INPUTS)
        expected = [float(nn.functional.cross_entropy(outputs, CLASSES)), worst(outputs, CLASSES)]
        assert readings == pytest.approx(expected, rel=ALGEBRA)
        assert validation.of(model, state) == pytest.approx(expected, rel=ALGEBRA)
    assert all(module.training for module in model.modules())


def test_large_examples_go_through_the_model_a_few_at_a_time():
    counts, model = [], nn.Flatten()
    model.register_forward_pre_hook(lambda _, inputs: counts.append(len(inputs[0])))
    images = torch.zeros(200, 2, 32, 32)
    validation = Validation((images, torch.zeros(200)), objective_of(lambda outputs, _: outputs.sum()), (), CPU, F64)
    validation.of(model, State({}, {}))
    assert counts == [64, 64, 64, 8]


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 4, dtype=F64)

    def forward(self, inputs):
        return self.layer(inputs), {"double": 2 * self.layer(inputs)}


def test_models_with_several_outputs():
    def loss(outputs, targets):
        return nn.functional.cross_entropy(outputs[0] + outputs[1]["double"], targets)

    validation, stack = Validation((INPUTS, CLASSES), objective_of(loss), (), CPU, F64), stacked_states(Twice, [0, 1])
    each = validation.of_each(Twice(), stack, 2)
    for member, reading in enumerate(each):
        state = stack.map(lambda tensor, member=member: tensor[member])
        scores = 3 * nn.functional.linear(INPUTS, state.parameters["layer.weight"], state.parameters["layer.bias"])
        expected = pytest.approx([nn.functional.cross_entropy(scores, CLASSES).item()], rel=ALGEBRA)
        assert reading == expected
        assert validation.of(Twice(), state) == expected


def worst(outputs, targets):
    return float(nn.functional.cross_entropy(outputs, targets, reduction="none").max())


def test_an_objective_of_the_whole_batch():
    objective = Objective("mean", lambda model, batch: model(batch[0]).mean())
    stack, model = stacked_states(lambda: nn.Linear(3, 1).double(), [0, 1]), nn.Linear(3, 1).double()
    readings = Validation((INPUTS, CLASSES), objective, (), CPU, F64).of_each(model, stack, 2)
    for member in range(2):
        expected = (INPUTS @ stack.parameters["weight"][member].T + stack.parameters["bias"][member]).mean()
        assert readings[member] == pytest.approx([float(expected)], rel=ALGEBRA)


def test_accuracy_of_a_single_score():
    scores = torch.tensor([[0.3], [-0.2], [1.0], [-1.0]])
    assert accuracy(scores, torch.tensor([[1.0], [1.0], [1.0], [0.0]])).item() == 0.75
