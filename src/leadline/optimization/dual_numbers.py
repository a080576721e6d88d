"""Tensors that carry their tangents: the optimizers' own arithmetic, differentiated forward as it runs.

An optimizer that is given dual parameters, gradients and hyper-parameters computes its update and the derivatives of
its update at once, whichever its rule. Only the arithmetic that optimizers consist of has a rule here: element by
element, a few kernels on all H tangents together.
"""

from collections.abc import Callable
from typing import Any

import torch


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


Operand = torch.Tensor | float | int
Part = tuple[Any, Any]  # value, tangents; 0 where it is a constant


def _parts(*operands: Operand) -> list[Part]:
    # Tangents of scalars get the axes of those that they meet.
    most = max(one.ndim for one in operands if isinstance(one, torch.Tensor))
    return [
        (one.value, one.tangents if one.ndim == most else one.tangents.view(-1, *[1] * most))
        if isinstance(one, Dual)
        else (one, None)
        for one in operands
    ]


def _plus(x: torch.Tensor | None, y: torch.Tensor | None, factor: Operand = 1.0) -> Any:
    if y is None or x is None:
        return x if y is None else y * factor
    return torch.add(x, y, alpha=factor) if isinstance(factor, float | int) else torch.addcmul(x, y, factor)


def _times(x: Any, y: Any) -> Any:
    return None if x is None else x * y


def _add(x: Operand, y: Operand, *, alpha: float | int = 1) -> Dual:
    (left, left_tangents), (right, right_tangents) = _parts(x, y)
    value = left + right if alpha == 1 else torch.add(left, right, alpha=alpha)
    return Dual.of(value, _plus(left_tangents, right_tangents, alpha))


def _add_product(x: Operand, y: Operand, z: Operand) -> Dual:
    (base, base_tangents), (left, left_tangents), (right, right_tangents) = _parts(x, y, z)
    tangents = _plus(base_tangents, left_tangents, right)
    return Dual.of(torch.addcmul(base, left, right), _plus(tangents, right_tangents, left))


def _multiply(x: Operand, y: Operand) -> Dual:
    (left, left_tangents), (right, right_tangents) = _parts(x, y)
    return Dual.of(left * right, _plus(_times(left_tangents, right), right_tangents, left))


def _divide(x: Operand, y: Operand) -> Dual:
    (above, above_tangents), (below, below_tangents) = _parts(x, y)
    quotient = above / below
    return Dual.of(quotient, _plus(above_tangents, _times(below_tangents, quotient), -1) / below)


def _power(x: Operand, y: Operand) -> Dual:
    (base, tangents), (exponent, _) = _parts(x, y)
    return Dual.of(base**exponent, tangents * (exponent * base ** (exponent - 1)))


def _square_root(x: Dual) -> Dual:
    # At 0 the root has a corner; an optimizer's root is 0 only where its gradients have all been 0, and then the
    # quotient that it divides does not depend on the slope taken here.
    root = x.value.sqrt()
    return Dual.of(root, torch.where(root > 0, x.tangents / (2 * root), 0.0))


def _larger(x: Dual, y: Dual) -> Dual:
    return Dual.of(torch.maximum(x.value, y.value), torch.where(x.value >= y.value, x.tangents, y.tangents))


def _each(change: Callable[..., torch.Tensor]) -> Callable[..., Dual]:
    # Of what does the same to a value and to its tangents.
    return lambda x, *more: Dual.of(change(x.value, *more), change(x.tangents, *more))


_RULES: dict[str, Callable[..., Dual]] = {
    "add": _add, "radd": _add, "sub": lambda x, y: _add(x, y, alpha=-1), "rsub": lambda x, y: _add(y, x, alpha=-1),
    "mul": _multiply, "rmul": _multiply, "addcmul": _add_product, "neg": _each(torch.neg),
    "div": _divide, "truediv": _divide, "rdiv": lambda x, y: _divide(y, x), "rtruediv": lambda x, y: _divide(y, x),
    "pow": _power, "sqrt": _square_root, "maximum": _larger,
    "zeros_like": _each(torch.zeros_like), "to": _each(torch.Tensor.to),
}  # fmt: skip
