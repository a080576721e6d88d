import copy

import pytest
import torch
from tolerances import ALGEBRA, AUTOGRAD, EXACT, FINITE_DIFFERENCE
from torch import nn

from leadline.core import InputError
from leadline.training import Objective, build_step, member_of, stacked_states, state_of
from leadline.training.objectives import objective_of
from leadline.training.optimizers import optimizer_of
from leadline.training.steps import ResidentStep, Step

STEPS = 5


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.BatchNorm1d(6), nn.Linear(6, 3)).double()


def batches(count=STEPS, size=12):
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(size, 4, generator=generator, dtype=torch.float64), torch.randint(3, (size,), generator=generator))
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("sgd", torch.optim.SGD, {}),
        ("momentum", torch.optim.SGD, {"momentum": 0.9}),
        ("nesterov", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("rmsprop", torch.optim.RMSprop, {}),
        ("adam", torch.optim.Adam, {}),
        ("adamw", torch.optim.AdamW, {}),
    ],
)
def test_five_steps_equal_a_plain_loop(name, kind, options):
    model, twin = network(), network()
    step, state = build_step(model, "cross_entropy", name), state_of(model)
    hyper = {"lr": 0.01, **optimizer_of(name).hyper_parameters()}
    theirs = kind(twin.parameters(), lr=0.01, **options)
    for batch in batches():
        state, loss = step(state, batch, hyper)
        expected = nn.functional.cross_entropy(twin(batch[0]), batch[1])
        theirs.zero_grad()
        expected.backward()
        theirs.step()
        torch.testing.assert_close(loss, expected.detach(), rtol=ALGEBRA, atol=ALGEBRA)
    values = {**state.parameters, **state.buffers}
    for key, expected in twin.state_dict().items():
        torch.testing.assert_close(values[key], expected, rtol=ALGEBRA, atol=ALGEBRA)


