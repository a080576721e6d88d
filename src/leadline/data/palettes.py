"""A palette: a few colours that stand for all, and for every pixel the nearest of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from leadline.core import InputError, numpy_generator, seed_of

_SAMPLE = 50_000  # pixels that k-means sees; more move no colour by a level
_STARTS = 3
_CHUNK = 4096  # pixels whose distances fit the cache


@dataclass(frozen=True, eq=False, kw_only=True)
class Palette:
    """Colours as red, green, blue from 0 to 255, darkest first."""

    colours: Float[np.ndarray, "colours 3"]

    def labels(self, pixels: UInt8[np.ndarray, "*pixels 3"]) -> UInt8[np.ndarray, "*pixels"]:
        """By pixel the place of the nearest colour, in Euclidean distance; of equally near ones the first."""
        flat = pixels.reshape(-1, 3)
        nearest = np.empty(len(flat), np.uint8)
        halves = (self.colours**2).sum(1) / 2
        for start in range(0, len(flat), _CHUNK):
            products = flat[start : start + _CHUNK].astype(np.float64) @ self.colours.T  # pixels, colours
            nearest[start : start + _CHUNK] = (halves - products).argmin(1)
        return nearest.reshape(pixels.shape[:-1])

    def paint(
        self, labels: Int[np.ndarray, "*pixels"] | UInt8[np.ndarray, "*pixels"]
    ) -> UInt8[np.ndarray, "*pixels 3"]:
        """The colours that labels stand for, rounded to whole levels."""
        return np.rint(self.colours).astype(np.uint8)[labels]

    def rms_error(self, pixels: UInt8[np.ndarray, "*pixels 3"]) -> float:
        """Root mean square distance per channel, in levels of 255, between pixels and their nearest colours.

        This error stays when every label is predicted right.
        """
        difference = pixels.astype(np.float64) - self.colours[self.labels(pixels)]
        return float(np.sqrt((difference**2).mean()))


def fit_palette(pixels: UInt8[np.ndarray, "*pixels 3"], *, colours: int = 24, seed: int = 0) -> Palette:
    """The palette that k-means finds on a sample of pixels.

    Args:
        pixels: images of red, green and blue levels, in any arrangement.
        colours: how many.
        seed: names the sample and the starts of k-means.

    Raises:
        InputError: fewer different pixels than colours, or more than 256 colours.

    >>> grey = np.repeat(np.array([[0], [9], [200], [210]], np.uint8), 3, axis=1)
    >>> fit_palette(grey, colours=2).colours[:, 0].tolist()
    [4.5, 205.0]
    """
    from sklearn.cluster import KMeans

    flat = pixels.reshape(-1, 3)
    if len(flat) > _SAMPLE:
        flat = flat[numpy_generator("palette", seed).choice(len(flat), _SAMPLE, replace=False)]
    different = len(np.unique(flat, axis=0))
    if not 1 <= colours <= min(different, 256):
        raise InputError("fit_palette", expected=f"1 to {min(different, 256)} colours for {different} different pixels",
                         got=str(colours), remedy="ask for fewer colours or give more pixels")  # fmt: skip
    starts: Any = _STARTS  # scikit-learn's stub knows only "auto"
    means = KMeans(colours, n_init=starts, random_state=seed_of("palette", seed) % 2**32)
    centres = means.fit(flat.astype(np.float64)).cluster_centers_
    return Palette(colours=centres[np.argsort(centres.sum(1), kind="stable")])
