"""The training step: a pure function of parameters, buffers, optimizer memory, batch and hyper-parameters.

Everything else transforms it: a loop over it trains, mapping it over members is the ensemble, differentiating it in
`hyper` gives hypergradients, feeding it old parameters is staleness, ramping its learning rate is the range test.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.func import grad_and_value, vmap

from leadline.core import refuse
from leadline.training.bound_models import BoundModel
from leadline.training.objectives import Batch, Loss, Objective, objective_of
from leadline.training.optimizers import Hyper, Memory, Optimizer, Tensors, optimizer_of

_refuse = partial(refuse, "training step")


class State(NamedTuple):
    """All that a step changes. Members of an ensemble are stacked along a first axis of every tensor."""

    parameters: Tensors  # the trainable ones
    buffers: Tensors  # buffers and frozen parameters
    memory: Memory = {}  # noqa: RUF012 - never written to: steps build new dictionaries
    taken: int = 0  # steps

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "State":
        """The state with every tensor changed."""

        def each(tensors: Tensors) -> Tensors:
            return {name: change(tensor) for name, tensor in tensors.items()}

        memory = {slot: each(tensors) for slot, tensors in self.memory.items()}
        return State(each(self.parameters), each(self.buffers), memory, self.taken)


def state_of(model: nn.Module) -> State:
    """The parameters and buffers of a model, copied; no optimizer memory yet (the first step makes it).

    >>> sorted(state_of(nn.BatchNorm1d(2)).buffers)
    ['num_batches_tracked', 'running_mean', 'running_var']
    """
    check_trainable(model)
    parameters, rest = {}, {}
    for name, parameter in model.named_parameters():
        (parameters if parameter.requires_grad else rest)[name] = parameter.detach().clone()
    rest |= {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    return State(parameters, rest)


def check_trainable(model: nn.Module) -> None:
    """Raise unless the model has parameters to train."""
    if not isinstance(model, nn.Module):
        remedy = "pass what it returns" if callable(model) else "pass e.g. torch.nn.Linear(2, 1)"
        _refuse("a torch module to train", type(model).__name__, remedy)
    parameters = list(model.parameters())
    if any(nn.parameter.is_lazy(parameter) for parameter in parameters):
        _refuse("initialized parameters", "lazy ones", "run the model on one batch first")
    if any(parameter.is_meta for parameter in parameters):
        _refuse(
            "parameters with values", "some on the meta device", "call model.to_empty(device=...) and initialize it"
        )
    if not any(parameter.requires_grad for parameter in parameters):
        got = "all frozen" if parameters else f"no parameters in {type(model).__name__}"
        _refuse("a model with trainable parameters", got, "set requires_grad_(True) on those that should train")


class Step:
    """`step(state, batch, hyper) -> state, loss` for one model; nothing that goes in is changed.

    Its two halves, `gradients` and `update`, are there for loops that look at the loss before they move.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimizer: Optimizer,
        *,
        differentiable: bool = False,
        accumulation: int = 1,
        autocast: bool = False,
    ) -> None:
        self.model, self.objective, self.optimizer = model, objective, optimizer
        self.differentiable, self.accumulation, self.autocast = differentiable, accumulation, autocast
        self.moving = tuple(name for name, _ in model.named_buffers())
        # functional_call spends a tenth of a small step on looking for shared parameters
        self.tied = len(list(model.named_parameters(remove_duplicate=False))) > len(list(model.named_parameters()))

    def __call__(self, state: State, batch: Batch, hyper: Hyper) -> tuple[State, torch.Tensor]:
        loss, gradients, buffers = self.gradients(state, batch)
        return self.update(state, gradients, buffers, hyper), loss

    def gradients(self, state: State, batch: Batch) -> tuple[torch.Tensor, Tensors, Tensors]:
        """The loss, its gradient in every parameter, and the buffers after the forward pass."""
        leaves = {name: self._leaf(value) for name, value in state.parameters.items()}
        wanted = tuple(leaves.values())
        buffers, total, sums = state.buffers, None, None
        for share, part in self._parts(batch):
            loss, buffers = self.loss(leaves, buffers, part)
            found = torch.autograd.grad(
                loss, wanted, create_graph=self.differentiable, allow_unused=True, materialize_grads=True
            )
            if not self.differentiable:
                loss = loss.detach()
            if share == 1:
                return loss, dict(zip(leaves, found, strict=True)), buffers
            total = loss * share if total is None else total + loss * share
            sums = [new * share if sums is None else sums[i] + new * share for i, new in enumerate(found)]
        assert total is not None and sums is not None  # a batch has at least one part
        return total, dict(zip(leaves, sums, strict=True)), buffers

    def update(
        self, state: State, gradients: Tensors, buffers: Tensors, hyper: Hyper, *, in_place: bool = False
    ) -> State:
        """The state moved along the gradients."""
        memory = state.memory or self.optimizer.begin(state.parameters, hyper)
        parameters, memory = self.optimizer.update(
            state.parameters, gradients, memory, hyper, count=state.taken, in_place=in_place
        )
        return State(parameters, buffers, memory, state.taken + 1)

    def loss(self, parameters: Tensors, buffers: Tensors, batch: Batch) -> tuple[torch.Tensor, Tensors]:
        """The objective as a function of the parameters, and the buffers after the forward pass."""
        tensors = {**parameters, **buffers}
        for name in self.moving:  # modules write to their buffers in place
            tensors[name] = tensors[name].clone()
        model = BoundModel(self.model, tensors, tied=self.tied)
        with self._precision(batch):
            value = self.objective(model, batch)
        return value, {name: model.tensors[name] for name in buffers}

    def _leaf(self, parameter: torch.Tensor) -> torch.Tensor:
        if self.differentiable and parameter.requires_grad:
            return parameter
        return parameter.detach().requires_grad_()

    def _parts(self, batch: Batch) -> list[tuple[float, Batch]]:
        if self.accumulation == 1:
            return [(1.0, batch)]
        size = len(batch[0])
        pieces = zip(*(array.chunk(self.accumulation) for array in batch), strict=True)
        return [(len(piece[0]) / size, piece) for piece in pieces]

    def _precision(self, batch: Batch) -> AbstractContextManager:
        if not self.autocast:
            return nullcontext()
        return torch.autocast(batch[0].device.type, dtype=torch.bfloat16)


