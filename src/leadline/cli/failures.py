"""How a command ends when something is wrong: one message on stderr and a status, never a surprise traceback."""

import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from leadline.core.errors import LeadlineError

BAD_INPUT = 2
INTERRUPTED = 130  # what shells give for Ctrl-C


class Commands(TyperGroup):
    """The group of commands; turns what the caller can mend into a message and exit status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # of a reader such as head, who has seen enough: click ends quietly
            raise
        except (LeadlineError, OSError) as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            typer.echo(f"leadline: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as interrupt:
            typer.echo("leadline: interrupted; what is finished is kept, the same command goes on from there", err=True)
            raise typer.Exit(INTERRUPTED) from interrupt
