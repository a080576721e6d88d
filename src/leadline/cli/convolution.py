"""`leadline convolution`: the padding that takes one size to another."""

from typing import Annotated

import typer

from leadline.cli.output import Json, show


def solve(
    kernel: Annotated[int, typer.Option(min=1, help="Side of the kernel.")],
    source: Annotated[int, typer.Option("--from", min=1, help="Size of the input.")],
    goal: Annotated[int, typer.Option("--to", min=1, help="Size of the output.")],
    stride: Annotated[int, typer.Option(min=1)] = 1,
    dilation: Annotated[int, typer.Option(min=1)] = 1,
    transposed: Annotated[bool, typer.Option("--transposed", help="A transposed convolution.")] = False,
    as_json: Json = False,
) -> None:
    """Padding (and output padding) with which a convolution takes one size to another.

    Example: leadline convolution --kernel 5 --stride 2 --from 32 --to 16
    """
    from leadline.architecture import solve_convolution

    result = solve_convolution(source, goal, kernel, stride=stride, dilation=dilation, transposed=transposed)
    show(result, as_json=as_json)
