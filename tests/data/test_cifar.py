import io
import tarfile

import numpy as np
import pytest
from data.broken_files import copied, cut, flipped
from data_folders import folder_with

from leadline.core import InputError, MissingDataError
from leadline.data import read_cifar10

RECORD = 3073
TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]


def records(count: int, label: int = 3) -> bytes:
    pixels = np.arange(count * (RECORD - 1), dtype=np.uint64) % 251
    return b"".join(bytes([label]) + row.astype(np.uint8).tobytes() for row in pixels.reshape(count, -1))


def archive(path, contents: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_the_real_files_record_by_record():
    folder = folder_with("test_batch.bin")
    read = read_cifar10(folder, part="test")
    raw = read.paths[0].read_bytes()
    assert len(read.images) * RECORD == len(raw)
    record = raw[RECORD * 17 : RECORD * 18]
    assert read.labels[17] == record[0]
    for colour in range(3):
        assert read.images[17, :, :, colour].tobytes() == record[1 + 1024 * colour : 1 + 1024 * (colour + 1)]
    train = read_cifar10(folder, part="train")
    assert len(train.paths) == 5
    assert len(train.of_class("horse")) == 5000
    assert len(read.of_class("horse")) == 1000


def test_the_archive_reads_like_its_files(tmp_path):
    contents = {name: records(count, label=count) for count, name in enumerate(TRAIN, 1)}
    below = tmp_path / "files" / "cifar-10-batches-bin"
    below.mkdir(parents=True)
    for name, content in contents.items():
        (below / name).write_bytes(content)
    shuffled = [TRAIN[place - 1] for place in (4, 5, 2, 1, 3)]
    entries = {f"cifar-10-batches-bin/{name}": contents[name] for name in shuffled}
    archive(tmp_path / "cifar-10-binary.tar.gz", {"cifar-10-batches-bin/readme.html": b"read me", **entries})
    unpacked, packed = read_cifar10(tmp_path / "files"), read_cifar10(tmp_path)
    assert np.array_equal(unpacked.images, packed.images)
    assert [path.name for path in packed.paths] == TRAIN
    assert packed.labels.tolist() == [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5]
    with pytest.raises(InputError, match=r"an archive without test_batch.bin"):
        read_cifar10(tmp_path, part="test")


@pytest.mark.parametrize("change", [cut, flipped])
def test_a_broken_archive(tmp_path, change):
    path = tmp_path / "cifar-10-binary.tar.gz"
    real = folder_with("test_batch.bin")
    archive(path, {"cifar-10-batches-bin/test_batch.bin": read_cifar10(real, part="test").paths[0].read_bytes()})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=r"read_cifar10: expected CIFAR-10's binary version in .*tar.gz, got"):
        read_cifar10(tmp_path, part="test")


def test_broken_files(tmp_path):
    real = read_cifar10(folder_with("test_batch.bin"), part="test").paths[0]
    copied(real, tmp_path / "test_batch.bin", cut)
    with pytest.raises(InputError, match="which is no whole number of 3073-byte records"):
        read_cifar10(tmp_path, part="test")
    copied(real, tmp_path / "test_batch.bin", lambda content: b"\xff" + content[1:])
    with pytest.raises(InputError, match="label 255 where classes are 0 to 9"):
        read_cifar10(tmp_path, part="test")
    (tmp_path / "test_batch.bin").write_bytes(b"")
    with pytest.raises(InputError, match="got 0 bytes"):
        read_cifar10(tmp_path, part="test")


def test_what_is_missing_and_parts_that_do_not_exist(tmp_path):
    with pytest.raises(MissingDataError, match=r"expected data_batch_1.bin .*leadline data fetch cifar-10"):
        read_cifar10(tmp_path)
    with pytest.raises(InputError, match="got 'valid'"):
        read_cifar10(tmp_path, part="valid")
