"""`leadline gain`: the gain of an activation."""

from typing import Annotated

import typer

from leadline.cli.output import Json, show


def print_gain(
    activation: Annotated[str, typer.Argument(metavar="ACTIVATION", help="Its name, such as gelu or LeakyReLU.")],
    as_json: Json = False,
) -> None:
    """Gain that keeps an activation's signal at second moment 1, forward and backward, beside torch's own table.

    Example: leadline gain gelu
    """
    from leadline.initialization import activation_gain

    show(activation_gain(activation), as_json=as_json)
