"""The store: one SQLite file that one process writes, and that anyone may read meanwhile.

Schema (`PRAGMA user_version` 1, `PRAGMA application_id` 0x4C454144, "LEAD"), journal mode WAL:

    CREATE TABLE results (
        id INTEGER PRIMARY KEY,    -- order of arrival
        key BLOB NOT NULL UNIQUE,  -- 16-byte BLAKE2b of function, version and arguments
        function TEXT NOT NULL,    -- dotted name
        version TEXT NOT NULL,     -- of the function, as the caller gave it; may be empty
        position INTEGER NOT NULL, -- place among the jobs of the sweep that computed it
        arguments TEXT NOT NULL,   -- JSON object
        outcome TEXT NOT NULL,     -- done, failed or diverged
        value TEXT NOT NULL,       -- JSON object: what the job returned; nan and inf as the texts "nan", "inf", "-inf"
        arrays BLOB,               -- .npz without pickle: the NumPy arrays that it returned
        error TEXT,                -- type and message, where it raised
        traceback TEXT,            -- the end of it
        seconds REAL NOT NULL,     -- time it took; a member's share of its chunk
        finished REAL NOT NULL     -- Unix time
    )

Where a job returned such a text itself, it has "~" before it, and one more where it had some already.

A row is there when its job is finished, and never before: a chunk's rows arrive in one transaction. The store survives
the death of any process at any moment; after a power failure the last transactions may be missing, never broken.
Beside `NAME` lies `NAME.lock`; the process that writes holds it, and its death releases it.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from leadline.core import LeadlineError
from leadline.sweep.outcomes import Outcome

APPLICATION_ID, USER_VERSION = 0x4C454144, 1
_CREATE = """CREATE TABLE IF NOT EXISTS results (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
function TEXT NOT NULL, version TEXT NOT NULL, position INTEGER NOT NULL, arguments TEXT NOT NULL,
outcome TEXT NOT NULL, value TEXT NOT NULL, arrays BLOB, error TEXT, traceback TEXT,
seconds REAL NOT NULL, finished REAL NOT NULL)"""
_INSERT = "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class StoreError(LeadlineError):
    """A store cannot be opened, read or written."""


class Store:
    """A store opened for writing, by one process at a time; a context manager."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        refuse_folder(self.path)
        with store_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.path)
            try:
                self._connection = connect(str(self.path))
                self._prepare()
            except BaseException:
                self.close()
                raise

    def _prepare(self) -> None:
        connection = self._connection
        check_schema(connection, self.path, or_empty=True)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # in WAL mode: the death of a process loses nothing
        with _transaction(connection):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {USER_VERSION}")
            connection.execute(_CREATE)
        self.next_id = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM results").fetchone()[0]

    def find(self, key: bytes) -> tuple[int, str] | None:
        """Id and outcome of the row with this key; None: not finished yet."""
        with store_errors(self.path):
            return self._connection.execute("SELECT id, outcome FROM results WHERE key = ?", (key,)).fetchone()

    def add(
        self,
        function: str,
        version: str,
        rows: Sequence[tuple[bytes, int, str, Outcome]],
        *,
        replacing: Sequence[int] = (),
    ) -> range:
        """Put rows (key, position, arguments, outcome) in, all or none, for the rows with those ids; their ids."""
        ids, now = range(self.next_id, self.next_id + len(rows)), time.time()
        records = [
            (id_, key, function, version, position, arguments, *outcome, now)
            for id_, (key, position, arguments, outcome) in zip(ids, rows, strict=True)
        ]
        with store_errors(self.path), _transaction(self._connection):
            self._connection.executemany("DELETE FROM results WHERE id = ?", [(id_,) for id_ in replacing])
            self._connection.executemany(_INSERT, records)
        self.next_id = ids.stop
        return ids

    def close(self) -> None:
        """Release the file."""
        for connection in (getattr(self, "_connection", None), self._lock):
            if connection is not None:
                with suppress(sqlite3.Error):  # what is committed is safe; a full disk may forbid the tidying up
                    connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def refuse_folder(path: Path) -> None:
    """A store is a file."""
    if path.is_dir():
        raise StoreError("sweep", expected=f"{path} to be a store of sweeps", got="a folder",
                         remedy="name a file in it")  # fmt: skip


def connect(target: str, *, uri: bool = False, timeout: float = 5.0) -> sqlite3.Connection:
    """A connection that begins transactions only when told to."""
    return sqlite3.connect(target, isolation_level=None, check_same_thread=False, uri=uri, timeout=timeout)


def check_schema(connection: sqlite3.Connection, path: Path, *, or_empty: bool = False) -> None:
    """Refuse a file that is not a store of this version."""
    application, version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if (application, version) == (APPLICATION_ID, USER_VERSION) or (or_empty and is_empty and not application):
        return
    got = "another application's database"
    if application == APPLICATION_ID:
        got = f"one of version {version}: a newer Leadline wrote it"
    elif is_empty:
        got = "an empty file"
    raise StoreError("sweep", expected=f"{path} to be a store of sweeps", got=got, remedy="name another file")


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with the file or the folder, in place of SQLite's codes."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        code = getattr(error, "sqlite_errorname", type(error).__name__)
        expected, remedy = _explained(code)
        kept = "" if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT") else "; all finished rows are kept"
        raise StoreError("sweep", expected=f"{expected} {path}", got=f"{error} ({code})",
                         remedy=remedy + kept) from error  # fmt: skip


def _explained(code: str) -> tuple[str, str]:
    if code == "SQLITE_FULL" or code.startswith("SQLITE_IOERR"):
        return "room on the disk of", "make room and run the same command to go on"
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")) or not code.startswith("SQLITE"):
        return "permission to use", "choose a file in a folder that you may write to"
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "a whole SQLite database in", "name another file"
    return "to be able to use", "see that no other program changes it"


def _locked(path: Path) -> sqlite3.Connection:
    # SQLite's exclusive lock on a file of its own: the operating system gives it back when the process dies, children
    # do not inherit it, and readers of the store itself are never kept waiting.
    lock = connect(f"{path}.lock", timeout=0.0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if error.sqlite_errorname != "SQLITE_BUSY":
            raise
        raise StoreError("sweep", expected=f"to be the only one that writes {path}", got="another sweep that does",
                         remedy="wait for its end, or name another store") from error  # fmt: skip
    return lock


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
