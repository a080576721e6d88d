"""Validation images side by side: grey, in colour, and as trained nets colour them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from leadline.studies.colorization_checkpoints import NETS, Checkpoint
from leadline.studies.colour_images import ColourImages
from leadline.studies.photograph_colouring import colour

if TYPE_CHECKING:
    import matplotlib.axes

PictureRows = tuple[tuple[str, UInt8[np.ndarray, "height width 3"]], ...]  # name -> images side by side
_SHOWN = 8  # images in a row


def picture_rows(checkpoints: Sequence[Checkpoint], images: ColourImages) -> PictureRows:
    """Validation images side by side: grey, in colour, and as each net of the first seed colours them."""
    some = images.validation[:: max(1, len(images.validation) // _SHOWN)][:_SHOWN]
    greys = np.repeat(np.rint(some.mean(axis=3, keepdims=True)).astype(np.uint8), 3, axis=3)
    first = min(one.seed for one in checkpoints)
    rows = {"grey": greys, "truth": some}
    rows |= {one.net: colour(some, one) for net in NETS for one in checkpoints if (one.net, one.seed) == (net, first)}
    return tuple((name, np.concatenate(list(row), axis=1)) for name, row in rows.items())


def draw_rows(ax: "matplotlib.axes.Axes", rows: PictureRows) -> None:
    """Rows of images under each other, named at the left."""
    height = rows[0][1].shape[0]
    ax.imshow(np.concatenate([row for _, row in rows]), interpolation="nearest")
    ax.set_yticks([height * (place + 0.5) for place in range(len(rows))], [name for name, _ in rows])
    ax.set_xticks([])
    ax.grid(visible=False)
