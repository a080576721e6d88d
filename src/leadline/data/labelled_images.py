"""Images with one class each, as they come out of a data set's files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledImages:
    """Images in the order of the files; colours are red, green, blue."""

    paths: tuple[Path, ...]  # the files that were read
    images: UInt8[np.ndarray, "images height width *colours"]
    labels: UInt8[np.ndarray, " images"]
    classes: tuple[str, ...]  # names, by label

    def of_class(self, name: str) -> UInt8[np.ndarray, "some height width *colours"]:
        """The images of one class."""
        return self.images[self.labels == self.classes.index(name)]
