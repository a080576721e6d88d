import gzip
import struct

import numpy as np
import pytest
from data.broken_files import copied, cut, flipped
from data_folders import folder_with

from leadline.core import InputError, MissingDataError
from leadline.data import read_fashion_mnist, read_mnist

READERS = {"mnist": read_mnist, "fashion-mnist": read_fashion_mnist}
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(("part", "count"), [("train", 60_000), ("test", 10_000)])
def test_the_real_files_read_as_plain_bytes_do(name, part, count):
    folder = folder_with(f"{name}/{IMAGES}")
    read = READERS[name](folder, part=part)
    assert (read.images.shape, read.labels.shape) == ((count, 28, 28), (count,))
    assert np.bincount(read.labels).size == 10
    images, labels = (gzip.decompress(path.read_bytes()) for path in read.paths)
    place = 1234
    pixels = images[16 + 784 * place : 16 + 784 * (place + 1)]
    assert read.images[place].tobytes() == pixels
    assert read.labels[place] == labels[8 + place]


def test_which_is_which():
    folder = folder_with(f"mnist/{IMAGES}")
    digits, clothes = read_mnist(folder, part="test"), read_fashion_mnist(folder, part="test")
    assert digits.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert [clothes.classes[label] for label in clothes.labels[:3]] == ["ankle boot", "pullover", "trouser"]
    assert len(digits.of_class("1")) == 1135
    inside = read_mnist(folder / "mnist", part="test")  # the folder of the data set itself
    assert inside.paths == digits.paths


@pytest.mark.parametrize(("change", "message"), [(cut, "a broken gzip file"), (flipped, "a broken gzip file")])
def test_broken_copies_of_the_real_file(tmp_path, change, message):
    real = folder_with(f"mnist/{IMAGES}") / "mnist"
    copied(real / LABELS, tmp_path / "mnist" / LABELS)
    copied(real / IMAGES, tmp_path / "mnist" / IMAGES, change)
    with pytest.raises(InputError, match=message):
        read_mnist(tmp_path, part="test")


def packed(axes: int, shape: tuple[int, ...], values: bytes, kind: int = 8) -> bytes:
    return gzip.compress(bytes([0, 0, kind, axes]) + struct.pack(f">{len(shape)}I", *shape) + values)


SOUND = packed(3, (2, 2, 2), bytes(range(8)))


# Compressed bytes hold the time of day, so each case has a name of its own: workers must agree on the names.
OTHER_CONTENT = {
    "empty": (gzip.compress(b""), packed(1, (2,), b"\1\2"), "begins with nothing"),
    "images as labels": (SOUND, packed(3, (2,), b"\1\2"), "with 1 axes in .* got a file that begins with 00 00 08 03"),
    "floats": (packed(3, (2, 2, 2), bytes(32), kind=0xD), packed(1, (2,), b"\1\2"), "begins with 00 00 0d 03"),
    "too short": (packed(3, (2, 2, 3), bytes(8)), packed(1, (2,), b"\1\2"), "8 values where the header says 12"),
    "huge header": (packed(3, (2**32 - 1,) * 3, bytes(8)), packed(1, (2,), b"\1\2"), "8 values where the header says"),
    "one label more": (SOUND, packed(1, (3,), b"\1\2\3"), "2 images in .* 3 labels up to 3"),
    "label of 10": (SOUND, packed(1, (2,), b"\1\12"), "labels up to 10"),
}


@pytest.mark.parametrize(("images", "labels", "message"), OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_other_content_is_refused(tmp_path, images, labels, message):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / IMAGES).write_bytes(images)
    (tmp_path / "mnist" / LABELS).write_bytes(labels)
    with pytest.raises(InputError, match=message):
        read_mnist(tmp_path, part="test")


def test_what_is_missing_and_parts_that_do_not_exist(tmp_path):
    with pytest.raises(MissingDataError, match="leadline data fetch fashion-mnist"):
        read_fashion_mnist(tmp_path)
    (tmp_path / "fashion-mnist").mkdir()
    (tmp_path / "fashion-mnist" / IMAGES).write_bytes(SOUND)
    with pytest.raises(MissingDataError, match="leadline data fetch mnist"):
        read_mnist(tmp_path, part="test")  # the other set's file of that name does not count
    with pytest.raises(InputError, match="expected part 'train' or 'test', got 'valid'"):
        read_mnist(tmp_path, part="valid")
