"""`leadline data`: which data sets there are, fetching them, and comparing what is here with what was published."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.output import Json, console, show_json

if TYPE_CHECKING:
    from leadline.data import DataSet, Verification

data_sets = typer.Typer(no_args_is_help=True, help="Data sets to download, checked against their SHA-256 sums.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `leadline data list` tells it.")]
Folder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", envvar="LEADLINE_DATA", file_okay=False,
                 help="Folder of data sets; without, one in the user's cache."),
]  # fmt: skip


@data_sets.command("list")
def list_data_sets(data: Folder = None, as_json: Json = False) -> None:
    """List the data sets, and whether they are on this machine."""
    from leadline.data import DATA_SETS, EMBEDDED, data_folder

    folder = data_folder(data)
    rows = [{"name": one.name, "here": _presence(one, folder), "holds": one.title} for one in DATA_SETS.values()]
    rows += [{"name": name, "here": "embedded", "holds": source} for name, source in EMBEDDED.items()]
    if as_json:
        show_json({"folder": str(folder), "sets": rows})
    else:
        _print_table(rows)
        console().print(f"folder: {folder}", markup=False, soft_wrap=True)


@data_sets.command("fetch")
def fetch_data_set(name: Name, data: Folder = None) -> None:
    """Download a data set; a broken-off download goes on where it stopped."""
    from leadline.data import data_folder, fetch

    with _progress() as advance:
        paths = fetch(name, data_folder(data), progress=advance)
    for path in paths:
        typer.echo(path)


@data_sets.command("verify")
def verify_data_set(name: Name, data: Folder = None, as_json: Json = False) -> None:
    """Compare the files of a data set with the published SHA-256 sums; exit status 1 where one is not the official."""
    from leadline.data import Standing, verify

    found = verify(name, data)
    if as_json:
        show_json([_plain(one) for one in found])
    else:
        _print_table([_plain(one) for one in found])
    if any(one.standing is Standing.MISSING for one in found):
        typer.echo(f"leadline: `leadline data fetch {name}` downloads what is missing", err=True)
    if any(one.standing is not Standing.OFFICIAL for one in found):
        raise typer.Exit(1)


def _presence(one: "DataSet", folder: Path) -> str:
    found = one.find(folder)
    missing = [file.name for file, path in found.items() if path is None]
    return "here" if not missing else "no" if len(missing) == len(found) else f"without {', '.join(missing)}"


def _plain(one: "Verification") -> dict[str, Any]:
    return {"file": one.file, "standing": str(one.standing), "sha256": one.sha256,
            "path": "" if one.path is None else str(one.path)}  # fmt: skip


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    console().print(table)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int | None], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def advance(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file)
            bars.update(tasks[file], completed=done, total=total)

        yield advance
