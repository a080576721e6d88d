"""`leadline profile`: what a model costs."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.output import Json, show
from leadline.cli.shapes import Inputs, read_shapes
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside

if TYPE_CHECKING:
    from leadline.architecture import Profile


class Device(StrEnum):
    """Where the forward pass runs."""

    meta = "meta"
    cpu = "cpu"


def print_profile(
    target: Target,
    inputs: Inputs,
    arguments: Arguments = None,
    depth: Annotated[
        int | None, typer.Option(min=0, help="Add up what lies deeper than this in the printed table.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where an operator has no rule.")] = False,
    device: Annotated[Device, typer.Option(help="meta: nothing is allocated or run; cpu: run it.")] = Device.meta,
    as_json: Json = False,
) -> None:
    """Parameters, activations, connections, MACs and FLOPs, per module.

    Example: leadline profile leadline.models:LeNet --input 1x1x28x28
    """
    shapes = read_shapes(inputs)
    factory = find_factory(target, arguments)
    from leadline.architecture import profile

    with printing_aside():
        result = profile(factory, input_size=shapes, device=str(device), strict=strict)
    show(result, as_json=as_json, text=None if depth is None else _folded(result, depth))


def _folded(result: "Profile", depth: int) -> Any:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    frame = result.to_frame(depth)
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for name, column in frame.items():
        table.add_column(Text(str(name)), justify="right" if column.dtype.kind in "iuf" else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(f"{value:,}" if isinstance(value, int) else str(value)) for value in row))
    return Group(Text(result.headline(), style="bold"), table)
