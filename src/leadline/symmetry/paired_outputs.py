"""The two outputs that a symmetry says agree, from a caller's model and transforms, whatever these give or raise."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leadline.core import InputError, borrow, caller_errors, random_state_kept
from leadline.symmetry.transforms import Transform

_ROWS = 512  # examples per forward pass

Model = nn.Module | Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PairedOutputs:
    """Of inputs: the (transformed) output, and the output for the transformed inputs.

    Args:
        operation: named in errors.
        model: a function of a batch.
        change: of the inputs.
        image: of the outputs; None leaves them.
    """

    operation: str
    model: Callable[[Tensor], Any]
    change: Transform
    image: Transform | None

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Expected and got; neither need be finite."""
        expected = outputs_of(self.operation, self.model, inputs)
        if self.image is not None:
            expected = outputs_of(self.operation, self.image, expected)
        # A caller's transform may write on what it is given.
        got = outputs_of(self.operation, self.model, _called(self.operation, self.change, inputs * 1))
        if got.shape != expected.shape:
            kept = f"outputs of shape {tuple(expected.shape)} under {self.change.name}"
            raise InputError(self.operation, expected=kept, got=str(tuple(got.shape)),
                             remedy="pass a transform that keeps the shape, or the output's transform")  # fmt: skip
        return expected, got

    def on_data(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """Expected and got, all finite."""
        with torch.no_grad():
            pairs = [self(part) for part in data.split(_ROWS)]
        expected, got = (_finite(self.operation, torch.cat(side)) for side in zip(*pairs, strict=True))
        return expected, got


@contextmanager
def lent(model: Model) -> Iterator[Callable[[Tensor], Tensor]]:
    """The model in evaluation mode, without gradients of its parameters; afterwards nothing has changed."""
    if isinstance(model, nn.Module):
        with borrow(model, training=False) as borrowed:
            borrowed.requires_grad_(False)
            yield borrowed
    else:
        with random_state_kept():
            yield model


def outputs_on(operation: str, model: Callable[[Tensor], Any], data: Tensor) -> Tensor:
    """The finite outputs for all data."""
    with torch.no_grad():
        return _finite(operation, torch.cat([outputs_of(operation, model, part) for part in data.split(_ROWS)]))


def outputs_of(operation: str, model: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    """Outputs as real numbers."""
    outputs = _called(operation, model, inputs)
    return outputs if outputs.is_floating_point() else outputs.double()


def _called(operation: str, function: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
    expected = f"the model and the transforms to run on shape {tuple(inputs.shape)}"
    with caller_errors(operation, expected=expected, remedy="call them by hand and mend them"):
        outputs = function(inputs)
    if not isinstance(outputs, Tensor) or not outputs.ndim or len(outputs) != len(inputs):
        what = f"shape {tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__
        raise InputError(operation, expected="one tensor with a row per example from the model and each transform",
                         got=f"{what} for {len(inputs)} examples", remedy="wrap what gives it")  # fmt: skip
    return outputs


def _finite(operation: str, outputs: Tensor) -> Tensor:
    if not torch.isfinite(outputs).all():
        raise InputError(operation, expected="finite outputs on the data", got="nan or inf",
                         remedy="check the model's weights")  # fmt: skip
    return outputs
