"""An epoch of `leadline colorize` beside the same training as everyone writes it in PyTorch.

    python -m benchmarks.colorization [--epochs N] [--threads N] [--clock wall|cpu] [--nets pool transposed unet]

The script: a DataLoader over a TensorDataset, float32, contiguous memory, torch's own number of threads, Adam,
cross-entropy on images; loss and accuracy on the validation images after every epoch. Ours: the same images, palette,
initial weights, order of batches, settings and evaluation, as `leadline colorize` trains by default, and once more in
float32. Epochs take turns (A B C A B C ...), so that drift of the machine's speed meets all alike, and the median
counts; the losses are those after the last epoch. CIFAR-10's horses where LEADLINE_DATA has them, otherwise patches of
two photographs, repeated to as many images. On a busy machine use `--clock cpu --threads 1`.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import MissingDataError
from leadline.studies.colorization_checkpoints import SOURCES, build_net
from leadline.studies.colorization_runs import PRECISIONS, ColourTask, begun, colour_task, epochs_of, fastest_precision
from leadline.studies.colour_images import ColourImages, cifar_horses, photograph_patches
from leadline.training import initialized, order

NETS, TARGET, SEED = ("pool", "transposed", "unet"), 2.0, 0
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

    def __init__(self, examples: int) -> None:
        self.examples, self.epoch = examples, -1

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        return iter(order(SEED, self.epoch, self.examples).tolist())

    def __len__(self) -> int:
        return self.examples


def script(net: str, task: ColourTask) -> Losses:
    """Training as everyone writes it."""
    training, validation = (
        TensorDataset(torch.from_numpy(greys), torch.from_numpy(labels).long())
        for greys, labels in (task.training, task.validation)
    )
    loader = DataLoader(training, batch_size=SOURCES.batch_size, sampler=SameOrder(len(training)))
    check = DataLoader(validation, batch_size=SOURCES.batch_size)
    model: nn.Module = initialized(lambda: build_net(net, SOURCES), SEED)
    adam = torch.optim.Adam(model.parameters(), lr=SOURCES.lr)
    while True:
        model.train()
        total = 0.0
        for inputs, labels in loader:
            loss = functional.cross_entropy(model(inputs), labels)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            losses, right = [], 0.0
            for inputs, labels in check:
                scores = model(inputs)
                losses.append(functional.cross_entropy(scores, labels).item())
                right += (scores.argmax(1) == labels).float().mean().item()
        yield float(np.mean(losses))


def ours(net: str, task: ColourTask, epochs: int, precision: str) -> Losses:
    """What `leadline colorize` runs."""
    for one in epochs_of(begun(task, net, SOURCES, precision), task, epochs):
        yield one.validation_loss[-1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    clock: Callable[[], float] = time.perf_counter if given.clock == "wall" else time.process_time
    of = images()
    task = colour_task(of, SEED)
    default = fastest_precision(torch.device("cpu"))
    print(f"{of.name}, {torch.get_num_threads()} threads, {given.clock} time, {given.epochs} epochs")
    print(f"{'':12}{'script':>10}{default:>12}{'':>9}{'float32':>12}{'':>9}{'target':>9}   loss: script, ours, float32")
    for net in given.nets:
        runs = {
            "script": script(net, task),
            **{p: ours(net, task, given.epochs, p) for p in {default, *PRECISIONS[:1]}},
        }
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        loss = dict.fromkeys(runs, np.nan)
        for _ in range(given.epochs):
            for name, run in runs.items():
                start = clock()
                loss[name] = next(run)
                seconds[name].append(clock() - start)
        middle = {name: float(np.median(values)) for name, values in seconds.items()}
        ratios = "".join(f"{middle[p]:10.2f} s{middle['script'] / middle[p]:8.2f}x" for p in (default, "float32"))
        losses = ", ".join(f"{loss[name]:.4f}" for name in ("script", default, "float32"))
        print(f"{net:12}{middle['script']:8.2f} s{ratios}{TARGET:8.1f}x   {losses}", flush=True)


if __name__ == "__main__":
    main()
