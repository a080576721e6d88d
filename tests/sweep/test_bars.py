"""The bar: on standard error, on terminals only, true about what is left."""

import io

import pytest

from leadline.sweep import grid, sweep
from leadline.sweep.bars import Bar


def test_it_counts_what_is_left_and_what_went_wrong(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Bar(10, shown=True) as bar:
        bar.found(4)
        bar.finished(3, 1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "sweep (1 failed or diverged)" in shown.err
    assert "3/6" in shown.err


@pytest.mark.parametrize("progress", [False, True])
def test_where_there_is_no_terminal_nothing_is_printed(store, capsys, progress):
    sweep("errands.square", iter(grid(x=range(12))), store=store, progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_listing_of_unknown_length(store, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stderr", written := io.StringIO())
    sweep("errands.square", iter(grid(x=range(12))), store=store, progress=True)
    assert "/?" in written.getvalue()
