"""The ledger, brought up to date before it is read; progress goes to stderr."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.executors import sweeping

if TYPE_CHECKING:
    from leadline.claims import Ledger
    from leadline.studies import Study


class Scale(StrEnum):
    """How much the studies compute."""

    quick = "quick"
    full = "full"


Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the page; the ledger lies in DIR/ledger.")]
ScaleOption = Annotated[Scale, typer.Option("--scale", help="quick: minutes on two cores; full: more repetitions.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="LEADLINE_DATA", exists=True, file_okay=False,
                 help="Folder that holds downloaded data sets."),
]  # fmt: skip


def current_ledger(
    out: Path,
    scale: Scale,
    data: Path | None,
    *,
    workers: int | None = None,
    dask: str | None = None,
    wanted: "Callable[[Study], bool]" = lambda _: True,
) -> "tuple[Ledger, list[str]]":
    """The ledger in `out`/ledger after the wanted studies have been run where need be, and the names that crashed.

    The rows of their sweeps lie in `out`/sweeps, computed by processes or a Dask cluster where they are named.
    """
    from rich.console import Console

    errors = Console(stderr=True, highlight=False)
    with sweeping(workers, dask) as executor, errors.status("loading the studies") as status:
        from leadline.claims import Ledger
        from leadline.studies import Settings, bring_up_to_date, studies

        settings = Settings(
            scale=str(scale), data=data, stores=out / "sweeps", executor=executor, progress=scale is Scale.full
        )

        def announce(message: str) -> None:
            errors.print(message, markup=False)
            status.update("computing")
            if settings.progress:  # the bars of sweeps take the line
                status.stop()

        ledger = Ledger(out / "ledger")
        chosen = {name: study for name, study in studies().items() if wanted(study)}
        records = bring_up_to_date(chosen, ledger, settings, announce=announce)
    crashed = [record.name for record in records if record.error]
    for name in crashed:
        errors.print(f"leadline: the study {name} crashed; its error is on the page", markup=False)
    return ledger, crashed