class ResidentStep(Step):
    """The step of a model that holds the state itself: nothing is swapped in and out, and all is overwritten.

    For loops over one model of their own: swapping parameters takes a tenth of a small network's step.
    """

    def __init__(self, model: nn.Module, *arguments: Any, **named: Any) -> None:
        super().__init__(model, *arguments, **named)
        self.places = {name: _place_of(model, name) for name in self.moving}

    def settle(self, state: State) -> State:
        """The state, whose parameters are now the model's own; the model's buffers are copies."""
        parameters, buffers = dict(self.model.named_parameters()), dict(self.model.named_buffers())
        for name, value in {**state.parameters, **state.buffers}.items():
            if name in parameters:
                parameters[name].data = value
            else:
                buffers[name].data = value.clone()
        return state._replace(parameters={name: parameters[name] for name in state.parameters})

    def loss(self, parameters: Tensors, buffers: Tensors, batch: Batch) -> tuple[torch.Tensor, Tensors]:
        """The objective of the model as it is, and the buffers after the forward pass."""
        with self._precision(batch):
            value = self.objective(self.model, batch)
        if self.places:
            buffers = dict(buffers)
            for name, (owner, key) in self.places.items():
                buffers[name] = owner[key].clone()
        return value, buffers

    def update(
        self, state: State, gradients: Tensors, buffers: Tensors, hyper: Hyper, *, in_place: bool = True
    ) -> State:
        """The state moved along the gradients, where it lies."""
        with torch.no_grad():
            return super().update(state, gradients, buffers, hyper, in_place=in_place)

    def _leaf(self, parameter: torch.Tensor) -> torch.Tensor:
        return parameter


class MappedStep(Step):
    """The step of a stacked ensemble: state, batch and hyper-parameters have one entry per member."""

    def gradients(self, state: State, batch: Batch) -> tuple[torch.Tensor, Tensors, Tensors]:
        """Losses, gradients and buffers of every member."""
        mapped = vmap(self._member, randomness="different")
        return mapped(state.parameters, state.buffers, tuple(batch))

    def _member(self, parameters: Tensors, buffers: Tensors, batch: Batch) -> tuple[torch.Tensor, Tensors, Tensors]:
        derive = grad_and_value(self.loss, has_aux=True)
        total, sums = None, None
        for share, part in self._parts(batch):
            found, (loss, buffers) = derive(parameters, buffers, part)
            if share == 1:
                return loss, found, buffers
            total = loss * share if total is None else total + loss * share
            sums = {k: found[k] * share if sums is None else sums[k] + found[k] * share for k in found}
        assert total is not None and sums is not None
        return total, sums, buffers


def _place_of(model: nn.Module, buffer: str) -> tuple[dict[str, Any], str]:
    # The dictionary that a buffer lies in, and its name there.
    path, _, key = buffer.rpartition(".")
    return model.get_submodule(path)._buffers, key


def build_step(
    model: nn.Module,
    loss: str | Loss | Objective = "cross_entropy",
    optimizer: str | Optimizer = "sgd",
    *,
    differentiable: bool = False,
    accumulation: int = 1,
    autocast: bool = False,
    stacked: bool = False,
) -> Step:
    """The pure training step of a model.

    Args:
        model: supplies the forward pass, in the mode it is in; its own values are neither used nor changed.
        loss: a standard loss's name, a callable `(outputs, targets) -> scalar`, or an `Objective`.
        optimizer: a name or an `Optimizer`.
        differentiable: keep the graph, so that the new state can be differentiated in the old one and in `hyper`.
        accumulation: number of parts a batch is computed in; the gradient is their mean, weighted by size.
        autocast: forward pass in bfloat16 where torch deems it safe.
        stacked: map it over the members of a stacked ensemble, hyper-parameters too.

    Returns:
        `step(state, batch, hyper) -> state, loss`, where `hyper` maps "lr" and the optimizer's own
        hyper-parameters (`Optimizer.hyper_parameters`) to numbers or tensors.

    Raises:
        InputError: unknown loss or optimizer, or nothing to train.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> step, state = build_step(model, "half_mse"), state_of(model)
    >>> batch = torch.tensor([[1.0]]), torch.tensor([[3.0]])
    >>> state, loss = step(state, batch, {"lr": 1.0, "weight_decay": 0.0})
    >>> state.parameters["weight"].item()
    3.0
    """
    check_trainable(model)
    if accumulation < 1:
        _refuse("accumulation of at least 1", str(accumulation), "pass the number of parts of a batch")
    return (MappedStep if stacked else Step)(
        model,
        objective_of(loss),
        optimizer_of(optimizer),
        differentiable=differentiable,
        accumulation=accumulation,
        autocast=autocast,
    )
