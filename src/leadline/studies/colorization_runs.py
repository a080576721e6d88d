"""Training colorization nets as colour classification, epoch by epoch; a killed run goes on where it stopped."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from leadline.core import DivergedError, InputError, random_state_kept
from leadline.data import fit_palette
from leadline.studies.colorization_checkpoints import (
    SOURCES,
    Checkpoint,
    Setting,
    build_net,
    read_checkpoint,
    write_checkpoint,
)
from leadline.studies.colour_images import ColourImages, grey
from leadline.training import Plan, Recipe, State, initialized, plan_of, state_of
from leadline.training.batches import source_of
from leadline.training.loops import run
from leadline.training.objectives import objective_of
from leadline.training.validation import Validation

EPOCHS = 25
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourTask:
    """What one seed's nets are given: grey images, and of every pixel the nearest colour of the seed's palette."""

    blank: Checkpoint  # of no net yet: seed, images, palette
    training: tuple[Float32[np.ndarray, "training 1 height width"], UInt8[np.ndarray, "training height width"]]
    validation: tuple[Float32[np.ndarray, "validation 1 height width"], UInt8[np.ndarray, "validation height width"]]


def runs_file(folder: Path | str, net: str, seed: int) -> Path:
    """Where the checkpoint of a net and seed lies in a folder of runs."""
    return Path(folder) / f"{net}-seed{seed}.safetensors"


def train_colorization(
    images: ColourImages,
    *,
    nets: Sequence[str],
    seeds: Sequence[int],
    epochs: int,
    folder: Path | str,
    setting: Setting = SOURCES,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Checkpoint]:
    """Train each net with each seed for so many epochs, with cross-entropy and Adam, and keep the checkpoints.

    What a checkpoint in the folder has behind it is not done again, and the numbers are those of an unbroken run.
    The seed names the palette (k-means on training pixels), the initial weights and the order of batches.

    Args:
        images: what to train on.
        nets: pool, transposed, unet.
        seeds: one run of each net for each.
        epochs: in all, those of earlier calls included.
        folder: for the checkpoints, one file per net and seed, written after every epoch.
        setting: of net and training.
        announce: is told a line after every epoch.

    Raises:
        InputError: a checkpoint in the folder was made from other images or settings.
        DivergedError: the loss left the finite numbers.
    """
    done = []
    for seed in seeds:
        task = None
        for net in nets:
            path = runs_file(folder, net, seed)
            found = read_checkpoint(path) if path.exists() else None
            if found is not None:
                _check_same(found, images, setting, path)
            if found is None or found.epochs < epochs:
                task = task or colour_task(images, seed, setting)
                for found in _epochs(found or _begun(task, net), task, epochs):  # noqa: B020
                    write_checkpoint(found, path)
                    announce(_line(found, epochs))
            assert found is not None
            done.append(found)
    return done


def colour_task(images: ColourImages, seed: int, setting: Setting = SOURCES) -> ColourTask:
    """Grey images and colour labels, the palette fitted on the training pixels."""
    palette = fit_palette(images.training, colours=setting.colours, seed=seed)
    blank = Checkpoint(
        net="", setting=setting, seed=seed, images=images.name, fingerprint=images.fingerprint, palette=palette,
        state=State({}, {}),
    )  # fmt: skip
    return ColourTask(
        blank=blank,
        training=(grey(images.training), palette.labels(images.training)),
        validation=(grey(images.validation), palette.labels(images.validation)),
    )


def _begun(task: ColourTask, net: str) -> Checkpoint:
    begun = replace(task.blank, net=net)
    return replace(begun, state=state_of(initialized(lambda: build_net(net, begun.setting), begun.seed)))


def _epochs(begun: Checkpoint, task: ColourTask, epochs: int) -> Iterator[Checkpoint]:
    setting = begun.setting
    recipe = Recipe(lr=setting.lr, epochs=epochs, batch_size=setting.batch_size, optimizer="adam", seed=begun.seed)
    model, state = begun.model().train(), begun.state
    source = source_of(task.training, _CPU, torch.float32)
    validation = Validation(task.validation, objective_of(recipe.loss), ("accuracy",), _CPU, torch.float32)
    whole = plan_of(recipe, source.examples)
    for epoch in range(begun.epochs, epochs):
        began = time.perf_counter()
        with random_state_kept():
            state, record = run(model, state, source, recipe, _part(whole, epoch), validation)
        if record.diverged_at >= 0:
            raise DivergedError(
                "train_colorization",
                expected="finite losses",
                got=f"{record.loss[-1]} in epoch {epoch}",
                remedy="lower the learning rate",
            )
        loss, accuracy = record.metrics[-1]
        begun = replace(
            begun,
            state=state.map(torch.clone),  # the run goes on in these very tensors
            training_loss=(*begun.training_loss, float(np.average(record.loss, weights=record.size))),
            validation_loss=(*begun.validation_loss, loss),
            validation_accuracy=(*begun.validation_accuracy, accuracy),
            seconds=(*begun.seconds, time.perf_counter() - began),
        )
        yield begun


def _part(plan: Plan, epoch: int) -> Plan:
    now = plan.epoch == epoch
    return Plan(plan.epoch[now], plan.start[now], plan.size[now], plan.lr[now])


def _check_same(found: Checkpoint, images: ColourImages, setting: Setting, path: Path) -> None:
    if (found.setting, found.fingerprint) != (setting, images.fingerprint):
        raise InputError("train_colorization", expected=f"a checkpoint of {images.name} with {setting}",
                         got=f"{path}, made from {found.images} with {found.setting}",
                         remedy="name another folder or move the file away")  # fmt: skip


def _line(found: Checkpoint, epochs: int) -> str:
    return (
        f"{found.net}, seed {found.seed}, epoch {found.epochs}/{epochs}: loss {found.training_loss[-1]:.4f}, "
        f"validation {found.validation_loss[-1]:.4f}, accuracy {found.validation_accuracy[-1]:.1%}, "
        f"{found.seconds[-1]:.1f} s"
    )
