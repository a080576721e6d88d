"""Recordings against the functions that they were made of."""

import pytest
import torch
from tolerances import EXACT
from torch import nn
from torch.nn import functional

from leadline.optimization.operator_recordings import NotRepeatableError, Repeated, record

N, CLASSES = 6, 3


def derivatives(model, shape, kind=torch.randn):
    """[weights, direction, inputs, targets] -> [loss, gradient, Hessian-vector product] of a model's last weight."""
    name = [name for name, _ in model.named_parameters()][-1]

    def function(given):
        weight, direction, inputs, targets = given
        leaf = weight.detach().requires_grad_()
        loss = functional.cross_entropy(torch.func.functional_call(model, {name: leaf}, (inputs,)), targets)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        product = torch.autograd.grad(gradient, leaf, direction)[0] if gradient.requires_grad else direction
        return [tensor.detach() for tensor in (loss, gradient, product)]

    def draw():
        weight = torch.randn_like(dict(model.named_parameters())[name])
        inputs = kind(N, *shape) if kind is torch.randn else torch.randint(0, 5, (N, *shape))
        return [weight, torch.randn_like(weight), inputs, torch.randint(0, CLASSES, (N,))]

    return function, draw


CASES = {
    "perceptron": lambda: derivatives(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, CLASSES)), (4,)),
    "activation in place": lambda: derivatives(nn.Sequential(nn.Linear(4, CLASSES), nn.ReLU(inplace=True)), (4,)),
    "convolution and batch norm": lambda: derivatives(
        nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, CLASSES)), (1, 4, 4)
    ),
    "dropout": lambda: derivatives(nn.Sequential(nn.Dropout(0.5), nn.Linear(40, CLASSES)), (40,)),
    "embedding": lambda: derivatives(
        nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, CLASSES)), (2,), torch.randint
    ),
    "layer norm and views": lambda: derivatives(
        nn.Sequential(nn.Unflatten(1, (2, 3)), nn.LayerNorm(3), nn.Flatten(), nn.Linear(6, CLASSES)), (6,)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_recording_repeats_the_function_on_other_tensors(name):
    torch.manual_seed(0)
    function, draw = CASES[name]()
    first = draw()
    torch.manual_seed(1)
    found, again = record(function, first)
    torch.manual_seed(1)
    torch.testing.assert_close(found, function(first), rtol=EXACT, atol=EXACT)
    for seed in (2, 3):
        given = draw()
        torch.manual_seed(seed)
        repeated = again(given)
        torch.manual_seed(seed)
        torch.testing.assert_close(repeated, function(given), rtol=EXACT, atol=EXACT)


def test_views_and_writes_in_place_are_repeated_in_their_order():
    def function(given):
        both = given[0] * 1
        both[0] += both[1]
        row = both.view(-1)[2:]
        row.mul_(2)
        return [both, row + both.sum(), *both.split(1)]

    _, again = record(function, [torch.randn(2, 2)])
    given = [torch.randn(2, 2)]
    torch.testing.assert_close(again(given), function(given), rtol=EXACT, atol=EXACT)


def test_memory_that_is_used_again_is_not_taken_for_what_it_held():
    def function(given):
        total = given[0]
        for _ in range(20):
            total = total + torch.sin(total)  # each is freed when the next is there
        return [total]

    _, again = record(function, [torch.randn(1000)])
    given = [torch.randn(1000)]
    torch.testing.assert_close(again(given), function(given), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize(
    "function",
    [
        lambda given: [given[0] if given[0].sum().item() > 0 else -given[0]],
        lambda given: [given[0][given[0] > 0]],
        lambda given: [given[0].nonzero()],
    ],
)
def test_what_depends_on_values_is_not_recorded(function):
    with pytest.raises(NotRepeatableError):
        record(function, [torch.ones(3)])


def test_a_function_that_changes_from_call_to_call_is_found_out():
    calls = []

    def function(given):
        calls.append(1)
        return [given[0] * (1 if len(calls) < 3 else 2)]

    repeated = Repeated(function)
    with pytest.raises(NotRepeatableError):
        for _ in range(5):  # in earnest at the 1st, 2nd and 5th
            repeated([torch.ones(2)])
    assert len(calls) == 3


def test_repetitions_draw_the_random_numbers_of_the_function():
    def function(given):
        return [functional.dropout(given[0], 0.5)]

    torch.manual_seed(0)
    expected = [function([torch.ones(50)])[0] for _ in range(7)]
    torch.manual_seed(0)
    repeated = Repeated(function)
    found = [repeated([torch.ones(50)])[0] for _ in range(7)]
    torch.testing.assert_close(found, expected, rtol=EXACT, atol=EXACT)


def test_two_shapes_are_recorded_and_others_run_in_earnest():
    calls = []

    def function(given):
        calls.append(len(given[0]))
        return [given[0] + 1]

    repeated = Repeated(function)
    for size in [1, 2, 3] * 7:  # of the first two the 3rd, 4th, 6th and 7th call is a repetition only
        assert repeated([torch.zeros(size)])[0].tolist() == [1.0] * size
    assert [calls.count(size) for size in (1, 2, 3)] == [3, 3, 7]
