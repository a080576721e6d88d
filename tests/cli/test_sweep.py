"""`leadline sweep`: run, interrupt, go on; list, show, export."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from leadline.cli.failures import BAD_INPUT, INTERRUPTED, Commands
from leadline.cli.sweep import sweeps

JOBS = """
import pathlib
import time
from collections.abc import Iterator
import numpy as np
def quotient(x, y=1):
    return {"quotient": x / y, "pair": np.array([x, y])}
def needs_a_file(x):
    return pathlib.Path("needed").read_text() + str(x)
def slow(x):
    open("log", "a").write(f"{x}\\n")
    time.sleep(0.02)
    return x
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a file of jobs that a command can name."""
    (tmp_path / "jobs_of_a_user.py").write_text(JOBS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("jobs_of_a_user", None)


@pytest.fixture
def run():
    """Calls the application with words."""
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
    app.add_typer(sweeps, name="sweep")
    app.command("other")(lambda: None)

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, ["sweep", *map(str, words)])

    return call


@pytest.fixture
def filled(here, run) -> Path:
    """A store with two functions."""
    done = run("run", "jobs_of_a_user.quotient", "x=1..3", "y=2,0", "--store", "runs.db", "--version", "v1")
    assert done.exit_code == 0, done.output
    assert run("run", "calendar.isleap", "year=2000,?", "--store", "runs.db").exit_code == 0
    return here / "runs.db"


def test_run_says_what_became_of_the_jobs(here, run):
    words = ("run", "jobs_of_a_user.quotient", "x=1..3", "y=2,0", "--store", "runs.db")
    first, second = run(*words), run(*words, "--json")
    assert "jobs_of_a_user.quotient: 3 of 6 done, 3 failed; 6 computed now" in first.stdout
    assert json.loads(second.stdout)["computed"] == 0


def test_failed_rows_are_tried_again_when_asked(here, run):
    words = ("run", "jobs_of_a_user.needs_a_file", "x=1,2", "--store", "runs.db")
    assert "0 of 2 done, 2 failed; 2 computed now" in run(*words).stdout
    (here / "needed").write_text("y")
    assert "0 of 2 done, 2 failed; 0 computed now" in run(*words).stdout
    assert "2 of 2 done; 2 computed now" in run(*words, "--retry-failed").stdout
    assert "2 of 2 done; 0 computed now" in run(*words, "--retry-failed").stdout


def test_list(filled, run):
    listed = json.loads(run("list", filled, "--json").stdout)
    assert [(one["function"], one["version"], one["done"], one["failed"]) for one in listed] == [
        ("jobs_of_a_user.quotient", "v1", 3, 3),
        ("calendar.isleap", "", 1, 1),
    ]
    assert "calendar.isleap" in run("list", filled).stdout


def test_show(filled, run):
    shown = run("show", filled, "--function", "jobs_of_a_user.quotient").stdout.splitlines()
    assert shown[0].split() == ["row_key", "x", "y", "outcome", "quotient", "pair", "error", "time_s"]
    assert [line.split()[1:5] for line in shown[1:3]] == [
        ["1", "2", "done", "0.5"],
        ["1", "0", "failed", "ZeroDivisionError:"],
    ]
    assert "2 of 8 rows" in run("show", filled, "--rows", 2).stdout
    rows = json.loads(run("show", filled, "--version", "v1", "--json").stdout)
    assert [row["arguments"] for row in rows[:2]] == [{"x": 1, "y": 2}, {"x": 1, "y": 0}]
    assert rows[0]["arrays"] == {"pair": [1, 2]}
    told = run("show", filled, rows[1]["key"][:10]).stdout
    assert "ZeroDivisionError: division by zero" in told
    assert "in quotient" in told


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_export(filled, run, ending):
    path = filled.with_name(f"table.{ending}")
    exported = run("export", filled, path, "--version", "v1")
    assert (exported.exit_code, exported.stdout, exported.stderr) == (0, "", f"6 rows in {path}\n")
    frame = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert frame["x"].tolist() == [1, 1, 2, 2, 3, 3]
    assert frame["quotient"].tolist()[::2] == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "none.db"), "expected none.db to be a store of sweeps, got no such file"),
        (("list", "none.db"), "got no such file"),
        (("export", "runs.db", "table.xlsx"), "expected a name that ends in .csv or .parquet"),
        (("show", "runs.db", "zz"), "expected the beginning of a row's key, got 'zz'"),
        (
            ("run", "calendar.isleap", "year", "--store", "runs.db"),
            "expected NAME=VALUES, none of them empty, got 'year'",
        ),
        (("run", "calendar.isleap", "year=1,,2", "--store", "s.db"), "none of them empty, got 'year=1,,2'"),
        (("run", "calendar.isleap", "year=", "--store", "s.db"), "none of them empty, got 'year='"),
        (("run", "calendar.isleap", "year=1", "year=2", "--store", "s.db"), "expected year once, got it again in"),
        (("run", "calendar.isleap", "year=0.1..0.5", "--store", "s.db"), "a span of whole numbers by itself"),
        (("run", "calendar.isleap", "year=1..3,7", "--store", "s.db"), "a span of whole numbers by itself"),
        (("export", "runs.db", "nowhere/table.csv"), "a place to write nowhere/table.csv, got No such file"),
        (("show", "runs.db", "%"), "expected the beginning of a row's key, got '%'"),
        (("show", "."), "to be a store of sweeps, got a folder"),
        (("run", "calendar.nothing", "year=1", "--store", "runs.db"), "a function that can be imported"),
        (("run", "calendar.isleap", "year=1", "--store", "s.db", "--workers", "1", "--dask", "x"), "got both"),
        (("run", "calendar.isleap", "year=1", "--store", "s.db", "--dask", "nowhere://1"), "expected a Dask scheduler"),
    ],
)
def test_mistakes(filled, run, words, message):
    answer = run(*words)
    assert answer.exit_code == BAD_INPUT
    assert message in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(here, workers):
    words = ["run", "jobs_of_a_user.slow", "x=1..100", "--store", "runs.db", *(["--workers", "2"] if workers else [])]
    program = [sys.executable, "-c", "from leadline.cli.sweep import sweeps; sweeps()", *words]
    log = here / "log"
    with subprocess.Popen(program, stdout=-1, stderr=-1, text=True, start_new_session=True) as process:
        while not log.exists() or len(log.read_text().splitlines()) < 10:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everybody
        output, errors = process.communicate()
    assert process.returncode == INTERRUPTED
    assert output == ""
    (line,) = errors.splitlines()
    assert line.startswith("leadline: interrupted with ")
    assert line.endswith("rows finished, all kept in runs.db; run the same command to go on")
    finished = int(line.split()[3])
    assert 0 < finished < 100
    again = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert f"100 of 100 done; {100 - finished} computed now" in again


def test_a_sweep_of_which_nothing_is_done_says_why(here, run):
    found = run("run", "jobs_of_a_user.quotient", "x=1", "y=0", "--store", "runs.db")
    assert found.exit_code == 1
    assert 'the first that failed, {"x": 1, "y": 0}: ZeroDivisionError' in found.stderr
