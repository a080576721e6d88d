"""`leadline lr` and `leadline noise`."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from leadline.cli.failures import BAD_INPUT, Commands
from leadline.cli.lr import print_lr
from leadline.cli.noise import print_noise

app = typer.Typer(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
app.command("lr")(print_lr)
app.command("noise")(print_noise)
app.callback()(lambda: None)
MODEL = (
    "def build():\n    from torch import nn\n    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))\n"
)


def run(*words: str):
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "flower_net.py"
    path.write_text(MODEL)
    return f"{path}:build"


def test_lr_of_an_embedded_set(net: str) -> None:
    done = run("lr", net, "--data", "iris", "--steps", "60", "--seeds", "2", "--json")
    assert done.exit_code == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain["lr"][-1] == pytest.approx(100)
    assert len(plain["seeds"]) == 2


def test_noise_of_a_file(net: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", inputs=generator.standard_normal((50, 4), dtype=np.float32),
             targets=generator.integers(0, 3, 50))  # fmt: skip
    done = run("noise", net, "--data", str(tmp_path / "rows.npz"), "--batch-size", "10")
    assert done.exit_code == 0, done.stderr
    assert "simple noise scale" in done.stdout
    assert "all 50 examples" in done.stdout


def test_regression_gets_the_squared_error() -> None:
    done = run("noise", "torch.nn:Linear", "--arg", "in_features=10", "--arg", "out_features=1",
               "--data", "diabetes-regression", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["examples"] == 442


@pytest.mark.parametrize(
    ("data", "message"),
    [("roses", "one of digits"), ("wrong.npz", "arrays named inputs and targets"), ("text.npz", "plain arrays")],
)
def test_bad_data_is_one_line_and_status_2(net: str, tmp_path: Path, data: str, message: str) -> None:
    np.savez(tmp_path / "wrong.npz", x=np.zeros(3))
    (tmp_path / "text.npz").write_text("no archive")
    done = run("noise", net, "--data", str(tmp_path / data) if data.endswith("npz") else data)
    assert done.exit_code == BAD_INPUT
    assert message in done.stderr
    assert done.stdout == ""


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A folder with fifty examples, sound in one file and with holes in another."""
    inputs = np.random.default_rng(0).standard_normal((50, 4), dtype=np.float32)
    np.savez(tmp_path / "rows.npz", inputs=inputs, targets=np.arange(50) % 3)
    np.savez(tmp_path / "holes.npz", inputs=np.where(inputs > 1, np.nan, inputs), targets=np.arange(50) % 3)
    return tmp_path


@pytest.mark.parametrize("command", ["lr", "noise"])
@pytest.mark.parametrize(
    ("factory", "data", "options", "message"),
    [
        ("broken", "rows", [], "ValueError: the factory breaks"),
        ("Raises", "rows", [], "no parameters in Raises"),
        ("small", "holes", [], "NaN or infinite values in the inputs"),
        ("small", "rows", ["--batch-size", "51"], "no larger than the data"),
        ("small", "rows", ["--loss", "entropy"], "one of cross_entropy"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_status_2(
    command: str, factory: str, data: str, options: list[str], message: str, nets: Path, examples: Path
) -> None:
    done = run(command, f"{nets}:{factory}", "--data", str(examples / f"{data}.npz"), *options)
    assert done.exit_code == BAD_INPUT, done.exception
    lines = done.stderr.splitlines()
    assert message in lines[-1]
    assert [line.startswith("leadline: ") for line in lines].count(True) == 1
    assert done.stdout == ""
