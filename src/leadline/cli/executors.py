"""Where the sweeps of a command compute, and how they end when they are interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.failures import INTERRUPTED
from leadline.core.errors import InputError

if TYPE_CHECKING:
    import concurrent.futures

Workers = Annotated[int | None, typer.Option(min=1, help="Processes for sweeps; without, they run in this one.")]
Dask = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that sweeps run on.")
]


@contextmanager
def sweeping(workers: int | None, dask: str | None) -> "Iterator[concurrent.futures.Executor | None]":
    """The executor that the options name, None for this process; Ctrl-C in a sweep ends with the line how to go on.

    Raises:
        InputError: both options, or nobody answers at the address.
    """
    if workers and dask:
        raise InputError("sweep", expected="--workers or --dask", got="both", remedy="leave one out")
    if not (workers or dask):
        with _said_how_to_go_on():
            yield None
        return
    from leadline.sweep import ProcessPool, dask_executor

    executor = ProcessPool(workers) if workers else dask_executor(str(dask))
    try:
        with _said_how_to_go_on():
            yield executor
    finally:
        executor.shutdown(wait=False)


@contextmanager
def _said_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        from leadline.sweep import SweepInterrupted

        if not isinstance(interrupt, SweepInterrupted):
            raise
        typer.echo(f"leadline: {interrupt}", err=True)
        raise typer.Exit(INTERRUPTED) from interrupt
