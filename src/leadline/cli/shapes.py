"""Shapes and symbols as they are written on the command line: 1x3x224x224, 1xNICx32x32, NF=1..8."""

import re
from typing import Annotated, Any

import typer

from leadline.core.errors import InputError

Axes = tuple[int | str, ...]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="Shape of an input, batch first, e.g. 1x3x32x32, or 2x128:int64 with a type; repeat for several inputs.",
    ),
]


def read_shape(text: str, symbols: tuple[str, ...] = ()) -> Axes:
    """The axes of a shape; a name among `symbols` stays a name.

    >>> read_shape("1x3x224x224"), read_shape("1xNICx32x32", ("NIC",))
    ((1, 3, 224, 224), (1, 'NIC', 32, 32))
    """
    names = "|".join(map(re.escape, sorted(symbols, key=len, reverse=True)))  # a name may hold an x itself
    axis = rf"\d+|{names}" if names else r"\d+"
    if not re.fullmatch(rf"(?:{axis})(?:[x,](?:{axis}))*", text):
        remedy = f"write e.g. 1x3x32x32; names may be {', '.join(symbols)}" if symbols else "write e.g. 1x3x224x224"
        raise InputError("--input", expected="a shape", got=repr(text), remedy=remedy)
    return tuple(int(one) if one.isdigit() else one for one in re.findall(axis, text))


def read_inputs(texts: list[str]) -> dict[str, Any]:
    """The arguments that say so to an instrument: `input_size`, or `inputs` where a type is named (2x128:int64)."""
    parts = [text.partition(":") for text in texts]
    shapes = [tuple(int(axis) for axis in read_shape(shape)) for shape, _, _ in parts]
    if not any(kind for _, _, kind in parts):
        return {"input_size": shapes[0] if len(shapes) == 1 else shapes}
    import torch

    tensors = []
    for shape, (_, _, kind) in zip(shapes, parts, strict=True):
        dtype = getattr(torch, kind or "float32", None)
        if not isinstance(dtype, torch.dtype):
            raise InputError("--input", expected="a type of torch", got=repr(kind), remedy="write e.g. 2x128:int64")
        tensors.append(torch.zeros(shape, dtype=dtype))
    return {"inputs": tuple(tensors)}


def read_symbols(texts: list[str]) -> dict[str, tuple[int, int, int]]:
    """Ranges of symbols: low, high, step.

    >>> read_symbols(["NF=1..8", "side=4..32:4"])
    {'NF': (1, 8, 1), 'side': (4, 32, 4)}
    """
    ranges = {}
    for text in texts:
        match = re.fullmatch(r"([A-Za-z_]\w*)=(\d+)\.\.(\d+)(?::([1-9]\d*))?", text)
        if match is None or int(match[2]) > int(match[3]):
            raise InputError("--symbol", expected="NAME=LOW..HIGH", got=repr(text), remedy="write e.g. NF=1..8")
        ranges[match[1]] = (int(match[2]), int(match[3]), int(match[4] or 1))
    return ranges
