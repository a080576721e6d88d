"""Small data sets that come with scikit-learn: nothing to download."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from leadline.core import InputError

PATCH = 32  # pixels


@dataclass(frozen=True, eq=False, kw_only=True)
class EmbeddedSet:
    """Inputs and targets; `classes` is empty where targets are real numbers.

    Attributes:
        inputs: by example the features, or the levels of an image's pixels (height, width, colour).
        targets: by example the place of its class in `classes`, or a real number.
        source: who published it.
    """

    name: str
    inputs: Float64[np.ndarray, "examples features"] | UInt8[np.ndarray, "examples height width 3"]
    targets: Int64[np.ndarray, " examples"] | Float64[np.ndarray, " examples"]
    classes: tuple[str, ...]
    source: str


def embedded_set(name: str) -> EmbeddedSet:
    """The embedded data set of that name, the same on every machine.

    Args:
        name: digits, breast-cancer, iris, wine, diabetes-regression, or photographs (patches of 32x32 pixels, side by
            side, of two photographs; the target says of which).

    Raises:
        InputError: none has that name.

    >>> digits = embedded_set("digits")
    >>> digits.inputs.shape, len(digits.classes)
    ((1797, 64), 10)
    """
    if name not in EMBEDDED:
        raise InputError("embedded_set", expected="one of " + ", ".join(EMBEDDED), got=repr(name),
                         remedy="pass one of these names")  # fmt: skip
    return _photographs(name) if name == "photographs" else _table(name)


def _table(name: str) -> EmbeddedSet:
    import sklearn.datasets

    bunch: Any = getattr(sklearn.datasets, _LOADERS[name])()
    classes = tuple(map(str, getattr(bunch, "target_names", ())))
    return EmbeddedSet(
        name=name,
        inputs=bunch.data.astype(np.float64),
        targets=bunch.target.astype(np.int64 if classes else np.float64),
        classes=classes,
        source=EMBEDDED[name],
    )


def _photographs(name: str) -> EmbeddedSet:
    from sklearn.datasets import load_sample_images

    bunch: Any = load_sample_images()
    patches = [_patches(image) for image in bunch.images]
    return EmbeddedSet(
        name=name,
        inputs=np.concatenate(patches),
        targets=np.repeat(np.arange(len(patches)), [len(some) for some in patches]),
        classes=tuple(Path(file).name for file in bunch.filenames),
        source=EMBEDDED[name],
    )


def _patches(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "patches 32 32 3"]:
    down, across = (side // PATCH for side in image.shape[:2])
    whole = image[: down * PATCH, : across * PATCH]
    return whole.reshape(down, PATCH, across, PATCH, 3).swapaxes(1, 2).reshape(-1, PATCH, PATCH, 3)


EMBEDDED = {  # name -> who published it
    "digits": "UCI, Optical Recognition of Handwritten Digits, test part; 8x8 levels from 0 to 16",
    "breast-cancer": "UCI, Breast Cancer Wisconsin (Diagnostic)",
    "iris": "Fisher 1936",
    "wine": "UCI, Wine",
    "diabetes-regression": "Efron, Hastie, Johnstone & Tibshirani 2004; columns scaled",
    "photographs": "scikit-learn's two sample images",
}
_LOADERS = {
    "digits": "load_digits",
    "breast-cancer": "load_breast_cancer",
    "iris": "load_iris",
    "wine": "load_wine",
    "diabetes-regression": "load_diabetes",
}
