"""`leadline profile`: what a model costs."""

from enum import StrEnum
from typing import Annotated

import typer

from leadline.cli.output import Json, show
from leadline.cli.shapes import Inputs, read_inputs
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside


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
    given = read_inputs(inputs)
    factory = find_factory(target, arguments)
    from leadline.architecture import profile

    with printing_aside():
        result = profile(factory, **given, device=str(device), strict=strict)
    show(result, as_json=as_json, text=None if depth is None else result.for_terminal(result.to_frame(depth)))
