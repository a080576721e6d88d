"""Results on standard output: as text for people, as JSON for programs."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import rich.console

    from leadline.core.results import Result

Json = Annotated[bool, typer.Option("--json", help="Print plain JSON.")]
_PIPE_WIDTH = 200  # columns where standard output is no terminal: nothing is cut off for grep


def show(result: "Result", *, as_json: bool, text: Any = None) -> None:
    """Print a result; `text` replaces what is shown to people."""
    if as_json:
        show_json(result.to_dict())
    else:
        console().print(result if text is None else text)


def show_json(plain: Any) -> None:
    """Print plain values as JSON."""
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))


def console() -> "rich.console.Console":
    """Standard output as rich sees it."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=_PIPE_WIDTH)
