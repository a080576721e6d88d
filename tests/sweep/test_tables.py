"""Tables of rows, in memory and on disk."""

import errno
import os
import sys

import pandas as pd
import pytest

from leadline.core import InputError
from leadline.sweep import Row, frame_of, grid, read_rows, sweep, write_table


def _row(arguments, value, **fields) -> Row:
    blank = {"key": "ab", "function": "f", "version": "", "outcome": "done", "arrays": {}, "error": None,
             "traceback": None, "seconds": 0.5, "finished": 0.0}  # fmt: skip
    return Row(arguments=arguments, value=value, **blank | fields)


def test_a_line_per_row_and_a_column_per_name(store):
    sweep("errands.mixed", grid(x=[2, 1, 7]), store=store)
    frame = frame_of(read_rows(store))
    assert frame["x"].tolist() == [2, 1, 7]
    assert frame["third"].tolist()[:2] == [2 / 3, 1 / 3]
    assert frame["powers"].tolist()[:2] == ["2 int64", "2 int64"]
    assert frame["error"].tolist() == ["", "", "ValueError: 7 is not wanted"]
    assert frame["outcome"].tolist() == ["done", "done", "failed"]


def test_names_that_meet_are_told_apart():
    (line,) = frame_of([_row({"lr": 1, "outcome": 2}, {"lr": 3, "error": 4})]).to_dict("records")
    assert line == {
        "lr": 1, "outcome.argument": 2, "outcome": "done", "lr.result": 3, "error.result": 4, "error": "",
        "time_s": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_files_hold_the_table(tmp_path, ending):
    rows = [
        _row({"x": 1, "kind": "a", "layers": [1, 2]}, {"loss": float("inf"), "mix": 1, "flag": True}),
        _row({"x": 2, "kind": "b", "layers": [3]}, {"loss": 0.1, "mix": "text", "flag": False}),
        _row({"x": 3, "kind": None, "layers": []}, {}, outcome="failed", error='ValueError: "quoted", and\ntwo lines'),
    ]
    path = tmp_path / f"table{ending}"
    write_table(frame_of(rows, identified=True), path)
    back = pd.read_csv(path) if ending == ".csv" else pd.read_parquet(path)
    assert list(back.columns[:4]) == ["row_key", "row_function", "row_version", "x"]
    assert back["x"].tolist() == [1, 2, 3]
    assert back["layers"].tolist() == ["[1, 2]", "[3]", "[]"]
    assert back["loss"].tolist()[:2] == [float("inf"), 0.1]
    assert back["mix"].tolist()[:2] == ["1", '"text"']
    assert back["error"].tolist()[2] == 'ValueError: "quoted", and\ntwo lines'
    assert back["kind"].tolist()[:2] == ["a", "b"]


def test_a_file_is_replaced_when_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    write_table(pd.DataFrame({"x": [1]}), path)
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    real = pd.DataFrame.to_csv

    def full(frame, stream, **options):
        real(frame, stream, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(InputError, match=r"expected a place to write .*table\.csv, got No space left on device"):
        write_table(pd.DataFrame({"x": [2]}), path)
    assert [one.name for one in tmp_path.iterdir()] == ["table.csv"]
    assert path.read_text().split() == ["x", "1"]


@pytest.mark.parametrize("place", ["nowhere", "file"])
def test_a_place_that_is_no_folder(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"expected a place to write .*table\.csv, got N.*; name a file in another"):
        write_table(pd.DataFrame({"x": [1]}), tmp_path / place / "table.csv")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_parquet_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"the package pyarrow to write Parquet.*pip install pyarrow, or write CSV"):
        write_table(pd.DataFrame({"x": [1]}), tmp_path / "table.parquet")


def test_another_format(tmp_path):
    with pytest.raises(InputError, match=r"a name that ends in \.csv or \.parquet, got table\.xlsx"):
        write_table(pd.DataFrame({"x": [1]}), tmp_path / "table.xlsx")
