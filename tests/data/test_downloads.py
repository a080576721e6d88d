import hashlib
import io
import tarfile

import pytest
from data.loopback import serving

from leadline.core import InputError, numpy_generator
from leadline.data import DATA_SETS, DataSet, DownloadError, Standing, downloads, fetch, verify
from leadline.data.official_files import OfficialFile

CONTENT = numpy_generator("download").bytes(300_000)
HALF = len(CONTENT) // 2


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No waiting between attempts."""
    monkeypatch.setattr(downloads, "_PAUSE_S", 0.0)


@pytest.fixture
def known(monkeypatch):
    """Adds a data set of one file, x.npy, to the known ones."""

    def add(address: str, content: bytes = CONTENT) -> None:
        file = OfficialFile(name="x.npy", sha256=sum_of(content), address=f"{address}x.npy")
        monkeypatch.setitem(DATA_SETS, "x", DataSet(name="x", title="x", folder="place", files=(file,)))

    return add


def test_a_connection_that_breaks_off_goes_on_where_it_stopped(tmp_path, known):
    told = []
    with serving({"x.npy": CONTENT}, breaks=1) as server:
        known(server.address)
        (path,) = fetch("x", tmp_path, progress=lambda *state: told.append(state))
        assert server.ranges == ["", f"bytes={HALF}-"]
        assert fetch("x", tmp_path) == (path,)
        assert len(server.ranges) == 2  # nothing was asked again
    assert path.read_bytes() == CONTENT
    assert [one.name for one in path.parent.iterdir()] == ["x.npy"]
    assert told[-1] == ("x.npy", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert [one.standing for one in verify("x", tmp_path)] == [Standing.OFFICIAL]


def test_another_call_goes_on_too_and_meanwhile_nothing_is_in_place(tmp_path, known, monkeypatch):
    monkeypatch.setattr(downloads, "_ATTEMPTS", 0)
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "x.npy").write_bytes(b"former")
    with serving({"x.npy": CONTENT}, breaks=1) as server:
        known(server.address)
        with pytest.raises(DownloadError, match=r"x\.npy from .* 150000 more expected.*fetch again to go on from what"):
            fetch("x", tmp_path)
        monkeypatch.undo()
        known(server.address)
        files = {path.name: path.stat().st_size for path in (tmp_path / "place").iterdir()}
        assert files == {"x.npy": len(b"former"), "x.npy.part": HALF}
        assert [one.standing for one in verify("x", tmp_path)] == [Standing.DIFFERS]
        (path,) = fetch("x", tmp_path)
        assert server.ranges[-1] == f"bytes={HALF}-"
    assert path.read_bytes() == CONTENT


def test_the_folder_may_be_the_sets_own(tmp_path, known, monkeypatch):
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")
    with serving({"x.npy": CONTENT}) as server:
        known(server.address)
        assert fetch("x", ".") == (tmp_path / "place" / "x.npy",)
        assert fetch("x", tmp_path / "place") == (tmp_path / "place" / "x.npy",)
        assert len(server.ranges) == 1


def test_a_server_that_cannot_go_on_sends_all_again(tmp_path, known):
    with serving({"x.npy": CONTENT}, breaks=1, resumes=False) as server:
        known(server.address)
        (path,) = fetch("x", tmp_path)
        assert len(server.ranges) == 2
    assert path.read_bytes() == CONTENT


def test_a_whole_part_is_taken_as_it_is(tmp_path, known):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "x.npy.part").write_bytes(CONTENT)
    with serving({"x.npy": CONTENT}) as server:
        known(server.address)
        (path,) = fetch("x", tmp_path)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [b"", b"of another file"])
def test_other_content_is_removed(tmp_path, known, part):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "x.npy.part").write_bytes(part)
    with serving({"x.npy": CONTENT[::-1]}) as server:
        known(server.address)
        with pytest.raises(DownloadError, match="a file with another sum, which was removed"):
            fetch("x", tmp_path)
    assert list((tmp_path / "place").iterdir()) == []


def test_what_the_server_does_not_have(tmp_path, known):
    with serving({}) as server:
        known(server.address)
        with pytest.raises(DownloadError, match="404 Client Error"):
            fetch("x", tmp_path)
        assert len(server.ranges) == 1  # asking again changes nothing
    with pytest.raises(DownloadError, match=r"fetch again later, or name a folder .* --data DIR or LEADLINE_DATA=DIR"):
        fetch("x", tmp_path / "new")  # no server any more
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="data_set: expected one of openml-diabetes, mnist"):
        fetch("unknown", tmp_path)


@pytest.mark.parametrize("is_there", [False, True])
def test_an_archive_is_unpacked_and_what_was_fetched_is_removed(tmp_path, monkeypatch, is_there):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        member = tarfile.TarInfo("place/x.bin")
        member.size = len(CONTENT)
        tar.addfile(member, io.BytesIO(CONTENT))
    packed = stream.getvalue()
    mine = tmp_path / "mine" / "x.tar.gz"
    if is_there:
        mine.parent.mkdir()
        mine.write_bytes(packed)
    with serving({"x.tar.gz": packed}, breaks=1) as server:
        chosen = DataSet(
            name="x",
            title="x",
            folder="place",
            files=(OfficialFile(name="x.tar.gz", sha256=sum_of(packed), address=f"{server.address}x.tar.gz"),),
            unpacked=(OfficialFile(name="x.bin", sha256=sum_of(CONTENT)),),
        )
        monkeypatch.setitem(DATA_SETS, "x", chosen)
        assert fetch("x", tmp_path) == (tmp_path / "place" / "x.bin",)
        assert bool(server.ranges) != is_there
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {tmp_path / "place" / "x.bin", *([mine] if is_there else [])}
    assert (tmp_path / "place" / "x.bin").read_bytes() == CONTENT
