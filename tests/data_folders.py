"""Where the real data sets lie for tests: LEADLINE_DATA, or shared/data beside the checkout; absent ones skip."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "data"


def folder_with(name: str) -> Path:
    """A folder that holds the file, directly or one folder down; skips the test where there is none."""
    for folder in filter(None, (os.environ.get("LEADLINE_DATA"), BESIDE)):
        if [*Path(folder).glob(name), *Path(folder).glob(f"*/{name}")]:
            return Path(folder)
    pytest.skip(f"{name} is not on this machine: set LEADLINE_DATA to a folder that holds it")
