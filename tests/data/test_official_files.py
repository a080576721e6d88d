import re

import pytest
from data_folders import folder_with

from leadline.core import InputError
from leadline.data import DATA_SETS, Standing, data_fingerprint, data_set, fingerprint, verify


def test_every_file_has_an_address_or_an_archive_and_a_sum():
    for name, one in DATA_SETS.items():
        assert one.name == name
        assert all(re.fullmatch(r"https?://\S+/\S+", file.address) for file in one.files)
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in (*one.files, *one.unpacked))
        assert all(not file.address for file in one.unpacked)
    sums = [file.sha256 for one in DATA_SETS.values() for file in (*one.files, *one.unpacked)]
    assert len(set(sums)) == len(sums)


@pytest.mark.parametrize(("name", "file"), [("openml-diabetes", "diabetes.arff"),
                                            ("mnist", "mnist/train-images-idx3-ubyte.gz"),
                                            ("fashion-mnist", "fashion-mnist/train-images-idx3-ubyte.gz")])  # fmt: skip
def test_the_real_files_are_the_official_ones(name, file):
    assert {one.standing for one in verify(name, folder_with(file))} == {Standing.OFFICIAL}


def test_other_files_and_missing_ones(tmp_path):
    assert {one.standing for one in verify("mnist", tmp_path)} == {Standing.MISSING}
    assert data_fingerprint("openml-diabetes", tmp_path) == ""
    (tmp_path / "diabetes.arff").write_bytes(b"another")
    (found,) = verify("openml-diabetes", tmp_path)
    assert (found.standing, found.path) == (Standing.DIFFERS, tmp_path / "diabetes.arff")
    first = data_fingerprint("openml-diabetes", tmp_path)
    (tmp_path / "diabetes.arff").write_bytes(b"a third")
    assert first != data_fingerprint("openml-diabetes", tmp_path) != ""


def test_an_archive_stands_for_the_files_that_it_holds_until_all_are_there(tmp_path):
    archive = tmp_path / "downloads" / "cifar-10-binary.tar.gz"
    archive.parent.mkdir()
    archive.write_bytes(b"packed")
    unpacked = [file.name for file in data_set("cifar-10").unpacked]
    for name in unpacked[:-1]:
        (tmp_path / name).touch()
    (found,) = verify("cifar-10", tmp_path)
    assert (found.standing, found.path, found.sha256) == (Standing.DIFFERS, archive, fingerprint(archive))
    packed = data_fingerprint("cifar-10", tmp_path)
    archive.write_bytes(b"another")
    assert len({packed, data_fingerprint("cifar-10", tmp_path), ""}) == 3
    (tmp_path / unpacked[-1]).touch()
    assert [one.file for one in verify("cifar-10", tmp_path)] == unpacked


def test_other_names():
    with pytest.raises(InputError, match=r"data_set: expected one of .* got 'digits'; `leadline data list`"):
        data_set("digits")
