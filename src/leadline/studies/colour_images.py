"""Colour images for colorization: CIFAR-10's horses, or patches of two photographs where those are not at hand."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from leadline.core import numpy_generator

# Grey images, and of every pixel the number of its colour.
Labelled = tuple[Float32[np.ndarray, "_ 1 height width"], UInt8[np.ndarray, "_ height width"]]

HORSES, PATCHES = "CIFAR-10 horses", "patches of scikit-learn's two photographs"
_LEVELS = 256  # the sources divide by 256, not by 255
_HELD_OUT = 0.2  # of the patches


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourImages:
    """Images to train on and images to validate on."""

    name: str
    training: UInt8[np.ndarray, "training height width 3"]
    validation: UInt8[np.ndarray, "validation height width 3"]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the sizes and pixels of both parts."""
        digest = hashlib.sha256()
        for part in (self.training, self.validation):
            digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()


def cifar_horses(folder: Path | str | None = None) -> ColourImages:
    """The 5000 horses of CIFAR-10's training files, and for validation the 1000 of its test file, as in the sources.

    Raises:
        MissingDataError: the files are not in the folder.
    """
    from leadline.data import read_cifar10

    return ColourImages(
        name=HORSES,
        training=read_cifar10(folder, part="train").of_class("horse"),
        validation=read_cifar10(folder, part="test").of_class("horse"),
    )


def photograph_patches() -> ColourImages:
    """Patches of 32x32 pixels from the photographs that scikit-learn brings along; a fifth, drawn once, validates."""
    from leadline.data import embedded_set

    patches = embedded_set("photographs").inputs
    order = numpy_generator("colorization patches").permutation(len(patches))
    first = round(_HELD_OUT * len(patches))
    return ColourImages(name=PATCHES, training=patches[order[first:]], validation=patches[order[:first]])


def grey(
    images: UInt8[np.ndarray, "images height width 3"],
) -> Float32[np.ndarray, "images 1 height width"]:
    """The mean of the three channels over 256, one channel first."""
    return (images.mean(axis=3, dtype=np.float64) / _LEVELS).astype(np.float32)[:, None]


def half_mirrored(labelled: Labelled, seed: int, epoch: int) -> Labelled:
    """The same images, each with left and right exchanged or not as a coin falls, thrown anew in every epoch."""
    greys, labels = labelled
    turned = numpy_generator("mirrored", seed, epoch).random(len(greys)) < 1 / 2  # images
    return (
        np.where(turned[:, None, None, None], greys[..., ::-1], greys),
        np.where(turned[:, None, None], labels[..., ::-1], labels),
    )
