"""The members of an ensemble: made one by one from their seeds, held as one stack."""

import random
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from leadline.core import caller_errors, random_state_kept, refuse, seed_of, twin
from leadline.training.steps import State, state_of

_OPERATION = "models from a factory"
_refuse = partial(refuse, _OPERATION)

Factory = Callable[[], nn.Module]


def initialized(factory: Factory, seed: int = 0) -> nn.Module:
    """The model that a factory makes with the random numbers of a seed; the global ones are left alone.

    >>> first, again = (initialized(lambda: nn.Linear(2, 2), seed=3) for _ in range(2))
    >>> bool((first.weight == again.weight).all())
    True
    """
    with random_state_kept():
        _seed(seed)
        with caller_errors(_OPERATION, expected="a factory that makes a model",
                           remedy="call it by itself to see where it fails"):  # fmt: skip
            model = factory()
    if not isinstance(model, nn.Module):
        _refuse("a factory that returns a torch module", type(model).__name__, "pass e.g. lambda: MyModel()")
    return model


def stacked_states(factory: Factory, seeds: Sequence[int]) -> State:
    """The states of `initialized(factory, seed)` for all seeds, stacked.

    Where calling `reset_parameters` on the layers of one model draws the same values as making a new model (it is
    compared on the first and the last seed), one model serves for all: half the time.

    Raises:
        InputError: the factory makes models of different shapes.

    >>> stacked_states(lambda: nn.Linear(3, 1), [0, 1, 2]).parameters["weight"].shape
    torch.Size([3, 1, 3])
    """
    model = twin(initialized(factory, seeds[0]))  # a factory may hand out one and the same
    first = state_of(model)
    stack = first.map(lambda tensor: tensor.new_empty((len(seeds), *tensor.shape)))
    _put(stack, 0, first)
    with random_state_kept():
        resettable = len(seeds) > 2 and all(
            _same(_reset(model, seed), state_of(initialized(factory, seed))) for seed in (seeds[0], seeds[-1])
        )
        for member, seed in enumerate(seeds[1:], start=1):
            _put(stack, member, _reset(model, seed) if resettable else state_of(initialized(factory, seed)))
    return stack


def member_of(stack: State, member: int) -> State:
    """One member's state, as views of the stack.

    >>> member_of(State({"w": torch.eye(2)}, {}), 1).parameters["w"]
    tensor([0., 1.])
    """
    return stack.map(lambda tensor: tensor[member])


def _seed(seed: int) -> None:
    named = seed_of("init", seed)
    random.seed(named)
    np.random.seed(named % 2**32)  # noqa: NPY002 - factories draw from where they like
    # torch.manual_seed keeps three stack traces for devices that are not there: a third of a millisecond each time.
    torch.default_generator.manual_seed(named)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(named)


def _reset(model: nn.Module, seed: int) -> State:
    # The state is the model's own tensors, good until the next reset.
    _seed(seed)
    for module in model.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
    parameters, rest = {}, {}
    for name, value in model.named_parameters():
        (parameters if value.requires_grad else rest)[name] = value.detach()
    return State(parameters, rest | dict(model.named_buffers()))


def _put(stack: State, member: int, state: State) -> None:
    for whole, one in ((stack.parameters, state.parameters), (stack.buffers, state.buffers)):
        if {name: tensor.shape[1:] for name, tensor in whole.items()} != {k: v.shape for k, v in one.items()}:
            _refuse("members of one architecture", "other parameter names or shapes", "make every member alike")
        for name, tensor in one.items():
            whole[name][member] = tensor


def _same(one: State, other: State) -> bool:
    pairs = ((one.parameters, other.parameters), (one.buffers, other.buffers))
    return all(a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a) for a, b in pairs)
