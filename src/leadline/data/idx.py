"""MNIST and Fashion-MNIST: grey images of 28x28 pixels in ten classes, in gzipped idx files."""

import gzip
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from leadline.core import InputError
from leadline.data.files import find_file
from leadline.data.labelled_images import LabelledImages

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_BYTES = b"\x00\x00\x08"  # how an idx file of unsigned bytes begins; the number of axes follows


def read_mnist(folder: Path | str | None = None, *, part: str = "train") -> LabelledImages:
    """Read MNIST's files in the folder `mnist` of a folder that holds data sets.

    Args:
        folder: where to look; None: the folder that LEADLINE_DATA names, or the one that downloads go to.
        part: "train" (60,000 images) or "test" (10,000).

    Raises:
        MissingDataError: a file is not there.
        InputError: another part, or a file that is truncated, corrupted or no idx file of that kind.

    Source: LeCun, Bottou, Bengio & Haffner 1998.
    """
    return _read("read_mnist", "mnist", folder, part, DIGITS)


def read_fashion_mnist(folder: Path | str | None = None, *, part: str = "train") -> LabelledImages:
    """Read Fashion-MNIST's files in the folder `fashion-mnist` of a folder that holds data sets.

    Arguments and errors are those of `read_mnist`.

    Source: Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747.
    """
    return _read("read_fashion_mnist", "fashion-mnist", folder, part, CLOTHES)


def read_idx(path: Path, *, axes: int, operation: str) -> UInt8[np.ndarray, "..."]:
    """The array of unsigned bytes in a gzipped idx file.

    Raises:
        InputError: truncated, corrupted, or not such a file; `operation` is named in the message.
    """
    try:
        with gzip.open(path) as stream:
            content = stream.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(operation, path, axes, f"a broken gzip file ({error})") from error
    header = 4 + 4 * axes
    if len(content) < header or content[:4] != _BYTES + bytes([axes]):
        raise _broken(operation, path, axes, f"a file that begins with {content[:4].hex(' ') or 'nothing'}")
    shape = tuple(np.frombuffer(content[4:header], ">u4").tolist())
    expected = int(np.prod(shape, dtype=object))
    if len(content) - header != expected:
        raise _broken(operation, path, axes, f"{len(content) - header} values where the header says {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _read(operation: str, name: str, folder: Path | str | None, part: str, classes: tuple[str, ...]) -> LabelledImages:
    if part not in FILES:
        raise InputError(operation, expected="part 'train' or 'test'", got=repr(part), remedy="pass one of these")
    pictures, marks = (find_file(file, data_set=name, folder=folder, below=name) for file in FILES[part])
    images = read_idx(pictures, axes=3, operation=operation)
    labels = read_idx(marks, axes=1, operation=operation)
    highest = int(labels.max(initial=0))
    if len(images) != len(labels) or highest >= len(classes):
        raise InputError(operation, expected=f"a label below {len(classes)} for every image",
                         got=f"{len(images)} images in {pictures}, {len(labels)} labels up to {highest} in {marks}",
                         remedy=f"run `leadline data fetch {name}`")  # fmt: skip
    return LabelledImages(paths=(pictures, marks), images=images, labels=labels, classes=classes)


def _broken(operation: str, path: Path, axes: int, got: str) -> InputError:
    return InputError(operation, expected=f"an idx file of unsigned bytes with {axes} axes in {path}", got=got,
                      remedy="fetch the file again with `leadline data fetch`")  # fmt: skip
