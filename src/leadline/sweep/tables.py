"""Rows as a table: one column per argument, per value, and for what became of the job."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from leadline.core import InputError, replacing
from leadline.sweep.reading import Row

if TYPE_CHECKING:
    import pandas


_OWN = ("outcome", "error", "time_s")


def frame_of(rows: Iterable[Row], *, identified: bool = False) -> "pandas.DataFrame":
    """One line per row, in the given order; of an array its shape and type.

    An argument named like a column of ours gets the column `NAME.argument`; a value whose name is taken already,
    `NAME.result`.

    Args:
        rows: of a store.
        identified: lead with the key, the function and its version.
    """
    import pandas as pd

    rows = list(rows)
    taken = {name for row in rows for name in row.arguments} | set(_OWN)
    return pd.DataFrame([(_identity(row) if identified else {}) | _line(row, taken) for row in rows])


def write_table(frame: "pandas.DataFrame", path: str | Path) -> None:
    """Write a table as CSV or Parquet, by the ending of the name; lists and mixtures of types as JSON text.

    A file of that name is replaced when the new one is whole.

    Raises:
        InputError: another ending, Parquet without pyarrow, or a file that cannot be written.
    """
    path = Path(path)
    write = _writer(path)
    flat: Any = frame.apply(_flat)
    try:
        with replacing(path) as stream:
            write(flat, stream)
    except OSError as error:
        raise InputError("write_table", expected=f"a place to write {path}", got=error.strerror or str(error),
                         remedy="name a file in another folder") from error  # fmt: skip


def _writer(path: Path) -> "Callable[[pandas.DataFrame, BinaryIO], None]":
    if path.suffix == ".csv":
        return lambda frame, stream: frame.to_csv(stream, index=False)
    if path.suffix != ".parquet":
        raise InputError("write_table", expected="a name that ends in .csv or .parquet", got=path.name,
                         remedy="choose one of them")  # fmt: skip
    try:
        import pyarrow  # noqa: F401 - pandas says in many lines that it is missing
    except ImportError as error:
        raise InputError("write_table", expected="the package pyarrow to write Parquet", got=str(error),
                         remedy="pip install pyarrow, or write CSV") from error  # fmt: skip
    return lambda frame, stream: frame.to_parquet(stream, engine="pyarrow", index=False)


def _identity(row: Row) -> dict[str, Any]:
    return {"row_key": row.key, "row_function": row.function, "row_version": row.version}


def _line(row: Row, taken: set[str]) -> dict[str, Any]:
    arrays = {name: f"{'x'.join(map(str, one.shape)) or 'scalar'} {one.dtype}" for name, one in row.arrays.items()}
    arguments = {f"{name}.argument" if name in _OWN else name: one for name, one in row.arguments.items()}
    results = {f"{name}.result" if name in taken else name: one for name, one in (row.value | arrays).items()}
    return arguments | {"outcome": row.outcome} | results | {"error": row.error or "", "time_s": row.seconds}


def _flat(column: "pandas.Series") -> "pandas.Series":
    present = [one for one in column if not _is_missing(one)]
    kinds = {type(one) for one in present}
    if kinds <= {str} or (len(kinds) == 1 and not kinds & {list, dict}) or column.dtype.kind in "iufb":
        return column
    return column.map(lambda one: None if _is_missing(one) else json.dumps(one))


def _is_missing(one: Any) -> bool:
    return one is None or (isinstance(one, float) and one != one)
