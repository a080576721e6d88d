"""`leadline report`: the page."""

from pathlib import Path

import typer

from leadline.cli.executors import Dask, Workers
from leadline.cli.progress import Data, Out, Scale, ScaleOption, current_ledger


def make_report(
    out: Out = Path("report"),
    scale: ScaleOption = Scale.quick,
    data: Data = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Run the studies that are missing or stale and write DIR/index.html.

    The exit status is 1 when a study crashed; the page is written all the same and shows its error.
    """
    ledger, crashed = current_ledger(out, scale, data, workers=workers, dask=dask)
    from leadline.report import tally, write_page

    path = write_page(ledger, out)
    typer.echo(path)
    typer.echo(tally(ledger.entries()).sentence())
    if crashed:
        raise typer.Exit(1)
