"""Optimizers as pure functions: (parameters, gradients, memory, hyper-parameters) -> (parameters, memory).

Every hyper-parameter is a number, a scalar tensor (then the update can be differentiated in it), or a tensor with
one value per member of a stacked ensemble. Scalars are combined in their own precision, then cast to the
parameter's: `1 - beta2**t` in float32 would lose four digits.

Weight decay comes in three kinds, which differ in what `weight_decay` multiplies:
    l2                  gradient += weight_decay * parameter       (the optimizer's momenta and scaling see it)
    decoupled           parameter *= 1 - lr * weight_decay         (torch's AdamW)
    decoupled_unscaled  parameter *= 1 - weight_decay              (independent of the learning rate)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from leadline.core import refuse

_refuse = partial(refuse, "Optimizer")

Scalar = float | int | torch.Tensor
Hyper = Mapping[str, Scalar]
Tensors = dict[str, torch.Tensor]
Memory = dict[str, Tensors]  # slot -> parameter name -> tensor
_DECAYS = ("l2", "decoupled", "decoupled_unscaled")

_DEFAULTS: dict[str, dict[str, float | None]] = {  # torch's; None: off unless given
    "sgd": {"weight_decay": 0.0},
    "momentum": {"weight_decay": 0.0, "momentum": 0.9, "dampening": 0.0},
    "nesterov": {"weight_decay": 0.0, "momentum": 0.9},
    "rmsprop": {"weight_decay": 0.0, "smoothing": 0.99, "eps": 1e-8, "momentum": None},
    "adam": {"weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}
HYPER_PARAMETERS = tuple(dict.fromkeys(name for defaults in _DEFAULTS.values() for name in defaults))


@dataclass(frozen=True)
class Optimizer:
    """Which update rule; its numbers are hyper-parameters and come with every step.

    Attributes:
        name: sgd, momentum, nesterov, rmsprop, adam or adamw.
        decay: the kind of weight decay; None: decoupled for adamw, l2 for all others.
        eps_inside_root: rmsprop and adam divide by sqrt(v + eps) instead of sqrt(v) + eps.
        centered: rmsprop divides by the standard deviation instead of the root mean square.
        amsgrad: adam divides by the largest second moment so far.
        maximize: go up the gradient; decay still goes down.

    >>> Optimizer("adam").hyper_parameters(beta1=0.8)
    {'weight_decay': 0.0, 'beta1': 0.8, 'beta2': 0.999, 'eps': 1e-08}
    """

    name: str = "sgd"
    decay: str | None = None
    eps_inside_root: bool = False
    centered: bool = False
    amsgrad: bool = False
    maximize: bool = False

    def __post_init__(self) -> None:
        if self.name not in _DEFAULTS:
            _refuse("one of " + ", ".join(_DEFAULTS), repr(self.name), "pass one of these names")
        if self.decay not in (None, *_DECAYS):
            _refuse("decay l2, decoupled or decoupled_unscaled", repr(self.decay), "pass one of these names")
        adaptive = self.name in ("rmsprop", "adam", "adamw")
        for option, allowed in (
            ("eps_inside_root", adaptive),
            ("centered", self.name == "rmsprop"),
            ("amsgrad", adaptive and self.name != "rmsprop"),
        ):
            if getattr(self, option) and not allowed:
                _refuse(f"an optimizer that has {option}", self.name, f"leave {option} out")

    def hyper_parameters(self, **given: float | None) -> dict[str, float]:
        """The rule's hyper-parameters beside the learning rate: torch's defaults, overridden by what is not None."""
        defaults = _DEFAULTS[self.name]
        for name, value in given.items():
            if value is not None and name not in defaults:
                _refuse("one of lr, " + ", ".join(defaults), name, f"{self.name} has no {name}: leave it out")
        chosen = {name: given[name] if given.get(name) is not None else defaults[name] for name in defaults}
        return {name: value for name, value in chosen.items() if value is not None}

    def slots(self, hyper: Hyper) -> tuple[str, ...]:
        """What the rule remembers of every parameter."""
        if self.name in ("momentum", "nesterov"):
            return ("velocity",)
        if self.name == "rmsprop":
            return ("square", *["mean"] * self.centered, *["velocity"] * ("momentum" in hyper))
        if self.name in ("adam", "adamw"):
            return ("mean", "square", *["largest_square"] * self.amsgrad)
        return ()

    def begin(self, parameters: Tensors, hyper: Hyper) -> Memory:
        """The memory before the first step."""
        return {
            slot: {name: torch.zeros_like(value) for name, value in parameters.items()} for slot in self.slots(hyper)
        }

    def update(
        self,
        parameters: Tensors,
        gradients: Tensors,
        memory: Memory,
        hyper: Hyper,
        *,
        count: int | torch.Tensor,
        in_place: bool = False,
    ) -> tuple[Tensors, Memory]:
        """Parameters and memory after one step; `count` steps came before it (0: the number, not a tensor).

        `in_place` writes the new values over the old ones: the same numbers without new memory.
        """
        scalars = _NUMBERS[self.name](self, hyper, count)
        fitting: dict[tuple[torch.dtype, int], Numbers] = {}
        put, first = _InPlace if in_place else _Pure, not isinstance(count, torch.Tensor) and count == 0
        moved: Tensors = {}
        kept: Memory = {slot: {} for slot in memory}
        for name, parameter in parameters.items():
            kind = parameter.dtype, parameter.ndim
            if kind not in fitting:
                fitting[kind] = {key: _fit(value, parameter) for key, value in scalars.items()}
            numbers = fitting[kind]
            gradient = -gradients[name] if self.maximize else gradients[name]
            gradient, shrunk = self._decay(gradient, parameter, numbers, put)
            slots = {slot: values[name] for slot, values in memory.items()}
            direction, slots = _DIRECTIONS[self.name](self, gradient, slots, numbers, put, first)
            moved[name] = put.add(shrunk, direction, numbers["move"])
            for slot, value in slots.items():
                kept[slot][name] = value
        return moved, kept

    def _decay(
        self, gradient: torch.Tensor, parameter: torch.Tensor, numbers: dict[str, Scalar], put: "type[_Pure]"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rate, kind = numbers["weight_decay"], self.decay or ("decoupled" if self.name == "adamw" else "l2")
        if isinstance(rate, float | int) and rate == 0:
            return gradient, parameter
        if kind == "l2":
            return _Pure.add(gradient, parameter, rate), parameter
        shrink = rate * numbers["lr"] if kind == "decoupled" else rate
        return gradient, put.mul(parameter, 1 - shrink)


class _Pure:
    """Arithmetic that makes new tensors."""

    mul = staticmethod(torch.mul)

    @staticmethod
    def add(x: torch.Tensor, y: torch.Tensor, factor: Scalar) -> torch.Tensor:
        if isinstance(factor, torch.Tensor):
            return torch.addcmul(x, y, factor)
        return torch.add(x, y, alpha=factor)


class _InPlace(_Pure):
    """The same arithmetic, written over its first argument."""

    mul = staticmethod(torch.Tensor.mul_)

    @staticmethod
    def add(x: torch.Tensor, y: torch.Tensor, factor: Scalar) -> torch.Tensor:
        if isinstance(factor, torch.Tensor):
            return x.addcmul_(y, factor)
        return x.add_(y, alpha=factor)


def _fit(value: Scalar, parameter: torch.Tensor) -> Scalar:
    # In the parameter's precision; one value per member is lined up with the first axis of the stacked parameter.
    if not isinstance(value, torch.Tensor):
        return value
    value = value.to(parameter.dtype)
    return value if value.ndim == 0 else value.view(-1, *[1] * (parameter.ndim - 1))


Numbers = dict[str, Scalar]
Slots = dict[str, torch.Tensor]


def _plain_numbers(optimizer: Optimizer, hyper: Hyper, count: int | torch.Tensor) -> Numbers:
    return {**hyper, "move": -hyper["lr"]}


def _adam_numbers(optimizer: Optimizer, hyper: Hyper, count: int | torch.Tensor) -> Numbers:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    first, second = 1 - beta1 ** (count + 1), 1 - beta2 ** (count + 1)
    # sqrt(v / second) + eps == (sqrt(v) + eps sqrt(second)) / sqrt(second): the corrections become scalars
    eps = hyper["eps"] * (second if optimizer.eps_inside_root else second**0.5)
    return {**hyper, "eps": eps, "move": -hyper["lr"] * second**0.5 / first,
            "new1": 1 - beta1, "new2": 1 - beta2}  # fmt: skip


def _rmsprop_numbers(optimizer: Optimizer, hyper: Hyper, count: int | torch.Tensor) -> Numbers:
    return {**hyper, "move": -hyper["lr"], "new": 1 - hyper["smoothing"]}


def _momentum_numbers(optimizer: Optimizer, hyper: Hyper, count: int | torch.Tensor) -> Numbers:
    return {**hyper, "move": -hyper["lr"], "new": 1 - hyper.get("dampening", 0.0)}


def _along_gradient(
    optimizer: Optimizer, gradient: torch.Tensor, slots: Slots, numbers: Numbers, put: type[_Pure], first: bool
) -> tuple[torch.Tensor, Slots]:
    return gradient, slots


def _along_velocity(
    optimizer: Optimizer, gradient: torch.Tensor, slots: Slots, numbers: Numbers, put: type[_Pure], first: bool
) -> tuple[torch.Tensor, Slots]:
    decayed = put.mul(slots["velocity"], numbers["momentum"])
    velocity = put.add(decayed, gradient, 1.0 if first else numbers["new"])  # torch dampens from the second step on
    along = _Pure.add(gradient, velocity, numbers["momentum"]) if optimizer.name == "nesterov" else velocity
    return along, {"velocity": velocity}


def _along_scaled_gradient(
    optimizer: Optimizer, gradient: torch.Tensor, slots: Slots, numbers: Numbers, put: type[_Pure], first: bool
) -> tuple[torch.Tensor, Slots]:
    square = put.add(put.mul(slots["square"], numbers["smoothing"]), gradient * gradient, numbers["new"])
    kept = {"square": square}
    spread = square
    if optimizer.centered:
        mean = put.add(put.mul(slots["mean"], numbers["smoothing"]), gradient, numbers["new"])
        kept["mean"] = mean
        spread = square - mean * mean
    along = gradient / _root(spread, numbers["eps"], optimizer.eps_inside_root)
    if "velocity" in slots:
        along = put.add(put.mul(slots["velocity"], numbers["momentum"]), along, 1.0)
        kept["velocity"] = along
    return along, kept


def _along_scaled_mean(
    optimizer: Optimizer, gradient: torch.Tensor, slots: Slots, numbers: Numbers, put: type[_Pure], first: bool
) -> tuple[torch.Tensor, Slots]:
    mean = put.add(put.mul(slots["mean"], numbers["beta1"]), gradient, numbers["new1"])
    square = put.add(put.mul(slots["square"], numbers["beta2"]), gradient * gradient, numbers["new2"])
    kept = {"mean": mean, "square": square}
    if optimizer.amsgrad:
        square = kept["largest_square"] = torch.maximum(slots["largest_square"], square)
    return mean / _root(square, numbers["eps"], optimizer.eps_inside_root), kept


def _root(square: torch.Tensor, eps: Scalar, inside: bool) -> torch.Tensor:
    if inside:
        return (square + eps).sqrt()
    if square.requires_grad:
        # The root has no slope where the square is exactly 0; where it is nothing beside eps it has, and what it
        # divides is 0 there.
        square = square.clamp_min(torch.finfo(square.dtype).tiny)
    return square.sqrt() + eps


_NUMBERS: dict[str, Callable[[Optimizer, Hyper, int | torch.Tensor], Numbers]] = {
    "sgd": _plain_numbers,
    "momentum": _momentum_numbers,
    "nesterov": _momentum_numbers,
    "rmsprop": _rmsprop_numbers,
    "adam": _adam_numbers,
    "adamw": _adam_numbers,
}
_DIRECTIONS = {
    "sgd": _along_gradient,
    "momentum": _along_velocity,
    "nesterov": _along_velocity,
    "rmsprop": _along_scaled_gradient,
    "adam": _along_scaled_mean,
    "adamw": _along_scaled_mean,
}


def optimizer_of(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of that name, with torch's conventions.

    Raises:
        InputError: there is none.

    >>> optimizer_of("rmsprop")
    Optimizer(name='rmsprop', decay=None, eps_inside_root=False, centered=False, amsgrad=False, maximize=False)
    """
    return optimizer if isinstance(optimizer, Optimizer) else Optimizer(optimizer)
