"""Readers: they see what is finished, while it grows, and change nothing."""

from pathlib import Path

import numpy as np
import pytest

from leadline.sweep import Job, StoreError, count_rows, grid, read_rows, reading, summaries, sweep
from leadline.sweep.stores import Store


def test_rows_say_everything(store):
    sweep("errands.square", grid(x=[3]), store=store, version="v1")
    (row,) = read_rows(store)
    assert (row.function, row.version, row.arguments, row.outcome) == ("errands.square", "v1", {"x": 3}, "done")
    assert row.value == {"square": 9}
    assert np.array_equal(row.arrays["powers"], [3, 9])
    assert row.error is row.traceback is None
    assert row.seconds >= 0
    assert row.finished > 1.7e9  # after 2023


def test_selections(store):
    sweep("errands.square", grid(x=[3, 1, 2]), store=store, version="v1")
    sweep("errands.square", grid(x=[3]), store=store, version="v2")
    sweep("errands.varied", grid(x=range(6)), store=store)
    assert [row.arguments["x"] for row in read_rows(store, function="errands.square")] == [3, 1, 2, 3]
    assert [row.arguments["x"] for row in read_rows(store, version="v2")] == [3]
    first = next(iter(read_rows(store)))
    assert [row.key for row in read_rows(store, key=first.key[:12].upper())] == [first.key]
    counts = {(one.function, one.version): (one.done, one.failed, one.diverged) for one in summaries(store)}
    assert counts == {
        ("errands.square", "v1"): (3, 0, 0),
        ("errands.square", "v2"): (1, 0, 0),
        ("errands.varied", ""): (2, 2, 2),
    }
    assert [one.rows for one in summaries(store)] == [3, 1, 6]


@pytest.mark.parametrize("key", ["%", "_", "a%", "*", "?"])
def test_a_key_is_no_pattern(store, key):
    sweep("errands.square", grid(x=range(5)), store=store)
    assert list(read_rows(store, key=key)) == []
    assert count_rows(store, key=key) == 0


def test_the_first_rows_and_how_many_there_are(store, monkeypatch):
    sweep("errands.square", grid(x=[3, 1, 2]), store=store, version="v1")
    sweep("errands.square", grid(x=range(5)), store=store, version="v2")
    read = []
    monkeypatch.setattr(reading, "unpack", lambda data: (read.append(data), {})[1])
    assert [row.arguments["x"] for row in read_rows(store, limit=4)] == [3, 1, 2, 0]
    assert len(read) == 4, "the others are left packed"
    assert list(read_rows(store, limit=0)) == []
    assert (count_rows(store), count_rows(store, version="v2"), count_rows(store, function="no")) == (8, 5, 0)
    (row,) = read_rows(store, version="v1", limit=1)
    assert count_rows(store, key=row.key.upper()) == 1


def test_reading_while_a_sweep_writes(store):
    seen = []

    def listing():
        for x in range(300):
            if x % 100 == 0 and x:
                seen.append(sum(1 for _ in read_rows(store)))
            yield Job({"x": x})

    with Store(store):  # an open writer with nothing written
        assert list(read_rows(store)) == []
    sweep("errands.square", listing(), store=store)
    assert len(seen) == 2
    assert sum(1 for _ in read_rows(store)) == 300


def test_a_reader_in_the_middle_does_not_hold_up_the_writer(store):
    sweep("errands.square", grid(x=range(10)), store=store)
    rows = read_rows(store)
    next(rows)
    assert sweep("errands.square", grid(x=range(1000)), store=store).done == 1000
    assert sum(1 for _ in rows) == 9, "a reader goes on in the state in which it began"


@pytest.mark.parametrize("content", [None, b""])
def test_no_store(store, content):
    if content is not None:
        store.write_bytes(content)
    with pytest.raises(StoreError, match=r"to be a store of sweeps, got (no such|an empty) file"):
        list(read_rows(store))
    assert store.exists() == (content is not None)


def test_a_folder_is_no_store(tmp_path):
    for use in (lambda: list(read_rows(tmp_path)), lambda: sweep("errands.square", grid(x=1), store=tmp_path)):
        with pytest.raises(StoreError, match="to be a store of sweeps, got a folder; name a file in it"):
            use()
    assert not Path(f"{tmp_path}.lock").exists()
