"""What trained colorization nets reached, beside what the palette alone gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.optim.swa_utils import update_bn

from leadline.architecture import profile
from leadline.core import Result
from leadline.studies.colorization_checkpoints import Checkpoint, build_net
from leadline.studies.colorization_runs import validation_on
from leadline.studies.colour_images import HORSES, ColourImages, grey
from leadline.studies.photograph_colouring import predicted_labels
from leadline.training import state_of
from leadline.training.batches import channels_last

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, kw_only=True)
class PaletteBounds:
    """How good colours are that know nothing, and how good perfect ones.

    Attributes:
        seed: of the palette.
        floor: accuracy of one colour everywhere, the commonest of the training pixels.
        by_grey: accuracy of the commonest training colour for each grey value, pixel by pixel, without neighbours.
        by_grey_loss: cross-entropy of the training frequencies of colours for each grey value, each count plus one.
        rms_error: error per channel, in levels of 255, that is left when every label is right.
    """

    seed: int
    floor: float
    by_grey: float
    by_grey_loss: float
    rms_error: float


@dataclass(frozen=True, eq=False, kw_only=True)
class NetRun:
    """One training of one net; losses are in nats per pixel.

    Attributes:
        training_loss, validation_loss, validation_accuracy, seconds: by epoch.
        precision: of the forward pass in training.
        settled_loss, settled_accuracy: on the validation images after the last epoch, with batch norm's moments taken
            over all training images. The running moments average about ten batches, in which the weights move on.
        recall: by colour the share of its validation pixels that the trained net gives it; NaN where it has none.
        rms_error: of the coloured validation images, per channel, in levels of 255.
    """

    net: str
    seed: int
    parameters: int
    macs: int  # of one image
    training_loss: Float[np.ndarray, " epochs"]
    validation_loss: Float[np.ndarray, " epochs"]
    validation_accuracy: Float[np.ndarray, " epochs"]
    seconds: Float[np.ndarray, " epochs"]
    recall: Float[np.ndarray, " colours"]
    rms_error: float
    settled_loss: float
    settled_accuracy: float
    precision: str = "float32"

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the colours' recalls."""
        return float(np.nanmean(self.recall))

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.validation_loss)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ColorizationReport(Result):
    """Colorization nets trained on the same images.

    Attributes:
        images: name of what they were trained and validated on.
        runs: one per net and seed.
        bounds: one per seed, as every seed has a palette of its own.
    """

    images: str
    runs: tuple[NetRun, ...]
    bounds: tuple[PaletteBounds, ...]

    def of(self, net: str) -> tuple[NetRun, ...]:
        """The runs of one net, by seed."""
        return tuple(sorted((run for run in self.runs if run.net == net), key=lambda run: run.seed))

    def headline(self) -> str:
        nets = dict.fromkeys(run.net for run in self.runs)
        means = {net: np.mean([run.validation_accuracy[-1] for run in self.of(net)]) for net in nets}
        floor = np.mean([one.floor for one in self.bounds])
        said = ", ".join(f"{net} {mean:.1%}" for net, mean in means.items())
        epochs = max(run.epochs for run in self.runs)
        by_grey = np.mean([one.by_grey for one in self.bounds])
        return (
            f"validation accuracy on {self.images} after {epochs} epochs: {said}; "
            f"one colour everywhere {floor:.1%}, by grey value alone {by_grey:.1%}"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per run."""
        import pandas as pd

        floors = {one.seed: one for one in self.bounds}
        return pd.DataFrame(
            [
                {
                    "net": run.net,
                    "seed": run.seed,
                    "epochs": run.epochs,
                    "training_loss_nats": run.training_loss[-1],
                    "validation_loss_nats": run.validation_loss[-1],
                    "validation_accuracy": run.validation_accuracy[-1],
                    "settled_loss_nats": run.settled_loss,
                    "settled_accuracy": run.settled_accuracy,
                    "balanced_accuracy": run.balanced_accuracy,
                    "rms_error_levels": run.rms_error,
                    "floor_accuracy": floors[run.seed].floor,
                    "by_grey_accuracy": floors[run.seed].by_grey,
                    "by_grey_loss_nats": floors[run.seed].by_grey_loss,
                    "palette_rms_error_levels": floors[run.seed].rms_error,
                    "parameters": run.parameters,
                    "macs": run.macs,
                    "precision": run.precision,
                    "time_s": run.seconds.sum(),
                }
                for run in self.runs
            ]
        )

    def __rich__(self) -> Any:  # what the seeds' palettes allow is in the headline and the caveats
        bounds = ("floor_accuracy", "by_grey_accuracy", "by_grey_loss_nats", "palette_rms_error_levels")
        return self.for_terminal(self.to_frame().drop(columns=list(bounds)))

    def epochs_frame(self) -> "pandas.DataFrame":
        """One row per run and epoch."""
        import pandas as pd

        columns = ("training_loss", "validation_loss", "validation_accuracy", "seconds")
        return pd.DataFrame(
            [
                {"net": run.net, "seed": run.seed, "epoch": epoch + 1}
                | {name: float(getattr(run, name)[epoch]) for name in columns}
                for run in self.runs
                for epoch in range(run.epochs)
            ]
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Both losses by epoch: where the dashed one falls and the other does not, the net overfits."""
        self.draw_curves(ax, "validation_loss", "loss (nats per pixel)")
        self._lines(ax, lambda run: run.training_loss, linestyle="dashed", linewidth=1.0)
        ax.legend(fontsize="small", title="dashed: in training", title_fontsize="small")

    def draw_curves(self, ax: "matplotlib.axes.Axes", quantity: str, label: str) -> None:
        """A field of the runs by epoch, one colour per net."""
        self._lines(ax, lambda run: getattr(run, quantity), named=True)
        ax.set(xlabel="epoch", ylabel=label)
        ax.legend(fontsize="small")

    def draw_recall(self, ax: "matplotlib.axes.Axes") -> None:
        """The share of each colour's validation pixels that a net gives it; every seed has colours of its own."""
        self._lines(ax, lambda run: np.sort(run.recall[~np.isnan(run.recall)])[::-1], named=True, marker=".")
        ax.set(xlabel="colours of the palette, best first", ylabel="recall", ylim=(0.0, 1.0))
        ax.legend(fontsize="small")

    def _lines(
        self,
        ax: "matplotlib.axes.Axes",
        values_of: Callable[[NetRun], np.ndarray],
        *,
        named: bool = False,
        **style: Any,
    ) -> None:
        for place, net in enumerate(dict.fromkeys(run.net for run in self.runs)):
            for number, run in enumerate(self.of(net)):
                values, label = values_of(run), net if named and not number else None
                (line,) = ax.plot(np.arange(1, len(values) + 1), values, color=f"C{place}", label=label, **style)
                if len(values) == 1:  # a line of one point is not seen
                    line.set_marker(".")
        ax.locator_params("x", integer=True)


def report_on(checkpoints: Sequence[Checkpoint], images: ColourImages) -> ColorizationReport:
    """What the checkpoints of nets trained on these images say.

    Source: CSC413, University of Toronto, programming assignment 2 (settings).
    """
    palettes = {one.seed: one for one in checkpoints}
    bounds = tuple(_bounds(one, images) for one in palettes.values())
    error = np.mean([one.rms_error for one in bounds])
    caveats = [
        "Accuracy depends on the palette: each seed has one of its own, fitted on the training pixels; perfect labels "
        f"leave an error of {error:.1f} of 255 levels."
    ]
    if images.name != HORSES:
        caveats.append(f"Trained on {images.name}, not on the sources' images.")
    caveats.append(
        "After single epochs loss and accuracy swing, since batch norm's running moments lag behind the weights; "
        "settled: with moments over all training images (Wu & Johnson 2021, section 3)."
    )
    return ColorizationReport(
        images=images.name,
        runs=tuple(_run(one, images) for one in checkpoints if one.epochs),
        bounds=bounds,
        caveats=tuple(caveats),
        sources=(
            "CSC413, University of Toronto, programming assignment 2",
            'Wu & Johnson (2021), Rethinking "Batch" in BatchNorm, section 3',
        ),
    )


def _run(checkpoint: Checkpoint, images: ColourImages) -> NetRun:
    counts = profile(build_net(checkpoint.net, checkpoint.setting), input_size=(1, 1, *images.training.shape[1:3]))
    palette = checkpoint.palette
    truth, chosen = palette.labels(images.validation), predicted_labels(images.validation, checkpoint)
    asked, met = (
        np.bincount(labels, minlength=len(palette.colours)) for labels in (truth.ravel(), truth[truth == chosen])
    )
    error = palette.paint(chosen).astype(np.float64) - images.validation
    settled_loss, settled_accuracy = _settled(checkpoint, images, truth)
    return NetRun(
        net=checkpoint.net,
        seed=checkpoint.seed,
        parameters=counts.parameters,
        macs=counts.macs,
        training_loss=np.array(checkpoint.training_loss),
        validation_loss=np.array(checkpoint.validation_loss),
        validation_accuracy=np.array(checkpoint.validation_accuracy),
        seconds=np.array(checkpoint.seconds),
        recall=np.where(asked, met / np.maximum(asked, 1), np.nan),
        rms_error=float(np.sqrt((error**2).mean())),
        settled_loss=settled_loss,
        settled_accuracy=settled_accuracy,
        precision=checkpoint.precision,
    )


def _settled(checkpoint: Checkpoint, images: ColourImages, truth: UInt8[np.ndarray, "images h w"]) -> list[float]:
    # Loss and accuracy with batch norm's moments over all training images.
    model = checkpoint.model()
    training = channels_last(torch.from_numpy(grey(images.training)))
    update_bn(training.split(checkpoint.setting.batch_size), model)
    return validation_on((grey(images.validation), truth)).of(model, state_of(model))


def _bounds(checkpoint: Checkpoint, images: ColourImages) -> PaletteBounds:
    palette, colours = checkpoint.palette, len(checkpoint.palette.colours)
    known, asked = palette.labels(images.training), palette.labels(images.validation)
    levels = [np.rint(grey(part)[:, 0] * 256).astype(np.int64) for part in (images.training, images.validation)]
    table = np.zeros((256, colours), np.int64)  # how often each colour has each grey value
    np.add.at(table, (levels[0].ravel(), known.ravel()), 1)
    shares = (table + 1) / (table + 1).sum(1, keepdims=True)
    return PaletteBounds(
        seed=checkpoint.seed,
        floor=float((asked == table.sum(0).argmax()).mean()),
        by_grey=float((asked == table.argmax(1)[levels[1]]).mean()),
        by_grey_loss=float(-np.log(shares[levels[1], asked]).mean()),
        rms_error=palette.rms_error(images.validation),
    )
