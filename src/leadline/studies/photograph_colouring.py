"""Colouring images with a trained net: each pixel in the palette's colour of the highest score."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from leadline.core import InputError
from leadline.studies.colorization_checkpoints import Checkpoint
from leadline.studies.colour_images import grey

_MULTIPLE = 4  # the nets halve the sides twice
_IMAGES = 250  # at a time
_PIXELS = 2**19  # of a strip, without its overlaps: the widest layer then takes a few hundred megabytes
_OVERLAP = 8  # rows per row of the kernel, a multiple of 4: layers at strides 1, 2 and 4 see less
_LEVELS_UNKNOWN = ("I", "F")  # Pillow's names for whole and real numbers of 32 bits


def colour(images: UInt8[np.ndarray, "images height width 3"], checkpoint: Checkpoint) -> UInt8[np.ndarray, "..."]:
    """Images of any one size, coloured from their grey values alone."""
    return checkpoint.palette.paint(predicted_labels(images, checkpoint))


def predicted_labels(
    images: UInt8[np.ndarray, "images height width 3"], checkpoint: Checkpoint
) -> UInt8[np.ndarray, "images height width"]:
    """By pixel the place of the colour with the highest score.

    Sides are padded to multiples of 4 by repeating the border, and cropped again: the nets are fully convolutional.
    Large images go through the net in strips that overlap by more than a pixel's score depends on.
    """
    height, width = images.shape[1:3]
    padding = [(0, 0), (0, -height % _MULTIPLE), (0, -width % _MULTIPLE), (0, 0)]
    inputs = torch.from_numpy(grey(np.pad(images, padding, mode="edge")))
    model, overlap = checkpoint.model(), _OVERLAP * checkpoint.setting.kernel
    rows = max(1, _PIXELS // inputs.shape[3] // _MULTIPLE) * _MULTIPLE
    strips = []
    with torch.no_grad():
        for start in range(0, inputs.shape[2], rows):
            first = max(0, start - overlap)
            strip = inputs[:, :, first : start + rows + overlap].split(_IMAGES)
            chosen = torch.cat([model(some).argmax(1).byte() for some in strip])
            strips.append(chosen[:, start - first : start - first + rows])
    return torch.cat(strips, dim=1)[:, :height, :width].numpy()


def colour_photograph(photograph: Path | str, checkpoint: Checkpoint, to: Path | str) -> tuple[int, int]:
    """Colour a photograph of any size, and write it to another file.

    Args:
        photograph: any format that Pillow reads, with 8 or 16 bits a channel; one in colour is made grey first,
            transparency is dropped.
        checkpoint: of the trained net.
        to: file to write; its ending says the format.

    Returns:
        Width and height in pixels.

    Raises:
        InputError: no image, one of other levels, or a name without the ending of a format.
    """
    from PIL import Image

    endings = {ending for ending, format_ in Image.registered_extensions().items() if format_ in Image.SAVE}
    if Path(to).suffix.lower() not in endings or not Path(to).parent.is_dir():
        raise _refusal("a file name that ends like an image's, in a folder that is there", str(to),
                       "write to e.g. coloured.png")  # fmt: skip
    coloured = Image.fromarray(colour(_pixels(photograph)[None], checkpoint)[0])
    try:
        coloured.save(to)
    except OSError as error:
        raise _refusal("a file that can be written", f"{to}: {error}", "write to e.g. coloured.png") from error
    return coloured.size


def _pixels(photograph: Path | str) -> UInt8[np.ndarray, "height width 3"]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(photograph) as opened:
            upright = ImageOps.exif_transpose(opened)
            if upright.mode.startswith("I;16"):  # whose levels above 255 Pillow would take for white
                upright = Image.fromarray((np.array(upright) // 256).astype(np.uint8))
            if upright.mode in _LEVELS_UNKNOWN:
                raise _refusal("8 or 16 bits a channel", f"{photograph} of mode {upright.mode}", "convert it first")
            return np.array(upright.convert("RGB"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise _refusal("an image", f"{photograph}: {error}", "name a JPEG or PNG file") from error


def _refusal(expected: str, got: str, remedy: str) -> InputError:
    return InputError("colour_photograph", expected=expected, got=got, remedy=remedy)
