"""Jobs that workers can import, stores in a folder of their own, and what a store must agree on with another."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leadline.sweep import read_rows

sys.path.insert(0, str(Path(__file__).parent))  # fresh processes inherit it


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where a store may lie."""
    return tmp_path / "runs.db"


@pytest.fixture
def log(tmp_path: Path) -> str:
    """Where jobs may note what they do."""
    return str(tmp_path / "log")


@pytest.fixture
def table() -> Callable[[Path], list[Any]]:
    """Everything in a store but the times, in its reading order."""

    def read(path: Path) -> list[Any]:
        return [
            (row.key, row.function, row.version, row.arguments, row.outcome, str(row.value), row.error, row.traceback,
             {name: array.tolist() for name, array in row.arrays.items()})
            for row in read_rows(path)
        ]  # fmt: skip

    return read
