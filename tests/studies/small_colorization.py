"""Colorization so small that a training takes a fraction of a second."""

import numpy as np

from leadline.core import numpy_generator
from leadline.studies.colorization_checkpoints import Setting
from leadline.studies.colour_images import ColourImages

SMALL = Setting(filters=3, colours=5, batch_size=8)


def small_images(name: str = "small", side: int = 8, training: int = 20) -> ColourImages:
    """Images to train on and 6 to validate on: smooth, so that something can be learnt."""
    random = numpy_generator("small images")
    corners = random.integers(0, 256, (training + 6, side // 4, side // 4, 3))
    blocks = corners.repeat(4, axis=1).repeat(4, axis=2)
    noisy = np.clip(blocks + random.integers(-9, 10, blocks.shape), 0, 255).astype(np.uint8)
    return ColourImages(name=name, training=noisy[:training], validation=noisy[training:])
