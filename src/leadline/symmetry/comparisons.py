"""How far two outputs that should agree are apart: as numbers, or as decisions."""

from dataclasses import dataclass

import torch
from torch import Tensor

from leadline.core import InputError

_FEW, _MANY = 8, 1000  # machine epsilons
_MOST = 0.01  # what many roundings add up to at most, in short types
_CLASSES = 1  # the axis of scores


@dataclass(frozen=True)
class Comparison:
    """Differences per example.

    Args:
        compares: "outputs", or "decisions": the highest score along axis 1, or the sign of a lone score.
        scale: magnitude of the outputs on the data; relative differences are over it or the outputs' own, if larger.
    """

    compares: str
    scale: float

    def violation(self, expected: Tensor, got: Tensor) -> Tensor:
        """Largest difference per example; of decisions the lead of another class over the expected one, at least 0."""
        if self.compares == "decisions":
            return lead(expected, got).clamp(min=0)
        return _by_example(got - expected).abs().amax(1)

    def relative(self, expected: Tensor, got: Tensor) -> Tensor:
        """The violation over the magnitude of the outputs."""
        size = torch.maximum(_by_example(expected).abs().amax(1), _by_example(got).abs().amax(1))
        size = size.clamp(min=max(self.scale, torch.finfo(size.dtype).tiny))
        return self.violation(expected, got) / size

    def objective(self, expected: Tensor, got: Tensor, direction: Tensor) -> Tensor:
        """What the search climbs. `direction` is a vector per example, for where nothing differs yet."""
        if self.compares == "decisions":
            return lead(expected, got).sum()
        difference = _by_example(got - expected)
        size = difference.detach().norm(dim=1, keepdim=True)
        differs = size > self.scale * tolerance_of(got.dtype)
        return (difference * torch.where(differs, difference.detach() / size.clamp(min=1e-30), direction)).sum()


def lead(expected: Tensor, got: Tensor) -> Tensor:
    """By how much another class beats, for the second outputs, the class that the first outputs decide for.

    >>> lead(torch.tensor([[2.0, 1.0]]), torch.tensor([[0.5, 3.0]])), lead(torch.tensor([-1.0]), torch.tensor([4.0]))
    (tensor([2.5000]), tensor([4.]))
    """
    if expected.ndim == 1 or expected.shape[_CLASSES] == 1:
        return _by_example(torch.where(expected > 0, -got, got)).amax(1)
    decided = expected.argmax(_CLASSES, keepdim=True)
    own = got.gather(_CLASSES, decided)
    others = got.scatter(_CLASSES, decided, -torch.inf).amax(_CLASSES, keepdim=True)
    return _by_example(others - own).amax(1)


def rounding_of(precision: torch.dtype) -> float:
    """Relative differences up to this come from a few roundings."""
    return _FEW * torch.finfo(precision).eps


def tolerance_of(precision: torch.dtype) -> float:
    """Relative differences up to this may be rounding that has added up.

    >>> tolerance_of(torch.float32), tolerance_of(torch.float16)
    (0.00011920928955078125, 0.01)
    """
    return max(rounding_of(precision), min(_MANY * torch.finfo(precision).eps, _MOST))


def comparison(operation: str, compares: str, outputs: Tensor) -> Comparison:
    """The comparison that suits a model whose outputs on the data are given."""
    if compares not in ("outputs", "decisions"):
        raise InputError(operation, expected='"outputs" or "decisions" to compare', got=repr(compares),
                         remedy="pass one of the two")  # fmt: skip
    return Comparison(compares, float(outputs.double().square().mean().sqrt()))


def _by_example(values: Tensor) -> Tensor:
    return values.reshape(len(values), -1)
