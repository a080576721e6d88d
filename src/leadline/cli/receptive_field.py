"""`leadline receptive-field`: which inputs an output can see."""

from typing import Annotated

import typer

from leadline.cli.output import Json, show
from leadline.cli.shapes import Inputs, read_inputs
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside


def print_receptive_field(
    target: Target,
    inputs: Inputs,
    arguments: Arguments = None,
    measured: Annotated[
        bool, typer.Option("--measured", help="Compare with the inputs whose gradient is not zero.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The receptive field of every layer, per axis.

    Example: leadline receptive-field leadline.models:LeNet --input 1x1x28x28
    """
    given = read_inputs(inputs)
    factory = find_factory(target, arguments)
    from leadline.architecture import receptive_field

    with printing_aside():
        result = receptive_field(factory(), **given, measured=measured)
    show(result, as_json=as_json)
