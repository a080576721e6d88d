"""The search for an input that breaks a symmetry: a few steps up the gradient of the violation, from many starts."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from leadline.core import torch_generator
from leadline.symmetry.comparisons import Comparison

STARTS = 16  # from the worst of the data, and as many from random inputs
_FIRST, _LAST = 0.3, 0.01  # step lengths, of the start's own length
_FINEST = 1e-6  # the last one for decisions, which change in a thin layer along their boundary
_SHORTEST = 1e-4  # of the longest example: what breaks a symmetry may lie near 0, as biases do

Outputs = Callable[[Tensor], tuple[Tensor, Tensor]]  # inputs -> the outputs expected and got


@dataclass(frozen=True)
class Ball:
    """Where the search stays: inputs no longer than the longest example, and within bounds where there are any."""

    radius: float
    bounds: tuple[float | int, float | int] | None

    def project(self, inputs: Tensor) -> Tensor:
        """The nearest inputs inside."""
        flat = inputs.reshape(len(inputs), -1)
        length = flat.norm(dim=1, keepdim=True)
        flat = flat * (self.radius / length.clamp(min=1e-30)).clamp(max=1)
        return (flat if self.bounds is None else flat.clamp(*self.bounds)).reshape(inputs.shape)


@dataclass(frozen=True)
class Found:
    """The worst input of a search with finite outputs.

    `is_blind` if no gradient led it; `left_domain` if it met inputs without finite outputs.
    """

    input: Tensor
    relative: float
    is_blind: bool
    left_domain: bool


def ball_around(inputs: Tensor, bounds: tuple[float | int, float | int] | None) -> Ball:
    """The ball that holds the data."""
    radius = float(inputs.reshape(len(inputs), -1).double().norm(dim=1).max())
    return Ball(radius or inputs[0].numel() ** 0.5, bounds)


def search(
    outputs: Outputs, compare: Comparison, data: Tensor, relative: Tensor, ball: Ball, *, steps: int, seed: int
) -> Found:
    """Climb from the examples with the largest violations and from random inputs of all lengths up to the longest.

    Where outputs are equal, the objective's gradient at the input vanishes too, so a random direction in the outputs
    is climbed instead. A climb that meets outputs which are not finite goes on from where it was before.
    """
    generator = torch_generator("symmetry", "search", seed)

    def normal(shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(data)

    worst = data[relative.argsort(descending=True)[:STARTS]]
    lengths = ball.radius * torch.logspace(0, math.log10(_SHORTEST), STARTS).to(data)[:, None]
    at = ball.project(torch.cat([worst, _scaled(normal(torch.Size((STARTS, *data.shape[1:]))), lengths)]))
    reach = at.reshape(len(at), -1).norm(dim=1, keepdim=True)
    reach = torch.where(reach > 0, reach, ball.radius)
    inside = worst[
        torch.arange(len(at), device=at.device) % len(worst)
    ]  # by climb the last input in the model's domain
    best, found, is_blind, left_domain = -1.0, inside[:1], True, False
    for step in range(steps + 1):
        at = at.detach().requires_grad_()
        expected, got = outputs(at)
        is_inside = (torch.isfinite(expected) & torch.isfinite(got)).reshape(len(at), -1).all(1)
        inside = torch.where(_column(is_inside, at), at.detach(), inside)
        left_domain |= not bool(is_inside.all())
        violations = compare.relative(expected.detach(), got.detach()).where(is_inside, -1.0)
        place = int(violations.argmax())
        if float(violations[place]) > best:
            best, found = float(violations[place]), at[place : place + 1].detach().clone()
        if step == steps:
            break
        direction = normal(got.reshape(len(got), -1).shape).to(got)
        objective = compare.objective(expected, got, direction)
        uphill, is_blind = _gradient(objective, at), is_blind and not objective.requires_grad
        flat = uphill.reshape(len(at), -1)
        lost = ~is_inside | ~torch.isfinite(flat).all(1) | (flat == 0).all(1)
        uphill[lost] = normal(uphill[lost].shape)
        at = ball.project(inside + _scaled(uphill, reach * _length(step / max(1, steps - 1), compare)))
    return Found(found, best, is_blind, left_domain)


def _length(done: float, compare: Comparison) -> float:
    if compare.compares == "decisions":
        return _FIRST * (_FINEST / _FIRST) ** done
    return _FIRST + (_LAST - _FIRST) * done


def _gradient(objective: Tensor, at: Tensor) -> Tensor:
    if not objective.requires_grad:
        return torch.zeros_like(at)
    (gradient,) = torch.autograd.grad(objective, at, allow_unused=True, materialize_grads=True)
    return gradient.clone()


def _scaled(vectors: Tensor, lengths: Tensor) -> Tensor:
    flat = vectors.reshape(len(vectors), -1)
    return (flat / flat.norm(dim=1, keepdim=True).clamp(min=1e-30) * lengths).reshape(vectors.shape)


def _column(by_example: Tensor, like: Tensor) -> Tensor:
    return by_example.reshape(-1, *[1] * (like.ndim - 1))
