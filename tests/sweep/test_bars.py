"""The bar: on standard error, on terminals only, true about what is left."""

import io
import re

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


def test_it_says_how_long_the_rest_will_take(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    now = [0.0]
    monkeypatch.setattr("rich.console.monotonic", lambda: now[0])
    monkeypatch.setattr("leadline.sweep.bars._REFRESH_S", -1.0)
    left = []
    with Bar(100, shown=True) as bar:
        bar.found(40)  # costs nothing: the rest are sixty
        for _ in range(60):
            now[0] += 2.0
            bar.finished(1, 0)
            hours, minutes, seconds = re.findall(r"(\d+|-):(\d\d|--):(\d\d|--)", capsys.readouterr().err)[-1]
            left.append(None if "--" in (minutes, seconds) else 3600 * int(hours) + 60 * int(minutes) + int(seconds))
    assert left[0] is None, "nothing is known yet"
    assert left[9::10] == [100, 80, 60, 40, 20, 0], "two seconds a row"


@pytest.mark.parametrize("progress", [False, True])
def test_where_there_is_no_terminal_nothing_is_printed(store, capsys, progress):
    sweep("errands.square", iter(grid(x=range(12))), store=store, progress=progress)
    assert capsys.readouterr() == ("", "")


def test_a_listing_of_unknown_length(store, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stderr", written := io.StringIO())
    sweep("errands.square", iter(grid(x=range(12))), store=store, progress=True)
    assert "/?" in written.getvalue()
