"""`leadline`: the application that holds the commands."""

from typing import Annotated

import typer

import leadline
from leadline.cli.checkup import write_checkup_page
from leadline.cli.claims import list_claims
from leadline.cli.colorize import train_or_colour
from leadline.cli.convolution import solve
from leadline.cli.curves import draw_curves
from leadline.cli.data import data_sets
from leadline.cli.failures import Commands
from leadline.cli.formula import print_formula
from leadline.cli.gain import print_gain
from leadline.cli.lr import print_lr
from leadline.cli.noise import print_noise
from leadline.cli.profile import print_profile
from leadline.cli.receptive_field import print_receptive_field
from leadline.cli.report import make_report
from leadline.cli.sweep import sweeps

app = typer.Typer(
    cls=Commands,
    name="leadline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("report")(make_report)
app.command("claims")(list_claims)
app.command("checkup")(write_checkup_page)
app.command("profile")(print_profile)
app.command("formula")(print_formula)
app.command("receptive-field")(print_receptive_field)
app.command("convolution")(solve)
app.command("curves")(draw_curves)
app.command("gain")(print_gain)
app.command("lr")(print_lr)
app.command("noise")(print_noise)
app.command("colorize")(train_or_colour)
app.add_typer(sweeps, name="sweep")
app.add_typer(data_sets, name="data")


def _print_version(is_wanted: bool) -> bool:
    if is_wanted:
        typer.echo(f"leadline {leadline.__version__}")
        raise typer.Exit
    return is_wanted


@app.callback()
def settings(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Instruments for deep networks, and a ledger of published statements that they decide."""


def main() -> None:
    """The console script."""
    app()
