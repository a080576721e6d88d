"""Values that carry their tangents: the optimizers' own arithmetic, differentiated forward as it runs.

A `Number` is a float, a `Dual` a tensor; both hold their derivative in each of H hyper-parameters. An optimizer that is
given them computes its update and the derivatives of its update at once, whichever its rule. Only the arithmetic that
optimizers consist of has a rule here: element by element, a few kernels on all H tangents together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Number(float):
    """A float with its derivatives in H hyper-parameters.

    It equals a plain number only where its derivatives vanish as well, so that no rule takes it for a constant zero.

    >>> rate = Number(0.0, [1.0, 0.0])
    >>> (1 - 2 * rate).tangents, rate == 0
    (array([-2., -0.]), False)
    """

    tangents: np.ndarray

    def __new__(cls, value: float | int, tangents: Any) -> "Number":
        number = super().__new__(cls, value)
        number.tangents = np.asarray(tangents, dtype=float)
        return number

    def __eq__(self, other: object) -> bool:
        return float(self) == other and not self.tangents.any()

    def __ne__(self, other: object) -> bool:  # float has its own
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __neg__(self) -> "Number":
        return Number(-float(self), -self.tangents)

    def __add__(self, other: float | int) -> "Number":
        return Number(float(self) + float(other), self.tangents + _tangents(other))

    def __sub__(self, other: float | int) -> "Number":
        return Number(float(self) - float(other), self.tangents - _tangents(other))

    def __rsub__(self, other: float | int) -> "Number":
        return Number(float(other) - float(self), -self.tangents)

    def __mul__(self, other: float | int) -> "Number":
        return Number(float(self) * float(other), self.tangents * float(other) + _tangents(other) * float(self))

    def __truediv__(self, other: float | int) -> "Number":
        quotient = float(self) / float(other)
        return Number(quotient, (self.tangents - quotient * _tangents(other)) / float(other))

    def __rtruediv__(self, other: float | int) -> "Number":
        return Number(float(other), np.zeros_like(self.tangents)) / self

    def __pow__(self, exponent: float | int, modulus: None = None) -> "Number":
        slope = exponent * float(self) ** (exponent - 1) if float(self) or exponent >= 1 else 0.0
        return Number(float(self) ** exponent, slope * self.tangents)

    __radd__, __rmul__ = __add__, __mul__


class Dual(torch.Tensor):
    """A tensor with its derivatives in H hyper-parameters, stacked along a first axis.

    >>> both = Dual.of(torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0]]))
    >>> (both * both).tangents
    tensor([[2., 0.]])
    """

    value: torch.Tensor
    tangents: torch.Tensor

    @staticmethod
    def of(value: torch.Tensor, tangents: torch.Tensor) -> "Dual":
        """The tensor with these tangents."""
        dual = value.as_subclass(Dual)
        dual.value, dual.tangents = value, tangents
        return dual

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        rule = _RULES.get(func.__name__.strip("_"))
        if rule is not None:
            return rule(*args, **(kwargs or {}))
        if func.__name__ == "__get__":  # shape, dtype, ...
            return super().__torch_function__(func, types, args, kwargs or {})
        raise TypeError(f"Dual: no rule for the tangent of {func.__name__}")


def _tangents(number: float | int) -> Any:
    return number.tangents if isinstance(number, Number) else 0.0


Part = tuple[Any, torch.Tensor | None]  # value, tangents (None: a constant)


def _part(operand: Any, like: torch.Tensor) -> Part:
    if isinstance(operand, Dual):
        return operand.value, operand.tangents
    if isinstance(operand, Number):
        tangents = torch.tensor(operand.tangents.tolist(), dtype=like.dtype, device=like.device)
        return float(operand), tangents.view(-1, *[1] * like.ndim)
    return operand, None


def _sum(x: torch.Tensor | None, y: torch.Tensor | None, alpha: float | int = 1.0) -> torch.Tensor:
    if y is None:
        assert x is not None  # one of the operands is dual
        return x
    return alpha * y if x is None else torch.add(x, y, alpha=alpha)


def _product(x: Part, y: Part) -> torch.Tensor:
    left = None if x[1] is None else x[1] * y[0]
    return _sum(left, None if y[1] is None else y[1] * x[0])


def _add(x: Any, y: Any, *, alpha: float | int = 1.0) -> Dual:
    like = _first(x, y)
    (left, left_tangents), (right, right_tangents) = _part(x, like), _part(y, like)
    factor, factor_tangents = _part(alpha, like)
    tangents = None
    if left_tangents is not None or right_tangents is not None:
        tangents = _sum(left_tangents, right_tangents, factor)
    if factor_tangents is not None:
        tangents = factor_tangents * right if tangents is None else torch.addcmul(tangents, factor_tangents, right)
    assert tangents is not None
    return Dual.of(torch.add(left, right, alpha=factor) if alpha != 1 else left + right, tangents)


def _subtract(x: Any, y: Any) -> Dual:
    return _add(x, y, alpha=-1.0)


def _multiply(x: Any, y: Any) -> Dual:
    like = _first(x, y)
    first, second = _part(x, like), _part(y, like)
    return Dual.of(first[0] * second[0], _product(first, second))


def _divide(x: Any, y: Any) -> Dual:
    like = _first(x, y)
    (above, above_tangents), (below, below_tangents) = _part(x, like), _part(y, like)
    quotient = above / below
    change = None if below_tangents is None else quotient * below_tangents
    return Dual.of(quotient, _sum(above_tangents, change, -1.0) / below)


def _square_root(x: Dual) -> Dual:
    # At 0 the root has a corner; an optimizer's root is 0 only where its gradients have all been 0, and then the
    # quotient that it divides does not depend on the slope taken here.
    root = x.value.sqrt()
    return Dual.of(root, torch.where(root > 0, x.tangents / (2 * root), 0.0))


def _larger(x: Dual, y: Dual) -> Dual:
    return Dual.of(torch.maximum(x.value, y.value), torch.where(x.value >= y.value, x.tangents, y.tangents))


def _zeros(x: Dual) -> Dual:
    return Dual.of(torch.zeros_like(x.value), torch.zeros_like(x.tangents))


def _first(x: Any, y: Any) -> torch.Tensor:
    dual = x if isinstance(x, torch.Tensor) else y
    return dual.value if isinstance(dual, Dual) else dual


_RULES: dict[str, Callable[..., Dual]] = {
    "add": _add, "radd": _add, "sub": _subtract, "rsub": lambda x, y: _subtract(y, x),
    "mul": _multiply, "rmul": _multiply, "div": _divide, "truediv": _divide,
    "sqrt": _square_root, "maximum": _larger, "zeros_like": _zeros,
}  # fmt: skip
