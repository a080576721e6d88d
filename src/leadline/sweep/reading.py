"""The reading of a store, also while a sweep writes it: nothing here can change or block it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leadline.sweep.outcomes import decode, unpack
from leadline.sweep.stores import StoreError, check_schema, connect, refuse_folder, store_errors

_COLUMNS = "key, function, version, arguments, outcome, value, arrays, error, traceback, seconds, finished"
_AT_ONCE = 500  # ids in one query


@dataclass(frozen=True, eq=False)
class Row:
    """One finished job."""

    key: str  # hexadecimal
    function: str
    version: str
    arguments: dict[str, Any]
    outcome: str  # done, failed or diverged
    value: dict[str, Any]  # what it returned, without the arrays
    arrays: dict[str, np.ndarray]
    error: str | None
    traceback: str | None
    seconds: float
    finished: float  # Unix time


@dataclass(frozen=True)
class Summary:
    """What a store holds of one version of one function."""

    function: str
    version: str
    done: int
    failed: int
    diverged: int
    seconds: float  # computing time of all rows
    finished: float  # Unix time of the last row

    @property
    def rows(self) -> int:
        """How many rows."""
        return self.done + self.failed + self.diverged


def summaries(store: str | Path) -> list[Summary]:
    """What a store holds, one entry per function and version, the latest last.

    Raises:
        StoreError: no such store.
    """
    counts = ", ".join(f"sum(outcome = '{name}')" for name in ("done", "failed", "diverged"))
    with _opened(Path(store)) as connection:
        query = f"SELECT function, version, {counts}, sum(seconds), max(finished) FROM results GROUP BY 1, 2 ORDER BY 7"
        return [Summary(*row) for row in connection.execute(query)]


def count_rows(store: str | Path, *, function: str | None = None, version: str | None = None, key: str = "") -> int:
    """How many rows `read_rows` reads.

    Raises:
        StoreError: no such store.
    """
    where, values = _chosen(function, version, key)
    with _opened(Path(store)) as connection:
        return connection.execute(f"SELECT count(*) FROM results WHERE {where}", values).fetchone()[0]


def read_rows(
    store: str | Path,
    *,
    function: str | None = None,
    version: str | None = None,
    key: str = "",
    limit: int | None = None,
) -> Iterator[Row]:
    """The rows of a store in the order in which the sweeps listed their jobs, whatever order they finished in.

    Args:
        store: the file.
        function: only this function's.
        version: only this version's.
        key: only rows whose hexadecimal key begins so.
        limit: only so many, the first ones; None: all.

    Raises:
        StoreError: no such store.
    """
    where, values = _chosen(function, version, key)
    order = "function, version, position, arguments"
    with _opened(Path(store)) as connection:
        query = f"SELECT {_COLUMNS} FROM results WHERE {where} ORDER BY {order} LIMIT ?"
        yield from map(_row, connection.execute(query, (*values, -1 if limit is None else limit)))


def rows_with_ids(store: str | Path, ids: np.ndarray) -> Iterator[Row]:
    """The rows with these ids, in this order."""
    with _opened(Path(store)) as connection:
        for start in range(0, len(ids), _AT_ONCE):
            part = [int(id_) for id_ in ids[start : start + _AT_ONCE]]
            query = f"SELECT id, {_COLUMNS} FROM results WHERE id IN ({','.join('?' * len(part))})"
            found = {id_: record for id_, *record in connection.execute(query, part)}
            if missing := set(part) - found.keys():
                raise StoreError("sweep", expected=f"{store} to hold the rows of this result",
                                 got=f"a store without row {min(missing)}", remedy="run the sweep again")  # fmt: skip
            yield from (_row(found[id_]) for id_ in part)


def _chosen(function: str | None, version: str | None, key: str) -> tuple[str, tuple[str, ...]]:
    wanted = {"function = ?": function, "version = ?": version, "instr(lower(hex(key)), ?) = 1": key.lower() or None}
    chosen = {condition: value for condition, value in wanted.items() if value is not None}
    return " AND ".join(chosen) or "1", tuple(chosen.values())


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    refuse_folder(path)
    if not path.is_file():
        raise StoreError("sweep", expected=f"{path} to be a store of sweeps", got="no such file",
                         remedy="name the file that a sweep has written")  # fmt: skip
    with store_errors(path), closing(_connection(path)) as connection:
        check_schema(connection, path)
        yield connection


def _connection(path: Path) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = connect(address, uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.Error as error:
        connection.close()
        if not isinstance(error, sqlite3.OperationalError) or Path(f"{path}-wal").exists():
            raise
        # A folder that forbids the index of the log, and no log: nobody writes, the file alone is everything.
        connection = connect(f"{address}&immutable=1", uri=True)
    return connection


def _row(record: Sequence[Any]) -> Row:
    key, function, version, arguments, outcome, value, arrays, error, traceback, seconds, finished = record
    return Row(key.hex(), function, version, json.loads(arguments), outcome, decode(value), unpack(arrays), error,
               traceback, seconds, finished)  # fmt: skip
