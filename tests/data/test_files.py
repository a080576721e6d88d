import hashlib

import pytest

from leadline.core import MissingDataError
from leadline.data import find_file, fingerprint


def test_a_file_is_found_in_the_folder_or_one_below(tmp_path, monkeypatch):
    below = tmp_path / "openml" / "b.arff"
    below.parent.mkdir()
    below.write_bytes(b"b")
    assert find_file("b.arff", data_set="b", folder=tmp_path) == below
    monkeypatch.setenv("LEADLINE_DATA", str(tmp_path))
    assert find_file("b.arff", data_set="b") == below
    here = tmp_path / "b.arff"
    here.write_bytes(b"b")
    assert find_file("b.arff", data_set="b") == here


def test_what_is_missing_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("leadline.data.files.download_folder", lambda: tmp_path / "no downloads")
    monkeypatch.delenv("LEADLINE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where downloads go
    with pytest.raises(MissingDataError, match=r"got no folder; run `leadline data fetch b`, or set LEADLINE_DATA=DIR"):
        find_file("b.arff", data_set="b")
    with pytest.raises(MissingDataError, match="got no such file; run `leadline data fetch b`"):
        find_file("b.arff", data_set="b", folder=tmp_path)


def test_the_fingerprint_is_sha_256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    assert fingerprint(path) == hashlib.sha256(b"bytes").hexdigest()


def test_a_name_that_several_sets_use_counts_in_its_own_folder_alone(tmp_path):
    for folder in ("", "fashion-mnist", "mnist"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "x.gz").touch()
    assert find_file("x.gz", data_set="mnist", folder=tmp_path, below="mnist") == tmp_path / "mnist" / "x.gz"
    assert find_file("x.gz", data_set="mnist", folder=tmp_path / "mnist", below="mnist").parent.name == "mnist"
    (tmp_path / "mnist" / "mnist").mkdir()
    (tmp_path / "mnist" / "x.gz").rename(tmp_path / "mnist" / "mnist" / "x.gz")
    assert find_file("x.gz", data_set="mnist", folder=tmp_path / "mnist", below="mnist").parent.parent.name == "mnist"
    (tmp_path / "mnist" / "mnist" / "x.gz").unlink()
    with pytest.raises(MissingDataError, match="got no such file"):
        find_file("x.gz", data_set="mnist", folder=tmp_path, below="mnist")


def test_downloads_are_found_without_naming_a_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("LEADLINE_DATA", raising=False)
    monkeypatch.setattr("leadline.data.files.download_folder", lambda: tmp_path / "cache")
    with pytest.raises(MissingDataError, match="got no folder"):
        find_file("b.arff", data_set="b")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "b.arff").touch()
    assert find_file("b.arff", data_set="b") == tmp_path / "cache" / "b.arff"
