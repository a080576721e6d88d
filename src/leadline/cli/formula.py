"""`leadline formula`: a count as a polynomial in hyper-parameters."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from leadline.cli.output import Json, show
from leadline.cli.shapes import Axes, read_shape, read_symbols
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside
from leadline.core.errors import InputError

Symbols = Annotated[
    list[str],
    typer.Option("--symbol", metavar="NAME=LOW..HIGH[:STEP]",
                 help="An argument of the factory or an axis of the input, and the values to try; repeatable."),
]  # fmt: skip


def print_formula(
    target: Target,
    symbols: Symbols,
    inputs: Annotated[
        list[str], typer.Option("--input", metavar="SHAPE", help="Shape of an input; an axis may be a symbol.")
    ],
    quantity: Annotated[
        str, typer.Option(help="What to count: parameters, macs, connections, activations...")
    ] = "macs",
    arguments: Arguments = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print the formula alone, as LaTeX.")] = False,
    as_json: Json = False,
) -> None:
    """The exact formula of a count, found by interpolation and confirmed at fresh points.

    Example: leadline formula leadline.models:vgg --arg depth=11 --symbol classes=1..4
    --input 1x3x224x224 --quantity parameters
    """
    ranges = read_symbols(symbols)
    shapes = [read_shape(text, tuple(ranges)) for text in inputs]
    factory = find_factory(target, arguments, open_names=tuple(ranges))
    _refuse_idle(factory, [name for name in ranges if not any(name in shape for shape in shapes)], target)
    from leadline.architecture import count_formula

    with printing_aside():
        result = count_formula(factory, ranges, quantity=quantity, input_size=functools.partial(_sizes, shapes))
    show(result, as_json=as_json, text=result.latex() if latex else None)


def _sizes(shapes: list[Axes], **values: int) -> Any:
    filled = [tuple(values[axis] if isinstance(axis, str) else axis for axis in shape) for shape in shapes]
    return filled[0] if len(filled) == 1 else filled


def _refuse_idle(factory: Callable[..., Any], names: list[str], target: str) -> None:
    parameters = inspect.signature(factory).parameters.values()
    taken = {one.name for one in parameters}
    takes_any = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)
    idle = [] if takes_any else [name for name in names if name not in taken]
    if idle:
        raise InputError("--symbol", expected=f"arguments of {target} or axes of --input", got=", ".join(idle),
                         remedy=f"the factory takes {', '.join(sorted(taken)) or 'none'}")  # fmt: skip
