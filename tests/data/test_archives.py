import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from data.broken_files import cut, flipped

from leadline.core import InputError
from leadline.data import unpack

CONTENTS = {"a.bin": bytes(range(256)) * 2000, "b.bin": b"b" * 5000}
SUMS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


def regular(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    member, content = regular(name)
    member.type, member.linkname = kind, to
    return member, content


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return path


SOUND = [regular(f"set/{name}", content) for name, content in CONTENTS.items()]


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_wanted_comes_out_and_nothing_else(tmp_path):
    packed = archive(tmp_path / "x.tar.gz", regular("set/readme.html", b"read"), *SOUND)
    (tmp_path / "to" / "set").mkdir(parents=True)
    (tmp_path / "to" / "set" / "notes.txt").write_bytes(b"mine")
    (tmp_path / "to" / "set" / "a.bin").write_bytes(b"an older one")
    unpack(packed, tmp_path / "to" / "set", SUMS)
    expected = {f"set/{name}": content for name, content in CONTENTS.items()} | {"set/notes.txt": b"mine"}
    assert everything_in(tmp_path / "to") == expected


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([*SOUND, regular("../evil", b"x")], r"the entry '\.\./evil', which could lead out"),
        ([*SOUND, regular("set/../../evil", b"x")], "could lead out of the folder"),
        ([*SOUND, regular("/tmp/evil", b"x")], "the entry '/tmp/evil'"),
        ([link("set/a.bin", "/etc/passwd"), SOUND[1]], "the entry 'set/a.bin', which could lead out"),
        ([*SOUND, link("set/c", "set/a.bin", tarfile.LNKTYPE)], "could lead out of the folder"),
        ([*SOUND, link("set/pipe", "", tarfile.FIFOTYPE)], "could lead out of the folder"),
        (SOUND[:1], r"no b\.bin in it"),
        ([SOUND[0], regular("other/b.bin", CONTENTS["b.bin"])], r"no b\.bin in it"),
        ([SOUND[0], regular("set/b.bin", b"c" * 5000)], r"b\.bin with SHA-256 .* instead of"),
    ],
)
def test_nothing_is_written_of_an_archive_that_is_not_sound(tmp_path, members, message):
    packed = archive(tmp_path / "x.tar.gz", *members)
    with pytest.raises(InputError, match=message):
        unpack(packed, tmp_path / "to" / "set", SUMS)
    assert everything_in(tmp_path / "to") == {}
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("change", [cut, flipped, lambda content: b"no archive"])
def test_nothing_is_written_of_a_broken_archive(tmp_path, change):
    packed = archive(tmp_path / "x.tar.gz", *SOUND)
    packed.write_bytes(change(packed.read_bytes()))
    with pytest.raises(InputError, match="unpack: expected a whole archive"):
        unpack(packed, tmp_path / "to" / "set", SUMS)
    assert list((tmp_path / "to").iterdir()) == []
