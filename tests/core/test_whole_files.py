import os

import pytest

from leadline.core import replacing


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path):
    path = tmp_path / "one.txt"
    for content in (b"first", b"second"):
        with replacing(path) as stream:
            stream.write(content)
            assert path.exists() == (content != b"first")
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_what_breaks_off_leaves_the_former_file(tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("former")
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "one.txt"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "one.txt").stat().st_mode & 0o777 == 0o640
