"""Jobs for the sweeps of these tests, in a file that workers can import; what they do goes to a side log."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from leadline.core import DivergedError
from leadline.sweep import takes_batch


def note(log: str, entry: Any) -> None:
    """Append one line, whole, from any process."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{json.dumps(entry)}\n".encode())
    os.close(descriptor)


def noted(log: str | Path) -> list[Any]:
    """The lines."""
    path = Path(log)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def square(x: float, log: str = "", pause: float = 0.0) -> dict[str, Any]:
    """A number and an array."""
    if log:
        note(log, x)
    time.sleep(pause)
    return {"square": x * x, "powers": np.array([x, x * x])}


def varied(x: int) -> Any:
    """Every kind of outcome."""
    if x == 1:
        raise ValueError("one is not wanted")
    if x == 2:
        raise DivergedError("varied", expected="finite", got="inf", remedy="lower x")
    if x == 3:
        return {"loss": float("inf"), "diverged": True}
    if x == 4:
        raise SystemExit(3)
    return {"loss": float("nan") if x == 5 else float(x)}


@takes_batch
def together(members: list[dict[str, Any]]) -> list[Any]:
    """Says how many travelled; 13 spoils a whole batch, 14 only itself."""
    if any(one["x"] == 13 for one in members):
        raise ValueError("thirteen")
    gone = DivergedError("together", expected="finite", got="nan", remedy="lower x")
    return [gone if one["x"] == 14 else {"crew": len(members), "x2": 2 * one["x"]} for one in members]


@takes_batch(alike=("width", "data"), most=4)
def crews(members: list[dict[str, Any]]) -> list[Any]:
    """Says who travelled together."""
    return [{"crew": [one["x"] for one in members]} for _ in members]


def moody(x: int, log: str, good_from: int) -> dict[str, Any]:
    """Raises until it has been called so many times; 1 diverges."""
    note(log, x)
    if x == 1:
        raise DivergedError("moody", expected="finite", got="nan", remedy="lower x")
    if noted(log).count(x) < good_from:
        raise MemoryError("not now")
    return {"x": x}


@takes_batch
def forgetful(members: list[dict[str, Any]]) -> list[int]:
    """Loses a result."""
    return [0] * max(1, len(members) - 1)


def deadly(x: int, log: str, fatal: int, lives: int) -> int:
    """Takes its worker down the first `lives` times that x is the fatal one."""
    note(log, x)
    time.sleep(0.02)
    if x == fatal and noted(log).count(x) <= lives:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def threads(x: int) -> dict[str, Any]:
    """How many threads the libraries of a worker are told to use, and who its parent is."""
    return {"omp": os.environ.get("OMP_NUM_THREADS"), "parent": os.getppid(), "pid": os.getpid()}


def unplain(x: int) -> Any:
    """Returns what JSON cannot hold, or arrays of objects."""
    return {"it": object()} if x else {"it": np.array([object()])}


def interrupt_at(x: int, at: int) -> int:
    """Ctrl-C, as the job sees it."""
    if x == at:
        signal.raise_signal(signal.SIGINT)
    return x


def mixed(x: int) -> Any:
    """Results, arrays, failures; notes its beginning where the environment says, and takes the time that it says."""
    if log := os.environ.get("ERRANDS_LOG"):
        note(log, x)
    time.sleep(float(os.environ.get("ERRANDS_PAUSE", "0")))
    if x % 7 == 0:
        raise ValueError(f"{x} is not wanted")
    if x % 11 == 0:
        raise DivergedError("mixed", expected="finite", got="nan", remedy="lower x")
    return {"third": x / 3, "powers": np.array([x, x * x])}
