"""`leadline profile` on models of a user."""

import json
from pathlib import Path

import pytest

from leadline.cli.failures import BAD_INPUT


def test_json_is_the_result_and_nothing_else(run, nets: Path) -> None:
    done = run("profile", f"{nets}:Prints", "--arg", "in_features=4", "--arg", "out_features=2", "--input", "3x4",
               "--device", "cpu", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["macs"] == 3 * 4 * 2
    assert "the model prints" in done.stderr


def test_the_table_has_a_row_per_module(run, nets: Path) -> None:
    done = run("profile", f"{nets}:small", "--input", "1x4")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("Sequential: 58 parameters")
    assert [line.split()[1] for line in done.stdout.splitlines()[2:6]] == ["Sequential", "Linear", "ReLU", "Linear"]


def test_depth_folds_rows_into_their_ancestor(run, nets: Path) -> None:
    done = run("profile", f"{nets}:small", "--input", "1x4", "--depth", "0")
    rows = done.stdout.splitlines()
    assert len(rows) == 3
    assert rows[2].split()[5] == "58"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("small", "--input", "1x5"), r"RuntimeError in 0 \(Linear, given \(1, 5\)\)"),
        (("Raises", "--input", "1x5"), "RuntimeError in the model itself"),
        (("broken", "--input", "1x5"), "the factory breaks"),
        (("wide", "--input", "1x4"), "missing a required argument: 'width'"),
        (("small", "--input", "1xfour"), "expected a shape"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, nets: Path, words: tuple, message: str) -> None:
    import re

    done = run("profile", f"{nets}:{words[0]}", *words[1:])
    assert done.exit_code == BAD_INPUT
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line != "the file prints"]
    assert len(lines) == 1
    assert lines[0].startswith("leadline: ")
    assert re.search(message, lines[0])


def test_debug_adds_the_traceback(run, nets: Path) -> None:
    done = run("--debug", "profile", f"{nets}:Raises", "--input", "1x5")
    assert done.exit_code == BAD_INPUT
    assert 'raise RuntimeError("the model raises")' in done.stderr
