"""`leadline lr`: which learning rate a model wants."""

from typing import Annotated

import typer

from leadline.cli.examples import Examples, Loss, loss_for, read_examples
from leadline.cli.output import Json, show
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside


def print_lr(
    target: Target,
    data: Examples,
    arguments: Arguments = None,
    loss: Loss = None,
    low: Annotated[float, typer.Option("--from", help="Lowest rate.")] = 1e-6,
    high: Annotated[float, typer.Option("--to", help="Highest rate.")] = 100.0,
    steps: Annotated[int, typer.Option(min=10, help="Rungs of the ladder.")] = 300,
    seeds: Annotated[int, typer.Option(min=1, help="Runs side by side.")] = 8,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples per step; 64 if not given.")] = None,
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, nesterov, rmsprop, adam, adamw.")] = "sgd",
    as_json: Json = False,
) -> None:
    """Learning-rate range test: what every rule suggests, with its spread over seeds.

    Example: leadline lr net.py:build --data digits
    """
    inputs, targets = read_examples(data)
    factory = find_factory(target, arguments)
    from leadline.optimization import lr_range_test

    with printing_aside():
        result = lr_range_test(
            factory, (inputs, targets), lr_min=low, lr_max=high, steps=steps, seeds=seeds, batch_size=batch_size,
            loss=loss_for(loss, targets), optimizer=optimizer, progress=True,
        )  # fmt: skip
    show(result, as_json=as_json)
