import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ALGEBRA, EXACT

from leadline.core import InputError
from leadline.training.optimizers import Optimizer, optimizer_of

STEPS = 5
torch_optim = torch.optim


def walk(optimizer, lr, start, gradients, *, in_place=False, **given_hyper):
    """The parameters after the steps along fixed gradients."""
    hyper = {"lr": lr, **optimizer.hyper_parameters(**given_hyper)}
    return walk_with(optimizer, hyper, start, gradients, in_place=in_place)


def torch_walk(kind, start, gradients, **settings):
    parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
    theirs = kind(parameters.values(), **settings)
    for gradient in gradients:
        for name, parameter in parameters.items():
            parameter.grad = gradient[name].clone()
        theirs.step()
    return parameters


def problem(dtype=torch.float64, members=None):
    generator = torch.Generator().manual_seed(0)
    shapes = {"weight": (3, 4), "bias": (3,), "scale": ()}
    stack = () if members is None else (members,)

    def draw():
        return {n: torch.randn((*stack, *s), generator=generator, dtype=dtype) for n, s in shapes.items()}

    return draw(), [draw() for _ in range(STEPS)]


def choices(**options):
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


SGD = [
    ("sgd", given_hyper, {}, torch_optim.SGD, {"lr": 0.1, **given_hyper})
    for given_hyper in choices(weight_decay=(0.0, 0.3))
]
MOMENTUM = [
    ("momentum", given_hyper, {}, torch_optim.SGD, {"lr": 0.1, **given_hyper})
    for given_hyper in choices(momentum=(0.3, 0.8), dampening=(0.0, 0.4), weight_decay=(0.0, 0.3))
]
NESTEROV = [
    ("nesterov", given_hyper, {}, torch_optim.SGD, {"lr": 0.1, "nesterov": True, **given_hyper})
    for given_hyper in choices(momentum=(0.5, 0.9), weight_decay=(0.0, 0.3))
]
RMSPROP = [
    (
        "rmsprop",
        {"smoothing": alpha, "momentum": momentum or None, "weight_decay": decay, "eps": 1e-3},
        {"centered": centered},
        torch_optim.RMSprop,
        {"lr": 0.1, "alpha": alpha, "momentum": momentum, "weight_decay": decay, "eps": 1e-3, "centered": centered},
    )
    for alpha, momentum, decay, centered in itertools.product((0.5, 0.99), (0.0, 0.7), (0.0, 0.3), (False, True))
]
ADAM = [
    (
        name,
        {"beta1": 0.8, "beta2": 0.95, "weight_decay": decay, "eps": eps},
        {"amsgrad": amsgrad},
        kind,
        {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": decay, "eps": eps, "amsgrad": amsgrad},
    )
    for (name, kind), decay, eps, amsgrad in itertools.product(
        (("adam", torch_optim.Adam), ("adamw", torch_optim.AdamW)), (0.0, 0.3), (1e-8, 1e-2), (False, True)
    )
]


MAXIMIZE = [
    (name, ours, {**options, "maximize": True}, kind, {**theirs, "maximize": True})
    for name, ours, options, kind, theirs in (SGD[-1], MOMENTUM[-1], NESTEROV[-1], RMSPROP[-1], ADAM[3], ADAM[-1])
]


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    ("name", "ours", "options", "kind", "theirs"), SGD + MOMENTUM + NESTEROV + RMSPROP + ADAM + MAXIMIZE
)
def test_five_steps_equal_torch(name, ours, options, kind, theirs, in_place):
    start, gradients = problem()
    moved = walk(Optimizer(name, **options), 0.1, start, gradients, in_place=in_place, **ours)
    for key, expected in torch_walk(kind, start, gradients, **theirs).items():
        torch.testing.assert_close(moved[key], expected.data, rtol=ALGEBRA, atol=ALGEBRA)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_defaults_are_those_of_torch(name):
    kind, more = {
        "sgd": (torch_optim.SGD, {}),
        "momentum": (torch_optim.SGD, {"momentum": 0.9}),
        "nesterov": (torch_optim.SGD, {"momentum": 0.9, "nesterov": True}),
        "rmsprop": (torch_optim.RMSprop, {}),
        "adam": (torch_optim.Adam, {}),
        "adamw": (torch_optim.AdamW, {}),
    }[name]
    start, gradients = problem()
    moved = walk(optimizer_of(name), 0.01, start, gradients)
    for key, expected in torch_walk(kind, start, gradients, lr=0.01, **more).items():
        torch.testing.assert_close(moved[key], expected.data, rtol=ALGEBRA, atol=ALGEBRA)


def test_adam_with_decoupled_decay_is_adamw():
    start, gradients = problem()
    one = walk(Optimizer("adam", decay="decoupled"), 0.1, start, gradients, weight_decay=0.3)
    other = walk(Optimizer("adamw"), 0.1, start, gradients, weight_decay=0.3)
    torch.testing.assert_close(one, other, rtol=EXACT, atol=EXACT)


def test_unscaled_decay_does_not_depend_on_the_learning_rate():
    start, _ = problem()
    still = [{name: torch.zeros_like(value) for name, value in start.items()}] * STEPS
    for lr in (0.1, 1e-3):
        moved = walk(Optimizer("sgd", decay="decoupled_unscaled"), lr, start, still, weight_decay=0.2)
        expected = {name: value * 0.8**STEPS for name, value in start.items()}
        torch.testing.assert_close(moved, expected, rtol=ALGEBRA, atol=ALGEBRA)


