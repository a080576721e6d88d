"""The store under bad conditions: what was there stays there, and the error says what is wrong."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from leadline.sweep import StoreError, grid, read_rows, stores, sweep
from leadline.sweep.outcomes import Outcome
from leadline.sweep.stores import Store

DONE = Outcome("done", '{"value":1}')


def _row(number: int, outcome: Outcome = DONE) -> tuple[bytes, int, str, Outcome]:
    return bytes([number]) * 16, number, f'{{"x":{number}}}', outcome


def test_the_documented_schema_is_the_one_that_is_made(store):
    with Store(store):
        pass
    documented = str(stores.__doc__).partition("CREATE TABLE results (\n")[2].partition("\n    )")[0]
    columns = [line.split()[0] for line in documented.splitlines()]
    with sqlite3.connect(store) as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(results)")] == columns
        assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


def test_ids_go_on_where_they_stopped(store):
    with Store(store) as writer:
        assert writer.add("f", "", [_row(1), _row(2)]) == range(1, 3)
    with Store(store) as writer:
        assert writer.add("f", "", [_row(3)]) == range(3, 4)
        assert writer.find(bytes([2]) * 16) == (2, "done")
        assert writer.find(bytes([9]) * 16) is None


def test_a_chunk_goes_in_whole_or_not_at_all(store):
    with Store(store) as writer:
        writer.add("f", "", [_row(1)])
        with pytest.raises(StoreError, match="UNIQUE constraint failed"):
            writer.add("f", "", [_row(2), _row(1)])
        assert writer.find(bytes([2]) * 16) is None
        assert writer.add("f", "", [_row(3)]) == range(2, 3)


def test_a_second_writer_is_refused_and_the_first_goes_on(store):
    with Store(store) as writer:
        writer.add("f", "", [_row(1)])
        with pytest.raises(StoreError, match=r"expected to be the only one that writes .*runs.db, got another sweep"):
            Store(store)
        writer.add("f", "", [_row(2)])
    with Store(store) as writer:
        assert writer.add("f", "", [_row(3)]) == range(3, 4)


def test_the_lock_of_another_process_is_seen_and_dies_with_it(store):
    code = f"from leadline.sweep.stores import Store; s = Store({str(store)!r}); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="got another sweep that does"):
            sweep("errands.square", grid(x=1), store=store)
        other.kill()
        other.wait()
        assert sweep("errands.square", grid(x=1), store=store).done == 1


def test_a_full_disk_is_said_and_earlier_rows_stay(store, monkeypatch):
    real = stores.connect

    def small(target: str, *, uri: bool = False, timeout: float = 5.0) -> sqlite3.Connection:
        connection = real(target, uri=uri, timeout=timeout)
        connection.execute("PRAGMA max_page_count = 12")
        return connection

    monkeypatch.setattr(stores, "connect", small)
    with pytest.raises(StoreError, match=r"room on the disk.*disk is full \(SQLITE_FULL\); make room.*rows are kept"):
        sweep("errands.square", grid(x=range(1000)), store=store)
    monkeypatch.setattr(stores, "connect", real)
    kept = [row.arguments["x"] for row in read_rows(store)]
    assert 0 < len(kept) < 1000
    assert kept == list(range(len(kept)))
    result = sweep("errands.square", grid(x=range(1000)), store=store)
    assert (result.done, result.computed) == (1000, 1000 - len(kept))


def test_a_file_that_may_not_grow_is_said_and_earlier_rows_stay(store):
    sweep("errands.square", grid(x=range(10)), store=store)
    limit, ours = store.stat().st_size + 60_000, resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _sweep_elsewhere(store, f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))")
    assert "room on the disk" in caught.value.stderr
    assert "SQLITE_IOERR" in caught.value.stderr or "SQLITE_FULL" in caught.value.stderr
    kept = [row.arguments["x"] for row in read_rows(store)]
    assert 10 <= len(kept) < 2000
    assert kept == list(range(len(kept)))
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == ours
    assert sweep("errands.square", grid(x=range(2000)), store=store).computed == 2000 - len(kept)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_folder_that_forbids_writing():
    folder = Path(tempfile.mkdtemp())  # not under tmp_path, which other users may not enter
    try:
        store = folder / "runs.db"
        sweep("errands.square", grid(x=range(3)), store=store)
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        nobody = "import os; os.getuid() or os.setuid(65534)"  # root may write anywhere
        for target in (store, folder / "new.db", folder / "new" / "runs.db"):
            with pytest.raises(subprocess.CalledProcessError) as caught:
                _sweep_elsewhere(target, nobody)
            assert "StoreError: sweep: expected permission to use" in caught.value.stderr
            assert "choose a file in a folder that you may write to" in caught.value.stderr
        reading = f"{nobody}; print([row.arguments['x'] for row in read_rows({str(store)!r})])"
        assert _elsewhere(reading).strip() == "[0, 1, 2]"
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_file_of_someone_else_is_left_alone(store):
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = store.read_bytes()
    with pytest.raises(StoreError, match="to be a store of sweeps, got another application's database"):
        Store(store)
    assert store.read_bytes() == before
    store.write_text("my notes, which are long enough to be taken for a header of a database " * 20)
    with pytest.raises(StoreError, match=r"expected a whole SQLite database in .*SQLITE_NOTADB"):
        Store(store)


def test_a_store_of_the_future_is_refused(store):
    with Store(store):
        pass
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StoreError, match="got one of version 2: a newer Leadline wrote it"):
        Store(store)


def _sweep_elsewhere(store: Path, before: str) -> str:
    return _elsewhere(f"{before}; sweep('errands.square', grid(x=range(2000)), store={str(store)!r})")


def _elsewhere(line: str) -> str:
    imports = textwrap.dedent("""
        import encodings.cp437, errands, numpy  # before the rights to read them go
        from leadline.sweep import grid, read_rows, sweep
    """)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    return subprocess.run(
        [sys.executable, "-c", imports + line], env=environment, capture_output=True, text=True, check=True
    ).stdout
