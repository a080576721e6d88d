"""`leadline colorize`: train the nets that colour grey images, or colour a photograph with a trained one."""

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.output import Json, console, show, show_json
from leadline.cli.progress import Data
from leadline.core.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from leadline.studies.colorization_pictures import PictureRows
    from leadline.studies.colorization_report import ColorizationReport
    from leadline.studies.colour_images import ColourImages


class Net(StrEnum):
    """The nets of the exercise, and one that reaches a lower loss."""

    pool = "pool"
    transposed = "transposed"
    unet = "unet"
    tables = "tables"


class Precision(StrEnum):
    """Of the forward pass in training."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Images(StrEnum):
    """What can be trained on."""

    horses = "horses"
    photographs = "photographs"


def train_or_colour(
    photograph: Annotated[
        Path | None,
        typer.Argument(metavar="[PHOTOGRAPH]", dir_okay=False, help="Colour this one; without, nets are trained."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Trained weights, to colour the photograph with."),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="The coloured photograph; if not given NAME-coloured.png."),
    ] = None,
    net: Annotated[
        list[Net] | None, typer.Option(help="Train this net; repeatable; if not given pool, transposed and unet.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Of palette, weights and order of batches; repeatable; if not given 0.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="In all, those of earlier runs included; if not given 25.")
    ] = None,
    images: Annotated[
        Images | None,
        typer.Option(help="horses of CIFAR-10, or patches of two photographs; if not given horses where they are."),
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", metavar="DIR", help="Folder of the weights; if not given in the cache.")
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(help="In training; if not given bfloat16 where the device has instructions for it."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where to train: cpu, cuda, ...; if not given cpu.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train side by side; without, one run after the other.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw curves and coloured images; the ending is the format.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Colour grey images, as one of 24 colours for each pixel.

    Without a photograph: train nets with checkpoints after every epoch; the same command goes on after an
    interruption. With one and --weights: colour it, whatever its size.
    """
    if photograph is not None or weights is not None or to is not None:
        if photograph is None or weights is None:
            raise InputError("colorize", expected="a photograph and --weights FILE", got="one without the other",
                             remedy="train weights first: leadline colorize")  # fmt: skip
        _refuse_for_a_photograph({
            "--net": net, "--seed": seed, "--epochs": epochs, "--images": images, "--runs": runs,
            "--precision": precision, "--device": device, "--workers": workers, "--picture": picture,
        })  # fmt: skip
        to = to or photograph.with_name(f"{photograph.stem}-coloured.png")
        _colour(photograph, weights, to, as_json=as_json)
        return
    if picture is not None:
        _check_picture(picture)
    from leadline.studies.colorization_checkpoints import EXERCISE
    from leadline.studies.colorization_pictures import picture_rows
    from leadline.studies.colorization_report import report_on
    from leadline.studies.colorization_runs import EPOCHS, runs_file, train_colorization
    from leadline.studies.colorization_training import runs_folder
    from leadline.studies.colour_images import HORSES
    from leadline.sweep import ProcessPool

    chosen = _images(images, data)
    folder = runs if runs is not None else runs_folder() / ("" if chosen.name == HORSES else "patches")
    with ProcessPool(workers) if workers else nullcontext() as executor:
        done = train_colorization(
            chosen,
            nets=list(dict.fromkeys(map(str, net))) if net else EXERCISE,
            seeds=list(dict.fromkeys(seed)) if seed else [0],
            epochs=epochs or EPOCHS,
            folder=folder,
            precision=str(precision) if precision else None,
            device=device or "cpu",
            executor=executor,
            announce=lambda line: typer.echo(line, err=True),
        )
    report = report_on(done, chosen)
    if picture is not None:
        _draw(report, picture_rows(done, chosen), picture)
    show(report, as_json=as_json)
    if not as_json:
        for one in done:
            console().print(f"weights: {runs_file(folder, one.net, one.seed)}", markup=False, soft_wrap=True)


def _refuse_for_a_photograph(options: dict[str, object]) -> None:
    if given := [name for name, value in options.items() if value]:
        raise InputError("colorize", expected="only --weights, --to and --json with a photograph",
                         got=", ".join(given), remedy="leave them out, or the photograph to train")  # fmt: skip


def _colour(photograph: Path, weights: Path, to: Path, *, as_json: bool) -> None:
    from leadline.studies.colorization_checkpoints import read_checkpoint
    from leadline.studies.photograph_colouring import colour_photograph

    width, height = colour_photograph(photograph, read_checkpoint(weights), to)
    if as_json:
        show_json({"picture": str(to), "width": width, "height": height})
    else:
        typer.echo(f"{to}: {width} x {height} pixels")


def _images(images: Images | None, data: Path | None) -> "ColourImages":
    from leadline.studies.colour_images import cifar_horses, photograph_patches

    if images == Images.photographs:
        return photograph_patches()
    try:
        return cifar_horses(data)
    except MissingDataError as error:
        if images is None:
            typer.echo(f"leadline: {error} Training on patches of two photographs instead.", err=True)
            return photograph_patches()
        raise


def _draw(report: "ColorizationReport", rows: "PictureRows", to: Path) -> None:
    from matplotlib.figure import Figure

    from leadline.studies.colorization_pictures import draw_rows

    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplot_mosaic([["loss", "accuracy"], ["images", "images"]])
    report.draw(axes["loss"])
    report.draw_curves(axes["accuracy"], "validation_accuracy", "validation accuracy")
    draw_rows(axes["images"], rows)
    figure.suptitle(f"Colorization trained on {report.images}")
    figure.savefig(to)


def _check_picture(to: Path) -> None:
    """Before hours of training: can it be drawn there?"""
    from matplotlib.backend_bases import FigureCanvasBase

    endings = FigureCanvasBase.get_supported_filetypes()
    if to.suffix.lower().removeprefix(".") not in endings or not to.parent.is_dir():
        raise InputError("colorize", expected="a name that ends like a picture's, in a folder that is there",
                         got=str(to), remedy="write to e.g. curves.svg")  # fmt: skip