def test_a_step_changes_nothing_it_is_given():
    model = network()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    step, state, (batch,) = build_step(model, optimizer="adam"), state_of(model), batches(1)
    kept, copies = state.map(torch.clone), tuple(array.clone() for array in batch)
    step(state, batch, {"lr": 0.1, **optimizer_of("adam").hyper_parameters()})
    torch.testing.assert_close(tuple(kept), tuple(state), rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(batch, copies, rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=EXACT, atol=EXACT)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_accumulation_gives_the_gradient_of_the_whole_batch():
    model = nn.Linear(4, 3).double()
    (batch,) = batches(1, size=10)
    whole = build_step(model).gradients(state_of(model), batch)
    parts = build_step(model, accumulation=4).gradients(state_of(model), batch)
    torch.testing.assert_close(parts, whole, rtol=ALGEBRA, atol=ALGEBRA)


def test_frozen_parameters_stay():
    model = network()
    model[0].weight.requires_grad_(False)
    state = state_of(model)
    state, _ = build_step(model)(state, batches(1)[0], {"lr": 0.1, "weight_decay": 0.1})
    assert "0.weight" not in state.parameters
    assert torch.equal(state.buffers["0.weight"], dict(model.named_parameters())["0.weight"])


def test_shared_parameters_move_as_one():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.there, self.back = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
            self.back.weight = self.there.weight

        def forward(self, inputs):
            return self.back(self.there(inputs))

    model = Tied().double()
    (batch,) = batches(1)
    _, gradients, _ = build_step(model).gradients(state_of(model), batch)
    nn.functional.cross_entropy(model(batch[0]), batch[1]).backward()
    assert list(gradients) == ["there.weight"]
    torch.testing.assert_close(gradients["there.weight"], model.there.weight.grad, rtol=AUTOGRAD, atol=AUTOGRAD)


class Reading(nn.Module):
    """A recurrent network, which keeps a second list of its weights."""

    def __init__(self):
        super().__init__()
        self.recurrent, self.last = nn.LSTM(2, 3, batch_first=True), nn.Linear(3, 3)

    def forward(self, x):
        return self.last(self.recurrent(x.view(len(x), 2, 2))[0][:, -1])


class Counting(nn.Module):
    """A module that puts a new buffer in the place of the old one."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen = self.seen + torch.ones(())
        return self.linear(x) / self.seen


def tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Linear(4, 3))
    model[2].weight = model[0].weight
    model[3].bias.requires_grad_(False)
    return model


def parametrized():
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)))


@pytest.mark.parametrize("make", [network, tied, Reading, Counting, parametrized])
def test_a_step_that_holds_the_state_gives_the_same_bits(make):
    torch.manual_seed(0)
    model = make().double()
    parts = model, objective_of("cross_entropy"), optimizer_of("adam")
    pure, resident = Step(*parts), ResidentStep(copy.deepcopy(model), *parts[1:])
    hyper = {"lr": 0.1, **parts[2].hyper_parameters()}
    free, held = state_of(model), resident.settle(state_of(model))
    for batch in batches():
        free, loss = pure(free, batch, hyper)
        held, same = resident(held, batch, hyper)
        torch.testing.assert_close(same, loss, rtol=EXACT, atol=EXACT)
    torch.testing.assert_close(tuple(held.map(torch.Tensor.detach)), tuple(free), rtol=EXACT, atol=EXACT)


def test_the_forward_of_a_step_that_holds_the_state_leaves_the_buffers_of_before():
    model = network()
    step = ResidentStep(model, objective_of("cross_entropy"), optimizer_of("sgd"))
    state = step.settle(state_of(model))
    _, _, after = step.gradients(state, batches()[0])
    assert not state.buffers["2.running_mean"].any()
    torch.testing.assert_close(after["2.running_mean"], model[2].running_mean, rtol=EXACT, atol=EXACT)


def test_differentiable_steps_give_the_hypergradient():
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    step = build_step(model, optimizer="momentum", differentiable=True)

    def final(lr):
        state = state_of(model)
        hyper = {"lr": lr, **optimizer_of("momentum").hyper_parameters(weight_decay=0.01)}
        *first, last = batches()
        for batch in first:
            state, _ = step(state, batch, hyper)
        return step(state, last, hyper)[1]

    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(final(lr), lr)[0]
    gap = 1e-5
    expected = (final(0.1 + gap) - final(0.1 - gap)) / (2 * gap)
    torch.testing.assert_close(slope, expected.detach(), rtol=FINITE_DIFFERENCE, atol=FINITE_DIFFERENCE)


def test_autocast_runs_the_forward_in_bfloat16():
    seen = []
    model = nn.Sequential(nn.Linear(4, 3))
    model[0].register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.dtype))
    inputs, targets = batches(1)[0]
    state, _ = build_step(model, autocast=True)(
        state_of(model), (inputs.float(), targets), {"lr": 0.1, "weight_decay": 0.0}
    )
    assert seen == [torch.bfloat16]
    assert state.parameters["0.weight"].dtype == torch.float32


def test_an_objective_may_use_the_model_and_the_batch_as_it_likes():
    penalty = Objective("twice", lambda model, batch: model(batch[0]).square().mean() + model(batch[0]).mean())
    model = nn.Linear(4, 1).double()
    (batch,) = batches(1)
    loss, gradients, _ = build_step(model, penalty).gradients(state_of(model), batch)
    outputs = model(batch[0])
    expected = outputs.square().mean() + outputs.mean()
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=AUTOGRAD, atol=AUTOGRAD)
    torch.testing.assert_close(gradients["weight"], model.weight.grad, rtol=AUTOGRAD, atol=AUTOGRAD)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build_step(nn.Linear(2, 2), "no such"), "expected one of cross_entropy"),
        (lambda: build_step(nn.ReLU()), "no parameters in ReLU"),
        (lambda: build_step(nn.Linear(2, 2).requires_grad_(False)), "all frozen"),
        (lambda: build_step(nn.LazyLinear(2)), "run the model on one batch first"),
        (lambda: build_step(nn.Linear(2, 2), accumulation=0), "accumulation of at least 1"),
        (
            lambda: build_step(nn.Linear(4, 3).double(), lambda out, y: out).gradients(
                state_of(nn.Linear(4, 3).double()), batches(1)[0]
            ),
            "reduce it over the batch",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_stacked_step_is_the_step_of_every_member():
    (batch,) = batches(1)
    lr = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    stack = stacked_states(network, [0, 1, 2])
    together = tuple(array.expand(3, *array.shape) for array in batch)
    moved, losses = build_step(network(), stacked=True)(stack, together, {"lr": lr, "weight_decay": 0.1})
    for member in range(3):
        state, loss = build_step(network())(member_of(stack, member), batch, {"lr": lr[member], "weight_decay": 0.1})
        torch.testing.assert_close(loss, losses[member], rtol=ALGEBRA, atol=ALGEBRA)
        torch.testing.assert_close(tuple(state), tuple(member_of(moved, member)), rtol=ALGEBRA, atol=ALGEBRA)
