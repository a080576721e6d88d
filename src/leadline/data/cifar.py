"""CIFAR-10, binary version: colour images of 32x32 pixels in ten classes."""

import gzip
import tarfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from leadline.core import InputError
from leadline.data.files import data_folder, find_file
from leadline.data.labelled_images import LabelledImages
from leadline.data.official_files import data_set

NAME = "cifar-10"
ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # bytes: the label, then the red, the green and the blue plane


def read_cifar10(folder: Path | str | None = None, *, part: str = "train") -> LabelledImages:
    """Read CIFAR-10's binary files, or the archive that they come in, from a folder that holds data sets.

    Files may hold any number of whole records: copies cut down to some classes are read as well.

    Args:
        folder: where to look; None: the folder that LEADLINE_DATA names, or the one that downloads go to.
        part: "train" (five files) or "test".

    Raises:
        MissingDataError: neither the files nor the archive are there.
        InputError: another part, a file that is no sequence of records, or a broken archive.

    Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """
    if part not in FILES:
        raise InputError("read_cifar10", expected="part 'train' or 'test'", got=repr(part), remedy="pass one of these")
    contents = _contents(folder, FILES[part])
    records = np.concatenate([_records(path, content) for path, content in contents.items()])
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return LabelledImages(
        paths=tuple(contents),
        images=np.ascontiguousarray(planes.transpose(0, 2, 3, 1)),
        labels=records[:, 0].copy(),
        classes=CLASSES,
    )


def _contents(folder: Path | str | None, names: tuple[str, ...]) -> dict[Path, bytes]:
    for file, archive in data_set(NAME).find(data_folder(folder)).items():
        if file.name == ARCHIVE and archive is not None:
            return _archived(archive, names)
    paths = [find_file(name, data_set=NAME, folder=folder) for name in names]
    return {path: path.read_bytes() for path in paths}


def _archived(archive: Path, names: tuple[str, ...]) -> dict[Path, bytes]:
    # Members are read in memory: nothing of the archive's own paths reaches the disk.
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                name = member.name.removeprefix("./").removeprefix(f"{FOLDER}/")
                if name in names and (stream := members.extractfile(member)) is not None:
                    found.setdefault(name, stream.read())
            while members.fileobj is not None and members.fileobj.read(2**20):
                pass  # to the end, where gzip checks its sum
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(archive, f"{type(error).__name__}: {error}") from error
    if missing := set(names) - set(found):
        raise _broken(archive, f"an archive without {', '.join(sorted(missing))}")
    return {archive / name: found[name] for name in names}  # members may come in any order


def _records(path: Path, content: bytes) -> UInt8[np.ndarray, "records 3073"]:
    if not content or len(content) % RECORD:
        raise _broken(path, f"{len(content)} bytes, which is no whole number of {RECORD}-byte records")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if (highest := int(records[:, 0].max())) >= len(CLASSES):
        raise _broken(path, f"label {highest} where classes are 0 to {len(CLASSES) - 1}")
    return records


def _broken(path: Path, got: str) -> InputError:
    return InputError("read_cifar10", expected=f"CIFAR-10's binary version in {path}", got=got,
                      remedy=f"run `leadline data fetch {NAME}`")  # fmt: skip
