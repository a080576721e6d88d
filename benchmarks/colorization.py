"""An epoch of `leadline colorize` beside the same training as everyone writes it in PyTorch.

    python -m benchmarks.colorization [--epochs N] [--seeds N] [--threads N] [--clock wall|cpu] [--device NAME]
                                      [--nets pool transposed unet]

The script: a DataLoader over a TensorDataset, float32, contiguous memory, torch's own number of threads, Adam,
cross-entropy on images; loss and accuracy on the validation images after every epoch. Ours: the same images, palette,
initial weights, order of batches, settings and evaluation, as `leadline colorize` trains by default, and once more in
float32. Epochs take turns (A B C A B C ...), so that drift of the machine's speed meets all alike, and the median over
epochs and seeds counts. The losses are those after the last epoch, one per seed: how they differ along a row is the
seeds' noise. CIFAR-10's horses where LEADLINE_DATA has them, otherwise patches of two photographs, repeated to as many
images. "side by side": two runs of ours in two processes of one thread each, as `leadline colorize --workers 2` trains
them; seconds are half of an epoch's, since two end in that time. On a busy machine use `--clock cpu --threads 1`.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import MissingDataError
from leadline.studies.colorization_checkpoints import SOURCES, build_net
from leadline.studies.colorization_runs import (
    PRECISIONS,
    ColourTask,
    begun,
    colour_task,
    epochs_of,
    fastest_precision,
    train_colorization,
)
from leadline.studies.colour_images import ColourImages, cifar_horses, photograph_patches
from leadline.sweep import ProcessPool
from leadline.training import initialized, order

NETS, TARGET, PAIR = ("pool", "transposed", "unet"), 2.0, 2
IMAGES = 5000, 1000  # to train and to validate on
Losses = Iterator[float]  # on the validation images, after each epoch


def images() -> ColourImages:
    """Horses, or as many patches."""
    try:
        return cifar_horses()
    except MissingDataError:
        few = photograph_patches()
        training, validation = (
            np.resize(part, (count, *part.shape[1:]))
            for part, count in zip((few.training, few.validation), IMAGES, strict=True)
        )
        return ColourImages(name=few.name, training=training, validation=validation)


class SameOrder(torch.utils.data.Sampler):
    """Shuffling, in the order that ours takes."""

    def __init__(self, examples: int, seed: int) -> None:
        self.examples, self.seed, self.epoch = examples, seed, -1

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        return iter(order(self.seed, self.epoch, self.examples).tolist())

    def __len__(self) -> int:
        return self.examples


def script(net: str, task: ColourTask, device: torch.device) -> Losses:
    """Training as everyone writes it."""
    seed = task.blank.seed
    training, validation = (
        TensorDataset(torch.from_numpy(greys), torch.from_numpy(labels).long())
        for greys, labels in (task.training, task.validation)
    )
    loader = DataLoader(training, batch_size=SOURCES.batch_size, sampler=SameOrder(len(training), seed))
    check = DataLoader(validation, batch_size=SOURCES.batch_size)
    model: nn.Module = initialized(lambda: build_net(net, SOURCES), seed).to(device)
    adam = torch.optim.Adam(model.parameters(), lr=SOURCES.lr)
    while True:
        model.train()
        total = 0.0
        for batch in loader:
            inputs, labels = (tensor.to(device) for tensor in batch)
            loss = functional.cross_entropy(model(inputs), labels)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            losses, right = [], 0.0
            for batch in check:
                inputs, labels = (tensor.to(device) for tensor in batch)
                scores = model(inputs)
                losses.append(functional.cross_entropy(scores, labels).item())
                right += (scores.argmax(1) == labels).float().mean().item()
        yield float(np.mean(losses))


def ours(net: str, task: ColourTask, epochs: int, precision: str, device: torch.device) -> Losses:
    """What `leadline colorize` runs."""
    for one in epochs_of(begun(task, net, SOURCES, precision), task, epochs, device):
        yield one.validation_loss[-1]


def measured(
    net: str, tasks: list[ColourTask], epochs: int, device: torch.device, clock: Callable[[], float]
) -> dict[str, tuple[float, list[float]]]:
    """Median seconds of an epoch, and final losses by seed, of the script and of ours in each precision."""
    precisions = dict.fromkeys((fastest_precision(device), PRECISIONS[0]))
    seconds: dict[str, list[float]] = {}
    losses: dict[str, list[float]] = {}
    for task in tasks:
        runs = {"script": script(net, task, device)}
        runs |= {precision: ours(net, task, epochs, precision, device) for precision in precisions}
        last = dict.fromkeys(runs, np.nan)
        for _ in range(epochs):
            for name, run in runs.items():
                start = clock()
                last[name] = next(run)
                seconds.setdefault(name, []).append(clock() - start)
        for name, loss in last.items():
            losses.setdefault(name, []).append(loss)
    return {name: (float(np.median(seconds[name])), losses[name]) for name in seconds}


def side_by_side(net: str, of: ColourImages, epochs: int) -> tuple[float, list[float]]:
    """Seconds for each epoch of two runs at once, and their final losses."""
    with tempfile.TemporaryDirectory() as folder, ProcessPool(PAIR) as pool:
        done = train_colorization(of, nets=[net], seeds=range(PAIR), epochs=epochs, folder=folder, executor=pool)
    return float(np.median([one.seconds for one in done])) / PAIR, [one.validation_loss[-1] for one in done]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    of, device = images(), torch.device(given.device)
    tasks = [colour_task(of, seed) for seed in range(given.seeds)]
    clock: Callable[[], float] = time.perf_counter if given.clock == "wall" else time.process_time
    print(f"{of.name}, {device}, {torch.get_num_threads()} threads, {given.clock} time, {given.epochs} epochs")
    print(f"{'':12}{'':14}{'s/epoch':>9}{'script / it':>13}{'target':>8}   loss by seed")
    for net in given.nets:
        found = measured(net, tasks, given.epochs, device, clock)
        if given.clock == "wall" and device.type == "cpu":
            found["side by side"] = side_by_side(net, of, given.epochs)
        for name, (seconds, losses) in found.items():
            ratio = f"{found['script'][0] / seconds:12.2f}x{TARGET:7.1f}x" if name != "script" else " " * 21
            by_seed = ", ".join(f"{loss:.4f}" for loss in losses)
            print(f"{net:12}{name:14}{seconds:9.2f}{ratio}   {by_seed}", flush=True)


if __name__ == "__main__":
    main()
