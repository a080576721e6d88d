"""`leadline claims`: the ledger as a table, as JSON, or one statement in full."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.executors import Dask, Workers
from leadline.cli.output import Json, console, show_json
from leadline.cli.progress import Data, Out, Scale, ScaleOption, current_ledger
from leadline.core.errors import InputError

if TYPE_CHECKING:
    import rich.table

    from leadline.claims import Entry

_STYLES = {"holds": "green", "qualified": "yellow", "fails": "red", "undecidable": "magenta", "pending": "dim"}
_LONG = 60  # characters of a value in the table


def list_claims(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Tell this statement in full.")] = None,  # noqa: A002
    verdict: Annotated[str | None, typer.Option(metavar="V", help="Only those that came out like this.")] = None,
    source: Annotated[str | None, typer.Option(metavar="S", help="Only those of this source.")] = None,
    as_json: Json = False,
    out: Out = Path("report"),
    scale: ScaleOption = Scale.quick,
    data: Data = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """List the statements and their verdicts, after running the studies that are missing or stale.

    The exit status is 1 when a study crashed.
    """
    from leadline.claims import Verdict, sources, statements

    _known("ID", id, statements())
    _known("--verdict", verdict, [str(one) for one in Verdict])
    _known("--source", source, sources())
    chosen = {one.id for one in statements().values() if id in (None, one.id) and source in (None, one.source)}
    ledger, crashed = current_ledger(out, scale, data, workers=workers, dask=dask,
                                     wanted=lambda study: any(one.claim in chosen for one in study.checks))  # fmt: skip
    entries = [one for one in ledger.entries() if one.claim.id in chosen and verdict in (None, one.verdict)]
    if as_json:
        show_json([entry.to_dict() for entry in entries])
    elif id is not None:
        for entry in entries:
            _tell(entry)
    else:
        _list(entries)
    if crashed:
        raise typer.Exit(1)


def _known(option: str, given: str | None, names: Iterable[str]) -> None:
    names = list(names)
    if given is None or given in names:
        return
    near = [name for name in names if given.lower() in name.lower()][:5] or difflib.get_close_matches(given, names, 5)
    few = 8
    remedy = f"near: {', '.join(near)}" if near else "leadline claims lists them"
    if len(names) <= few:
        remedy = f"it is one of {', '.join(names)}"
    raise InputError(option, expected="a known name", got=repr(given), remedy=remedy)


def _list(entries: list["Entry"]) -> None:
    from rich.table import Table
    from rich.text import Text

    from leadline.report import tally

    table = Table(box=None, header_style="bold", padding=(0, 1), pad_edge=False)
    for name, ratio in (("verdict", None), ("id", None), ("statement", 4), ("stated", 1), ("found", 1)):
        table.add_column(name, ratio=ratio, no_wrap=ratio is None)
    for entry in entries:
        found = entry.evidence.found if entry.evidence else None
        cells = (entry.claim.id, entry.claim.says, _short(entry.claim.stated), _short(found))
        table.add_row(Text(entry.verdict, style=_STYLES[entry.verdict]), *map(Text, cells))
    console().print(table, Text(tally(entries).sentence(), style="bold"))


def _tell(entry: "Entry") -> None:
    from rich.text import Text

    from leadline.claims import sources

    plain = entry.to_dict()
    lines = [
        ("source", sources()[entry.claim.source].partition(" - file ")[0]),
        ("stated", _said(entry.claim.stated)),
        ("found", _said(plain["found"])),
        ("holds if", plain["condition"]),
        ("needs", plain["needs"]),
        ("how", "\n".join(plain["evidence"])),
        ("study", f"{entry.study} ({entry.seconds:.2g} s)" if entry.study else "none decides this yet"),
        ("error", entry.error),
    ]
    screen = console()
    screen.print(Text.assemble((entry.verdict, f"bold {_STYLES[entry.verdict]}"), "  ", (entry.claim.id, "bold")))
    screen.print(Text(entry.claim.says))
    screen.print(_aligned([(name, text) for name, text in lines if text]))


def _aligned(pairs: list[tuple[str, str]]) -> "rich.table.Table":
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, text in pairs:
        table.add_row(Text(name, style="dim"), Text(text))
    return table


def _short(value: Any) -> str:
    right = value.get("right") if isinstance(value, dict) else None  # beside it, a counterexample can wait
    text = _said(value if right is None else right)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_said, value))})"
    return str(value)
