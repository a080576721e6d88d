"""`leadline sweep`: run a function over a grid, and look into the stores that sweeps have written."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.executors import Dask, Workers, sweeping
from leadline.cli.output import Json, console, show, show_json
from leadline.core.errors import InputError

if TYPE_CHECKING:
    import pandas
    import rich.table

    from leadline.sweep import Row

sweeps = typer.Typer(no_args_is_help=True, help="Many settings, each computed once; and what the stores hold.")

Store = Annotated[Path, typer.Argument(metavar="STORE", help="The SQLite file that a sweep has written.")]
Function = Annotated[str | None, typer.Option("--function", metavar="F", help="Only rows of this function.")]
Version = Annotated[str | None, typer.Option("--version", metavar="V", help="Only rows of this version of it.")]


@sweeps.command("run")
def run_sweep(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="package.module.function")],
    axes: Annotated[list[str], typer.Argument(metavar="NAME=VALUES...", help="e.g. lr=0.1,0.2 width=1..8 loss=mse")],
    store: Annotated[Path, typer.Option("--store", metavar="STORE", help="SQLite file; made where there is none.")],
    workers: Workers = None,
    dask: Dask = None,
    version: Annotated[str, typer.Option("--version", metavar="V", help="Version of the function.")] = "",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Compute failed rows anew.")] = False,
    as_json: Json = False,
) -> None:
    """Compute a function for every combination of the values; run the same command to go on after an interruption.

    The exit status is 1 where jobs failed and none is done.
    """
    from leadline.sweep import grid, sweep

    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as with python -m
    settings = grid(**_axes(axes))
    with sweeping(workers, dask) as executor:
        result = sweep(function, settings, store=store, executor=executor, version=version, retry_failed=retry_failed,
                       progress=True)  # fmt: skip
    show(result, as_json=as_json, text=result.headline())
    if result.failed:
        first = next(row for row in result.rows() if row.outcome == "failed")
        typer.echo(f"leadline: the first that failed, {json.dumps(first.arguments)}: {first.error}", err=True)
    if result.failed and not result.done:
        raise typer.Exit(1)


@sweeps.command("list")
def list_sweeps(
    stores: Annotated[list[Path], typer.Argument(metavar="STORE...", help="SQLite files of sweeps.")],
    as_json: Json = False,
) -> None:
    """What the stores hold: one line per function and version."""
    from leadline.sweep import summaries

    entries = [
        {
            "store": str(store),
            "function": one.function,
            "version": one.version,
            "rows": one.rows,
            "done": one.done,
            "failed": one.failed,
            "diverged": one.diverged,
            "time_s": round(one.seconds, 3),
            "last": datetime.fromtimestamp(one.finished).astimezone().isoformat(" ", "seconds"),
        }
        for store in stores
        for one in summaries(store)
    ]
    if as_json:
        show_json(entries)
        return
    console().print(_table([list(entry.values()) for entry in entries], list(entries[0]) if entries else ["nothing"]))


@sweeps.command("show")
def show_sweep(
    store: Store,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="Tell the rows in full whose key begins so.")
    ] = None,
    function: Function = None,
    version: Version = None,
    limit: Annotated[int, typer.Option("--rows", min=0, help="At most so many rows; 0: all.")] = 60,
    as_json: Json = False,
) -> None:
    """The rows of a store as a table, also while a sweep writes it."""
    from leadline.sweep import count_rows, frame_of, read_rows

    is_table = key is None and not as_json
    wanted: dict[str, Any] = {"function": function, "version": version, "key": key or ""}
    rows = list(read_rows(store, **wanted, limit=limit or None if is_table else None))
    if key is not None and not rows:
        raise InputError("sweep show", expected="the beginning of a row's key", got=repr(key),
                         remedy="leadline sweep show STORE lists the keys")  # fmt: skip
    if as_json:
        show_json([_plain(row) for row in rows])
    elif key is not None:
        for row in rows:
            _tell(row)
    else:
        console().print(_table(*_shortened(frame_of(rows, identified=True))) if rows else "no rows", markup=False)
        if len(rows) < (there := count_rows(store, **wanted)):
            console().print(f"{len(rows)} of {there} rows; --rows 0 shows all")


@sweeps.command("export")
def export_sweep(
    store: Store,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its ending says the format: .csv or .parquet.")],
    function: Function = None,
    version: Version = None,
) -> None:
    """Write the rows of a store as a table; of arrays their shapes."""
    from leadline.sweep import frame_of, read_rows, write_table

    frame = frame_of(read_rows(store, function=function, version=version), identified=True)
    write_table(frame, file)
    typer.echo(f"{len(frame)} rows in {file}", err=True)


def _axes(texts: list[str]) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {}
    for text in texts:
        name, values = _axis(text)
        if name in axes:
            raise InputError("sweep run", expected=f"{name} once", got=f"it again in {text!r}",
                             remedy=f"list all its values in one, {name}=A,B")  # fmt: skip
        axes[name] = values
    return axes


def _axis(text: str) -> tuple[str, list[Any]]:
    name, equals, values = text.partition("=")
    parts = values.split(",")
    if not equals or not name.isidentifier() or not all(parts):
        raise InputError("sweep run", expected="NAME=VALUES, none of them empty", got=repr(text),
                         remedy="write e.g. lr=0.1,0.2 width=1..8")  # fmt: skip
    if (span := re.fullmatch(r"(-?\d+)\.\.(-?\d+)(?::([1-9]\d*))?", values)) is not None:
        return name, list(range(int(span[1]), int(span[2]) + 1, int(span[3] or 1)))
    if any(re.fullmatch(r"[-+\d.e]+\.\.[-+\d.e:]+", one) for one in parts):
        raise InputError("sweep run", expected="a span of whole numbers by itself, FIRST..LAST or FIRST..LAST:STEP",
                         got=repr(text), remedy="list other values one by one, e.g. 0.1,0.2,0.5")  # fmt: skip
    return name, [_value(one) for one in parts]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(row: "Row") -> dict[str, Any]:
    from leadline.core import to_plain

    return to_plain(row)


def _shortened(frame: "pandas.DataFrame") -> tuple[list[list[Any]], list[str]]:
    # What is the same in all rows of one function needs no column.
    dull = [name for name in ("row_function", "row_version", "error") if len(set(frame[name])) == 1]
    short = frame.drop(columns=dull).assign(**{"row_key": [key[:8] for key in frame["row_key"]]})
    return short.to_numpy(dtype=object).tolist(), list(short.columns)


def _table(lines: list[list[Any]], names: list[str]) -> "rich.table.Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
    for name in names:
        table.add_column(Text(name))
    for line in lines:
        table.add_row(*(Text(_said(one)) for one in line))
    return table


def _said(one: Any) -> str:
    if one is None or (isinstance(one, float) and one != one):
        return ""
    return f"{one:.6g}" if isinstance(one, float) else str(one)


def _tell(row: "Row") -> None:
    from rich.text import Text

    shapes = {name: f"{array.shape} {array.dtype}" for name, array in row.arrays.items()}
    lines = {"key": row.key, "function": row.function, "version": row.version, "arguments": row.arguments,
             "outcome": row.outcome, "value": row.value, "arrays": shapes, "time_s": f"{row.seconds:.3g}",
             "error": row.error, "traceback": row.traceback}  # fmt: skip
    for name, value in lines.items():
        if value:
            console().print(Text.assemble((f"{name}: ", "bold"), str(value).rstrip()))
