"""Pictures of training under several policies: loss and accuracy by epochs and steps, rates, batch sizes, noise."""

from typing import TYPE_CHECKING

import numpy as np

from leadline.studies.growing_batches import FIRST, Runs

if TYPE_CHECKING:
    import matplotlib.axes

_DASHED = {"decaying": "--"}  # where it lies on the growing batches' curve


def draw_losses(ax: "matplotlib.axes.Axes", *, arm: dict[str, Runs], axis: str, examples: int) -> None:
    """Training loss of every policy with the range over seeds."""
    for policy, run in arm.items():
        table, places = run.training_loss, getattr(run, axis)
        (line,) = ax.plot(places, np.median(table, axis=1), "o-", markersize=3, label=policy)
        ax.fill_between(places, table.min(1), table.max(1), color=line.get_color(), alpha=0.25, linewidth=0)
    ax.set(ylabel="training loss")
    _label(ax, axis, examples)


def draw_accuracies(ax: "matplotlib.axes.Axes", *, arm: dict[str, Runs], axis: str, examples: int) -> None:
    """Median accuracy of every policy on training images, and dotted on held-out ones."""
    for policy, run in arm.items():
        places = getattr(run, axis)
        (line,) = ax.plot(places, np.median(run.training_accuracy, axis=1), "o-", markersize=3, label=policy)
        ax.plot(places, np.median(run.held_out_accuracy, axis=1), ":", color=line.get_color())
    ax.set(ylabel="accuracy (dotted: held out)")
    _label(ax, axis, examples)


def draw_schedules(ax: "matplotlib.axes.Axes", *, arm: dict[str, Runs], examples: int) -> None:
    """Rate over its upper bound, and batch size over the first, along the epochs."""
    for policy, run in arm.items():
        what, values = ("batch size / first", run.full_batch / FIRST)
        if policy != "growing":
            what, values = "rate / upper bound", run.lr / run.high
        ax.plot(_ends(run, examples), values, drawstyle="steps-pre", label=f"{policy}: {what}")
    ax.set(yscale="log", ylabel="multiple")
    _label(ax, "epochs", examples)


def draw_noise(ax: "matplotlib.axes.Axes", *, arm: dict[str, Runs], examples: int) -> None:
    """lr N/B along the epochs."""
    for policy, run in arm.items():
        ax.plot(_ends(run, examples), run.noise_scales(examples), drawstyle="steps-pre", label=policy,
                linestyle=_DASHED.get(policy, "-"))  # fmt: skip
    ax.set(yscale="log", ylabel="noise scale lr N/B (examples)")
    _label(ax, "epochs", examples)


def _ends(run: Runs, examples: int) -> np.ndarray:
    return np.cumsum(run.batch_size) / examples


def _label(ax: "matplotlib.axes.Axes", axis: str, examples: int) -> None:
    if axis == "steps":
        ax.set(xscale="log", xlabel="steps")
    else:
        ax.set(xlabel=f"epochs (of {examples:,} examples)")
    ax.legend(fontsize="small")
