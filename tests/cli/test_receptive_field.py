"""`leadline receptive-field` on a network whose field is known."""

import json
from pathlib import Path

import pytest

from leadline.cli.failures import BAD_INPUT

STACK = """
from torch import nn
def stack(): return nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, (5, 3), stride=2))
"""


@pytest.fixture
def stack(tmp_path: Path) -> str:
    path = tmp_path / "stack_of_a_user.py"
    path.write_text(STACK)
    return f"{path}:stack"


def test_json_holds_the_sizes(run, stack: str) -> None:
    done = run("receptive-field", stack, "--input", "1x1x32x32", "--json")
    assert done.exit_code == 0, done.stderr
    whole = json.loads(done.stdout)["layers"][0]  # the model itself
    assert [axis["size"] for axis in whole["axes"]] == [3 + 4, 3 + 2]


def test_measured(run, stack: str) -> None:
    done = run("receptive-field", stack, "--input", "1x1x32x32", "--measured")
    assert done.exit_code == 0, done.stderr
    assert "7 x 5" in done.stdout


def test_a_wrong_shape_is_status_2(run, stack: str) -> None:
    done = run("receptive-field", stack, "--input", "1x3x32x32")
    assert done.exit_code == BAD_INPUT
    assert done.stderr.count("leadline: ") == 1
