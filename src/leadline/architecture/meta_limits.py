"""What a real kernel refuses and the meta device lets pass: a profile never describes a network that cannot run."""

from typing import Any

from torch import Tensor
from torch._ops import OpOverload


def refuse_what_kernels_refuse(operator: OpOverload, arguments: tuple) -> None:
    """Raise what the real operator would raise for these arguments, where meta would not."""
    name = operator._schema.name.split("::")[1]
    if name.startswith("conv") or name == "linear":
        _refuse_mixed_types(name, arguments)
    if name.startswith("conv_transpose"):
        _refuse_output_padding(name, arguments)


def _refuse_mixed_types(name: str, arguments: tuple) -> None:
    types = [argument.dtype for argument in arguments[:3] if isinstance(argument, Tensor)]
    if len(set(types)) > 1:
        raise RuntimeError(f"{name}: input and weights have different types, {' and '.join(map(str, types[:2]))}")


def _refuse_output_padding(name: str, arguments: tuple) -> None:
    axes = arguments[1].dim() - 2
    stride, _, output_padding, _, dilation = (
        _per_axis(arguments[place] if len(arguments) > place else default, axes)
        for place, default in ((3, 1), (4, 0), (5, 0), (6, 1), (7, 1))
    )
    for s, extra, d in zip(stride, output_padding, dilation, strict=True):
        if extra >= max(s, d):
            raise RuntimeError(
                f"{name}: output padding must be smaller than stride or dilation, got {extra} >= {s}, {d}"
            )


def _per_axis(value: Any, axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values
