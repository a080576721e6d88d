"""What a sweep costs besides the jobs: many trivial jobs, beside Optuna and Ray Tune where they are installed.

Processor time of the coordinating process per job, because other programs disturb the wall clock (Ray Tune spends as
much again in processes of its own). "survives" says whether the rows of a run that is
killed are still there afterwards. Peers that take milliseconds per job get fewer jobs; the last column says how many.
"""

import contextlib
import importlib.util
import io
import logging
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

JOBS, ROUNDS = 100_000, 3


def job(x: int) -> float:
    """Next to nothing."""
    return x * 0.5


def leadline(jobs: int, folder: Path) -> None:
    """Our runner and store."""
    from leadline.sweep import grid, sweep

    assert sweep("benchmarks.sweeps.job", grid(x=range(jobs)), store=folder / "ours.db").done == jobs


def leadline_again(jobs: int, folder: Path) -> None:
    """The same command once more: everything is there."""
    from leadline.sweep import grid, sweep

    store = folder / "ours.db"
    if not store.exists():
        leadline(jobs, folder)
    began = time.process_time()
    assert sweep("benchmarks.sweeps.job", grid(x=range(jobs)), store=store).computed == 0
    raise _Spent(time.process_time() - began)


def plain_sqlite(jobs: int, folder: Path) -> None:
    """A loop by hand that commits every row: what one would write for oneself."""
    connection = sqlite3.connect(folder / "plain.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE rows (x PRIMARY KEY, value)")
    for x in range(jobs):
        connection.execute("INSERT INTO rows VALUES (?, ?)", (x, job(x)))
    connection.close()


def optuna_in_memory(jobs: int, folder: Path) -> None:
    """Optuna, random sampler, nothing on disk."""
    _optuna(jobs, None)


def optuna_journal(jobs: int, folder: Path) -> None:
    """Optuna with its journal file."""
    from optuna.storages import JournalStorage  # pyright: ignore[reportMissingImports]
    from optuna.storages.journal import JournalFileBackend  # pyright: ignore[reportMissingImports]

    _optuna(jobs, JournalStorage(JournalFileBackend(str(folder / "journal"))))


def optuna_sqlite(jobs: int, folder: Path) -> None:
    """Optuna with SQLite."""
    _optuna(jobs, f"sqlite:///{folder / 'optuna.db'}")


def ray_tune(jobs: int, folder: Path) -> None:
    """Ray Tune, its grid search, one process."""
    from ray import tune  # pyright: ignore[reportMissingImports]

    space = {"x": tune.grid_search(list(range(jobs)))}
    run = tune.RunConfig(storage_path=str(folder), verbose=0)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints tables all the same
        tune.Tuner(lambda config: {"value": job(config["x"])}, param_space=space, run_config=run).fit()


def _optuna(jobs: int, storage: Any) -> None:
    import optuna  # pyright: ignore[reportMissingImports]

    optuna.logging.set_verbosity(logging.ERROR)
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: job(trial.suggest_int("x", 0, JOBS)), n_trials=jobs)


class _Spent(Exception):  # noqa: N818 - carries a measurement out of a run that had to prepare something first
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Candidate = tuple[str, str | None, Callable[[int, Path], None], int, str]
CANDIDATES: list[Candidate] = [
    ("leadline.sweep", None, leadline, JOBS, "yes"),
    ("leadline.sweep, again", None, leadline_again, JOBS, "yes"),
    ("a loop with SQLite", None, plain_sqlite, JOBS, "yes"),
    ("Optuna, in memory", "optuna", optuna_in_memory, 2000, "no"),
    ("Optuna, journal file", "optuna", optuna_journal, 1000, "yes"),
    ("Optuna, SQLite", "optuna", optuna_sqlite, 100, "yes"),
    ("Ray Tune", "ray", ray_tune, 20, "yes"),
]


def microseconds(run: Callable[[int, Path], None], jobs: int) -> float:
    """Median processor time per job."""
    spent = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            try:
                run(jobs, Path(folder))
                spent.append(time.process_time() - began)
            except _Spent as measured:
                spent.append(measured.seconds)
    return 1e6 * statistics.median(spent) / jobs


def memory_mb(jobs: int) -> float:
    """Peak memory of a process that runs so many jobs."""
    code = (
        "import tempfile, pathlib; from benchmarks.sweeps import leadline\n"
        f"with tempfile.TemporaryDirectory() as folder: leadline({jobs}, pathlib.Path(folder))\n"
        "print(int(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) / 1024)"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the tables."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("RAY_DEDUP_LOGS", "1")
    print(f"{'runner':24}{'us per job':>12}{'x ours':>10}  {'survives':10}jobs")
    ours = None
    for name, package, run, jobs, survives in CANDIDATES:
        if package is not None and importlib.util.find_spec(package) is None:
            print(f"{name:24}{'-':>12}{'-':>10}  {survives:10}not installed")
            continue
        cost = microseconds(run, jobs)
        ours = ours or cost
        print(f"{name:24}{cost:12.1f}{cost / ours:10.2f}  {survives:10}{jobs}")
    few, many = memory_mb(JOBS // 10), memory_mb(JOBS)
    print(f"\npeak memory: {few:.1f} MB for {JOBS // 10} jobs, {many:.1f} MB for {JOBS}")


if __name__ == "__main__":
    main()
