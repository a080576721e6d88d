"""`leadline noise`: how noisy a model's gradient is."""

from typing import Annotated

import typer

from leadline.cli.examples import Examples, Loss, loss_for, read_examples
from leadline.cli.output import Json, show
from leadline.cli.targets import Arguments, Target, find_factory, printing_aside


def print_noise(
    target: Target,
    data: Examples,
    arguments: Arguments = None,
    loss: Loss = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Examples per backward pass.")] = None,
    batches: Annotated[int | None, typer.Option(min=2, help="How many; 20 if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Of the initial parameters and the sample.")] = 0,
    as_json: Json = False,
) -> None:
    """Simple noise scale of the gradient (in examples), with an interval and by layer.

    Example: leadline noise net.py:build --data digits
    """
    inputs, targets = read_examples(data)
    factory = find_factory(target, arguments)
    from leadline.optimization import gradient_noise
    from leadline.training import initialized

    with printing_aside():
        result = gradient_noise(
            initialized(factory, seed), (inputs, targets), loss=loss_for(loss, targets), batch_size=batch_size,
            batches=batches, seed=seed,
        )  # fmt: skip
    show(result, as_json=as_json)
