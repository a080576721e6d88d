"""Pictures in ten classes for a small convolutional net: Fashion-MNIST, or a stand-in that is embedded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from leadline.core import numpy_generator
from leadline.data import LabelledImages, embedded_set, read_fashion_mnist

_CHANNELS = 8, 16
_SIDE, _DIGIT_SIDE, _ENLARGED = 28, 8, 3  # pixels, and how many a digit's pixel becomes
_DIGITS_HELD_OUT = 300

Arrays = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Training pictures and some that are held out, 28x28, grey from 0 to 1; `real`: is it Fashion-MNIST?"""

    name: str
    training: Arrays
    held_out: Arrays
    real: bool


def clothing(folder: Path | None, *, training: int, held_out: int) -> Pictures:
    """So many of Fashion-MNIST's training images and of its test images.

    Raises:
        MissingDataError: its files are not there.
    """
    parts = [
        _some(read_fashion_mnist(folder, part=part), count, part)
        for part, count in (("train", training), ("test", held_out))
    ]
    name = f"{len(parts[0][1]):,} training images of Fashion-MNIST"
    return Pictures(name, parts[0], parts[1], real=True)


def enlarged_digits() -> Pictures:
    """scikit-learn's digits enlarged to the size of Fashion-MNIST's pictures."""
    digits = embedded_set("digits")
    order = numpy_generator("enlarged digits").permutation(len(digits.targets))
    levels = np.kron(digits.inputs[order].reshape(-1, _DIGIT_SIDE, _DIGIT_SIDE) / 16, np.ones((_ENLARGED,) * 2))
    edge = (_SIDE - _DIGIT_SIDE * _ENLARGED) // 2
    pictures = torch.tensor(np.pad(levels, ((0, 0), (edge, edge), (edge, edge))), dtype=torch.float32)[:, None]
    targets = torch.tensor(digits.targets[order])
    split = len(targets) - _DIGITS_HELD_OUT
    training, held_out = (pictures[:split], targets[:split]), (pictures[split:], targets[split:])
    return Pictures(f"{split:,} enlarged digits, a stand-in", training, held_out, real=False)


def small_net() -> nn.Module:
    """Two strided convolutions and a linear layer; 9,226 parameters.

    >>> sum(parameter.numel() for parameter in small_net().parameters())
    9226
    """
    first, second = _CHANNELS
    return nn.Sequential(
        nn.Conv2d(1, first, 5, stride=2, padding=2), nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(second * (_SIDE // 4) ** 2, 10),
    )  # fmt: skip


def _some(images: LabelledImages, count: int, part: str) -> Arrays:
    order = numpy_generator("clothing", part).permutation(len(images.labels))[:count]
    pixels = torch.tensor(images.images[order], dtype=torch.float32)[:, None] / 255
    return pixels, torch.tensor(images.labels[order]).long()
