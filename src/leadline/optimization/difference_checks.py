"""Do autograd's derivatives agree with differences? Not where a model hides parameters by `no_grad` or `detach`.

The derivative of a training run needs that of the loss and, along the run, that of its gradient. Where part of a model
is hidden both come out wrong without a word, and forward and reverse mode may differ. In float64, on a few examples, a
difference tells at the price of four gradients. Three are taken before an alarm is given: a kink of the model that lies
in between spoils the gradient's difference when it is long, single precision inside the model when it is short.
"""

import math

import torch

from leadline.core import random_state_kept, torch_generator, twin
from leadline.training import State, Step
from leadline.training.objectives import Batch
from leadline.training.optimizers import Tensors

_LENGTHS = (1e-7, 1e-6, 1e-3)  # of the differences, in sizes of the parameters
_TOLERANCE = 1e-2
_FEW = 16  # examples
_SEED = 0  # the same dropout everywhere


def hidden_derivatives(step: Step, start: State, batch: Batch) -> tuple[str, ...]:
    """What autograd does not see of the loss at these parameters, as caveats; none where it cannot be told.

    >>> from torch import nn
    >>> from leadline.training import build_step, state_of
    >>> class Hiding(nn.Linear):
    ...     def forward(self, x):
    ...         return super().forward(x) * self.weight.detach().sum()
    >>> _ = torch.manual_seed(0)
    >>> model, batch = Hiding(2, 1), (torch.ones(3, 2), torch.ones(3, 1))
    >>> [caveat] = hidden_derivatives(build_step(model, "mse", differentiable=True), state_of(model), batch)
    >>> caveat.split(":")[0]
    'autograd and differences disagree on the derivative of the loss and of its gradient'
    """
    double = Step(twin(step.model).double(), step.objective, step.optimizer, differentiable=True)
    state = start.map(_double)._replace(memory={})
    few = tuple(_double(array[:_FEW]) for array in batch)
    with random_state_kept():
        try:
            unseen = _unseen(double, state, few)
            wrong = {"the loss", "its gradient"}
            for length in _LENGTHS:
                wrong = wrong and wrong & _disagreements(double, state, few, length)
        except Exception:  # noqa: BLE001 - does not run in float64; or not at all, and then the run will say so
            return ()
    found = []
    if unseen:
        found.append(f"no gradient reaches {', '.join(unseen)}")
    if wrong:
        what = " and of ".join(sorted(wrong, reverse=True))
        found.append(
            f"autograd and differences disagree on the derivative of {what}: something is hidden from autograd "
            "(no_grad, detach, a straight-through estimator), or the loss has a jump or kink right here"
        )
    return tuple(found)


def _unseen(step: Step, state: State, batch: Batch) -> list[str]:
    leaves = _leaves(state.parameters)
    loss, _ = step.loss(leaves, state.buffers, batch)
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return [name for name, gradient in zip(leaves, gradients, strict=True) if gradient is None]


def _disagreements(step: Step, state: State, batch: Batch, length: float) -> set[str]:
    along = {name: _direction(name, value, length) for name, value in state.parameters.items()}
    flat = torch.cat([one.flatten() for one in along.values()])
    loss, gradient, product = _derivatives(step, state, batch, flat)
    (above, gradient_above, _), (below, gradient_below, _) = [
        _derivatives(step, _moved(state, along, sign * length), batch) for sign in (1, -1)
    ]
    change, curving = (above - below) / (2 * length), (gradient_above - gradient_below) / (2 * length)
    # Along a random direction, a derivative is a share 1/sqrt(parameters) of what it could be.
    usual = float(gradient.norm() * flat.norm()) / math.sqrt(len(flat))
    rounding = 100 * torch.finfo(torch.float64).eps / length
    size = float(curving.norm() + product.norm())
    wrong = set()
    if not abs(change - float(gradient @ flat)) <= _TOLERANCE * (abs(change) + usual) + rounding * abs(loss):
        wrong.add("the loss")
    if not float((curving - product).norm()) <= _TOLERANCE * size + rounding * float(gradient.norm()):
        wrong.add("its gradient")
    return wrong


def _direction(name: str, value: torch.Tensor, length: float) -> torch.Tensor:
    size = float(value.square().mean().sqrt()) or 1.0
    generator = torch_generator("direction", name, str(length))
    return size * torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value.device)


def _moved(state: State, along: Tensors, length: float) -> State:
    return state._replace(parameters={name: value + length * along[name] for name, value in state.parameters.items()})


def _derivatives(
    step: Step, state: State, batch: Batch, along: torch.Tensor | None = None
) -> tuple[float, torch.Tensor, torch.Tensor]:
    # The loss, its gradient, and the Hessian times a direction.
    torch.manual_seed(_SEED)
    leaves = _leaves(state.parameters)
    loss, gradients, _ = step.gradients(state._replace(parameters=leaves), batch)
    flat = torch.cat([gradient.flatten() for gradient in gradients.values()])
    if along is None or not flat.requires_grad:
        return loss.item(), flat.detach(), torch.zeros_like(flat)
    parts = torch.autograd.grad(flat @ along, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return loss.item(), flat.detach(), torch.cat([part.flatten() for part in parts])


def _leaves(parameters: Tensors) -> Tensors:
    return {name: value.detach().requires_grad_() for name, value in parameters.items()}


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() if tensor.dtype.is_floating_point else tensor