def test_l2_and_decoupled_decay_agree_for_sgd_and_differ_for_adam():
    start, gradients = problem()

    def both(name):
        return [walk(Optimizer(name, decay=decay), 0.1, start, gradients, weight_decay=0.3)["weight"]
                for decay in ("l2", "decoupled")]  # fmt: skip

    one, other = both("sgd")
    torch.testing.assert_close(one, other, rtol=ALGEBRA, atol=ALGEBRA)
    one, other = both("adam")
    assert (one - other).abs().max() > 0.01


@pytest.mark.parametrize(("name", "options"), [("rmsprop", {}), ("adam", {}), ("adam", {"amsgrad": True})])
def test_eps_inside_the_root(name, options):
    start, gradients = problem()
    moved = walk(Optimizer(name, eps_inside_root=True, **options), 0.1, start, gradients[:1], eps=0.2)
    gradient = gradients[0]["weight"]
    square = gradient**2 * (0.01 if name == "rmsprop" else 1.0)  # adam's bias correction undoes 1 - beta2
    expected = start["weight"] - 0.1 * gradient / (square + 0.2).sqrt()
    torch.testing.assert_close(moved["weight"], expected, rtol=ALGEBRA, atol=ALGEBRA)


MEMBERS = 3


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("decay", ["l2", "decoupled", "decoupled_unscaled"])
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_every_hyper_parameter_may_differ_between_members(name, decay, in_place):
    optimizer = Optimizer(name, decay=decay)
    start, gradients = problem(members=MEMBERS)
    defaults = {"lr": 0.1, **optimizer.hyper_parameters(weight_decay=0.1)}
    each = [{key: value * (1 - 0.1 * member) for key, value in defaults.items()} for member in range(MEMBERS)]
    together = {key: torch.tensor([hyper[key] for hyper in each], dtype=torch.float64) for key in defaults}
    stacked = walk_with(optimizer, together, start, gradients, in_place=in_place)
    for member, hyper in enumerate(each):
        alone = walk_with(optimizer, hyper, of(start, member), [of(g, member) for g in gradients])
        torch.testing.assert_close(of(stacked, member), alone, rtol=ALGEBRA, atol=ALGEBRA)


def of(tensors, member):
    return {name: value[member] for name, value in tensors.items()}


def walk_with(optimizer, hyper, start, gradients, *, in_place=False):
    parameters = {name: value.clone() for name, value in start.items()}
    memory = optimizer.begin(parameters, hyper)
    for count, gradient in enumerate(gradients):
        parameters, memory = optimizer.update(parameters, gradient, memory, hyper, count=count, in_place=in_place)
    return parameters


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.sampled_from(["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"]), st.floats(1e-3, 1.0))
def test_pure_update_changes_nothing_it_is_given(name, lr):
    optimizer, (start, gradients) = optimizer_of(name), problem()
    hyper = {"lr": lr, **optimizer.hyper_parameters(weight_decay=0.1)}
    memory = optimizer.begin(start, hyper)
    before = {name: value.clone() for name, value in start.items()}
    optimizer.update(start, gradients[0], memory, hyper, count=0)
    torch.testing.assert_close(start, before, rtol=EXACT, atol=EXACT)
    assert all((value == 0).all() for slot in memory.values() for value in slot.values())


def test_the_update_keeps_the_parameters_type():
    start, gradients = problem(torch.float32, members=MEMBERS)
    hyper = {"lr": torch.full((MEMBERS,), 0.1, dtype=torch.float64), **optimizer_of("adam").hyper_parameters()}
    assert walk_with(optimizer_of("adam"), hyper, start, gradients)["weight"].dtype == torch.float32


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_the_update_can_be_differentiated_in_the_learning_rate(name):
    start, gradients = problem()
    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)

    def end(rate):
        hyper = {"lr": rate, **optimizer_of(name).hyper_parameters(weight_decay=0.1)}
        return walk_with(optimizer_of(name), hyper, start, gradients)["weight"].square().sum()

    assert torch.autograd.gradcheck(end, lr)


@pytest.mark.parametrize(
    "optimizer",
    [Optimizer("rmsprop"), Optimizer("rmsprop", centered=True), Optimizer("adam"), Optimizer("adam", amsgrad=True)],
)
def test_a_mean_square_of_exactly_zero_leaves_a_derivative(optimizer):
    """The root has no slope there, but the step, -lr g / (root + eps), has: -lr / eps."""
    push = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    hyper = {"lr": 0.1, **optimizer.hyper_parameters(eps=0.5)}
    moved = walk_with(optimizer, hyper, {"w": torch.ones(2, dtype=torch.float64)}, [{"w": push}])["w"]
    (slope,) = torch.autograd.grad(moved.sum(), push)
    assert slope[1].item() == pytest.approx(-0.1 / 0.5)
    assert slope.isfinite().all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Optimizer("adamm"), "one of sgd, momentum"),
        (lambda: Optimizer("sgd", decay="l3"), "decay l2, decoupled or decoupled_unscaled"),
        (lambda: Optimizer("sgd", amsgrad=True), "leave amsgrad out"),
        (lambda: Optimizer("adam", centered=True), "leave centered out"),
        (lambda: Optimizer("sgd").hyper_parameters(momentum=0.9), "sgd has no momentum"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(InputError, match=message):
        make()
