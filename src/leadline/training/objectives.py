"""The objective: what a training step makes small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from leadline.core import InputError, refuse

Batch = Sequence[torch.Tensor]  # model inputs, then the targets
Loss = Callable[[Any, Any], torch.Tensor]  # (outputs, targets) -> scalar


def _half_mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(outputs, targets) / 2


def _elementwise(name: str, loss: Loss) -> Loss:
    # Torch would pair each of N outputs in a column with each of N targets in a row.
    def paired(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if targets.shape != outputs.shape:
            if (*targets.shape, 1) != outputs.shape and (*outputs.shape, 1) != targets.shape:
                raise InputError(
                    name,
                    expected=f"a target for each of the outputs, of shape {tuple(outputs.shape)}",
                    got=f"targets of shape {tuple(targets.shape)}",
                    remedy="reshape the targets, or give the model as many outputs",
                )
            targets = targets.view_as(outputs)
        return loss(outputs, targets.to(outputs.dtype))

    paired.__name__ = name
    return paired


STANDARD_LOSSES: dict[str, Loss] = {
    "cross_entropy": functional.cross_entropy,
    "nll": functional.nll_loss,
    **{
        name: _elementwise(name, loss)
        for name, loss in {
            "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
            "mse": functional.mse_loss,
            "half_mse": _half_mean_squared_error,
            "mae": functional.l1_loss,
            "huber": functional.huber_loss,
        }.items()
    },
}


def may_be_ignored(targets: torch.Tensor) -> bool:
    """Whether some may be classes that torch's losses skip: -100.

    >>> may_be_ignored(torch.tensor([0, -100])), may_be_ignored(torch.tensor([-0.5]))
    (True, False)
    """
    return not targets.is_floating_point() and int(targets.min()) < 0


@dataclass(frozen=True, eq=False)
class Objective:
    """A scalar function of a model and a batch.

    Attributes:
        name: how results call it.
        function: `(model, batch) -> scalar`; `model` is called like the module itself, and has its `parameters()` and
            `named_parameters()`, which need not be the module's own tensors.
        loss: `(outputs, targets) -> scalar` where the objective is one of the outputs for `batch[:-1]` and of
            `batch[-1]`; None otherwise.

    >>> import torch
    >>> penalty = Objective("energy", lambda model, batch: model(batch[0]).square().mean())
    >>> float(penalty.function(torch.relu, [torch.tensor([-1.0, 2.0])]))
    2.0
    """

    name: str
    function: Callable[[Callable[..., Any], Batch], Any]
    loss: Loss | None = None

    def __call__(self, model: Callable[..., Any], batch: Batch) -> torch.Tensor:
        value = self.function(model, batch)
        if not isinstance(value, torch.Tensor) or value.ndim != 0:
            shape = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise InputError(
                "objective",
                expected=f"a scalar tensor from the loss {self.name!r}",
                got=f"shape {shape}" if isinstance(shape, tuple) else shape,
                remedy="reduce it over the batch, e.g. by .mean()",
            )
        return value


def objective_of(loss: "str | Loss | Objective") -> Objective:
    """The objective for a standard loss's name, a callable `(outputs, targets) -> scalar`, or an `Objective`.

    `half_mse` is half of `mse`; both average over every element of the outputs. `binary_cross_entropy` takes logits.
    Losses by element want targets of the outputs' shape; an axis of length 1 at the end may be missing.

    Raises:
        InputError: no standard loss has that name.

    >>> objective_of("half_mse").loss(torch.zeros(2), torch.ones(2))
    tensor(0.5000)
    """
    if isinstance(loss, Objective):
        return loss
    if isinstance(loss, str):
        if loss not in STANDARD_LOSSES:
            raise InputError(
                "objective_of",
                expected="one of " + ", ".join(STANDARD_LOSSES),
                got=repr(loss),
                remedy="pass one of these names or a function (outputs, targets) -> scalar",
            )
        name, function = loss, STANDARD_LOSSES[loss]
    elif not callable(loss):
        refuse("objective_of", "a loss's name, a function or an Objective", repr(loss), 'pass e.g. "mse"')
    else:
        name, function = getattr(loss, "__name__", type(loss).__name__), loss

    def evaluate(model: Callable[..., Any], batch: Batch) -> Any:  # checked by the objective
        return function(model(*batch[:-1]), batch[-1])

    return Objective(name, evaluate, function)
