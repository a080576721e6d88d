"""Training colorization nets as colour classification, epoch by epoch; a killed run goes on where it stopped."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from leadline.core import DivergedError, InputError, choose_device, random_state_kept
from leadline.data import fit_palette
from leadline.studies.colorization_checkpoints import (
    SOURCES,
    Checkpoint,
    Setting,
    build_net,
    read_checkpoint,
    setting_of,
    write_checkpoint,
)
from leadline.studies.colour_images import ColourImages, Labelled, grey, half_mirrored
from leadline.studies.pixel_losses import pixel_cross_entropy
from leadline.sweep import ProcessPool
from leadline.training import OneCycle, Plan, Recipe, State, initialized, loops, plan_of, state_of
from leadline.training.batches import channels_last, source_of
from leadline.training.objectives import objective_of
from leadline.training.validation import Validation

EPOCHS = 25
PRECISIONS = ("float32", "bfloat16")
_CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourTask:
    """What one seed's nets are given: grey images, and of every pixel the nearest colour of the seed's palette."""

    blank: Checkpoint  # of no net yet: seed, images, palette
    training: Labelled
    validation: Labelled


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
    setting: Setting | None = None,
    precision: str | None = None,
    device: str = "cpu",
    executor: Executor | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> list[Checkpoint]:
    """Train each net with each seed for so many epochs, with cross-entropy and Adam, and keep the checkpoints.

    What a checkpoint in the folder has behind it is not done again, and the numbers are those of an unbroken run.
    The seed names the palette (k-means on training pixels), the initial weights and the order of batches.

    Args:
        images: what to train on.
        nets: keys of `colorization_checkpoints.NETS`.
        seeds: one run of each net for each.
        epochs: in all, those of earlier calls included.
        folder: for the checkpoints, one file per net and seed, written after every epoch.
        setting: of net and training; None: each net's own. A cycle of the learning rate takes all epochs.
        precision: of the forward pass in training, float32 or bfloat16; None: as the checkpoint has it, and for a new
            run bfloat16 where the device multiplies it faster.
        device: where to train.
        executor: runs side by side, each a job; None: one after the other, here. Nets as small as these fill two
            processes of one thread each better than one process of two.
        announce: is told a line after every epoch, and with an executor after every run.

    Raises:
        InputError: a checkpoint in the folder was made from other images or settings, or in another precision.
        DivergedError: the loss left the finite numbers.
    """
    place = choose_device(device)
    if precision not in (None, *PRECISIONS):
        raise InputError("train_colorization", expected="precision " + " or ".join(PRECISIONS), got=repr(precision),
                         remedy="pass one of these or None")  # fmt: skip
    runs = []
    for seed in seeds:
        for net in nets:
            chosen = setting or setting_of(net)
            chosen = replace(chosen, cycle=chosen.cycle and epochs)
            runs.append(_Run(net, seed, chosen, epochs, runs_file(folder, net, seed), precision, place))
    for run in runs:
        if (found := run.found()) is not None:
            _check_same(found, images, run)
    if executor is None:
        task_of = lru_cache(maxsize=1)(partial(colour_task, images))  # nets of one seed share a palette
        return [_trained(run, task_of, announce) for run in runs]
    return _side_by_side(runs, images, executor, announce)


@dataclass(frozen=True)
class _Run:
    net: str
    seed: int
    setting: Setting
    epochs: int
    path: Path
    precision: str | None
    device: torch.device

    def found(self) -> Checkpoint | None:
        return read_checkpoint(self.path) if self.path.exists() else None


def _trained(
    run: _Run, task_of: Callable[[int, Setting], ColourTask], announce: Callable[[str], None] = lambda _: None
) -> Checkpoint:
    found = run.found()
    if found is not None and found.epochs >= run.epochs:
        return found
    task = task_of(run.seed, run.setting)
    found = found or begun(task, run.net, run.setting, run.precision or fastest_precision(run.device))
    for found in epochs_of(found, task, run.epochs, run.device):  # noqa: B020
        write_checkpoint(found, run.path)
        announce(_line(found, run.epochs))
    return found


def _side_by_side(
    runs: Sequence[_Run], images: ColourImages, executor: Executor, announce: Callable[[str], None]
) -> list[Checkpoint]:
    futures = {executor.submit(_trained, run, partial(colour_task, images)): run for run in runs}
    try:
        for future in as_completed(futures):
            run, found = futures[future], future.result()
            if not run.path.exists():  # trained on another machine
                write_checkpoint(found, run.path)
            announce(_line(found, run.epochs))
    except BaseException:
        if isinstance(executor, ProcessPool):
            executor.kill()  # else the others would train on for minutes
        raise
    return [future.result() for future in futures]


def fastest_precision(device: torch.device) -> str:
    """bfloat16 where the device has instructions that multiply it, float32 elsewhere."""
    if device.type == "cpu":
        can = torch.cpu.get_capabilities()
        return PRECISIONS[bool(can.get("avx512_bf16") or can.get("amx_bf16"))]
    return PRECISIONS[device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)]


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


def begun(task: ColourTask, net: str, setting: Setting, precision: str) -> Checkpoint:
    """A run with no epoch behind it."""
    state = state_of(initialized(lambda: build_net(net, setting), task.blank.seed))
    return replace(task.blank, net=net, setting=setting, precision=precision, state=state)


def epochs_of(found: Checkpoint, task: ColourTask, epochs: int, device: torch.device = _CPU) -> Iterator[Checkpoint]:
    """The run after each epoch from here to the last."""
    setting = found.setting
    recipe = Recipe(
        lr=setting.lr, epochs=epochs, batch_size=setting.batch_size, loss=pixel_cross_entropy, optimizer="adam",
        schedule=OneCycle() if setting.cycle else None, autocast=found.precision == "bfloat16", channels_last=True,
        seed=found.seed,
    )  # fmt: skip
    model = found.model().to(device).train()
    state = found.state.map(lambda tensor: channels_last(tensor.to(device)))
    validation = validation_on(task.validation, device)
    whole = plan_of(recipe, len(task.training[0]))
    source = source_of(task.training, device, torch.float32)
    for epoch in range(found.epochs, epochs):
        began = time.perf_counter()
        if setting.mirrored:
            source = source_of(half_mirrored(task.training, found.seed, epoch), device, torch.float32)
        with random_state_kept():
            state, record = loops.run(model, state, source, recipe, _part(whole, epoch), validation)
        if record.diverged_at >= 0:
            raise DivergedError(
                "train_colorization",
                expected="finite losses",
                got=f"{record.loss[-1]} in epoch {epoch}",
                remedy="lower the learning rate",
            )
        loss, accuracy = record.metrics[-1]
        found = replace(
            found,
            state=state.map(lambda tensor: tensor.to(_CPU, copy=True)),  # the run goes on in these very tensors
            training_loss=(*found.training_loss, float(np.average(record.loss, weights=record.size))),
            validation_loss=(*found.validation_loss, loss),
            validation_accuracy=(*found.validation_accuracy, accuracy),
            seconds=(*found.seconds, time.perf_counter() - began),
        )
        yield found


def validation_on(images: Labelled, device: torch.device = _CPU) -> Validation:
    """Loss and accuracy on these images."""
    held_out = tuple(channels_last(torch.from_numpy(part)) for part in images)
    return Validation(held_out, objective_of(pixel_cross_entropy), ("accuracy",), device, torch.float32)


def _part(plan: Plan, epoch: int) -> Plan:
    now = plan.epoch == epoch
    return Plan(plan.epoch[now], plan.start[now], plan.size[now], plan.lr[now])


def _check_same(found: Checkpoint, images: ColourImages, run: _Run) -> None:
    wanted = (run.setting, images.fingerprint, run.precision or found.precision)
    if (found.setting, found.fingerprint, found.precision) != wanted:
        expected = f"a checkpoint of {images.name} with {run.setting}, {wanted[2]}"
        raise InputError("train_colorization", expected=expected,
                         got=f"{run.path}, made from {found.images} with {found.setting}, {found.precision}",
                         remedy="name another folder or move the file away")  # fmt: skip


def _line(found: Checkpoint, epochs: int) -> str:
    return (
        f"{found.net}, seed {found.seed}, epoch {found.epochs}/{epochs}: loss {found.training_loss[-1]:.4f}, "
        f"validation {found.validation_loss[-1]:.4f}, accuracy {found.validation_accuracy[-1]:.1%}, "
        f"{found.seconds[-1]:.1f} s"
    )
