"""A runner of the application and a file with factories, good and bad."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from leadline.cli.main import app

NETS = """
from torch import nn
print("the file prints")
def small(): return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
def wide(width, depth=1): return nn.Linear(4, width)
def broken(): raise ValueError("the factory breaks")
class Raises(nn.Module):
    def forward(self, x): raise RuntimeError("the model raises")
class Prints(nn.Linear):
    def forward(self, x): print("the model prints"); return super().forward(x)
number = 3
"""

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Calls the application with words; standard output and error apart."""
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    """The file."""
    path = tmp_path / "nets_of_a_user.py"
    path.write_text(NETS)
    return path
