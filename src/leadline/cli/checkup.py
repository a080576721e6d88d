"""`leadline checkup`: every instrument that applies, on one page."""

from pathlib import Path
from typing import Annotated

import typer

from leadline.cli.examples import Examples, Loss, read_examples
from leadline.cli.output import Json, show
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside


def write_checkup_page(
    target: Target,
    data: Examples,
    arguments: Arguments = None,
    loss: Loss = None,
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, nesterov, rmsprop, adam, adamw.")] = "sgd",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples per step; 64 if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Names all random numbers.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write the page.")] = None,
    as_json: Json = False,
) -> None:
    """Cost, receptive field, signal, learning rate, gradient noise, best step and scores of a model, on one page.

    Example: leadline checkup net.py:build --data digits --out checkup
    """
    inputs, targets = read_examples(data)
    factory = find_factory(target, arguments)
    from leadline.studies import checkup

    with printing_aside():
        result = checkup(
            factory, (inputs, targets), loss=loss, optimizer=optimizer, batch_size=batch_size,
            seed=seed, announce=lambda question: typer.echo(question, err=True),
        )  # fmt: skip
    show(result, as_json=as_json)
    if out is not None:
        from leadline.report import write_checkup

        typer.echo(write_checkup(result, out), err=as_json)
