"""`leadline colorize`: train and go on; colour a photograph."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from studies.small_colorization import small_images
from typer.testing import CliRunner, Result

from leadline.cli.colorize import train_or_colour
from leadline.cli.failures import BAD_INPUT, INTERRUPTED, Commands


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Calls the application with words; there is no CIFAR-10, and the photographs' patches are few."""
    monkeypatch.delenv("LEADLINE_DATA", raising=False)
    monkeypatch.setattr("leadline.data.files.download_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("leadline.studies.colorization_training.download_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(
        "leadline.studies.colour_images.photograph_patches", lambda: small_images("patches", training=100)
    )
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
    app.command("colorize")(train_or_colour)
    app.command("other")(lambda: None)

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, ["colorize", *map(str, words)])

    return call


def test_train_go_on_and_colour(run, tmp_path):
    first = run("--net", "unet", "--epochs", 1)
    weights = tmp_path / "cache" / "colorization" / "patches" / "unet-seed0.safetensors"
    assert first.exit_code == 0, first.stderr
    assert "validation accuracy on patches after 1 epochs: unet" in first.stdout
    assert f"weights: {weights}" in first.stdout
    assert "Training on patches of two photographs instead." in first.stderr
    again = run("--net", "unet", "--epochs", 2, "--json", "--picture", tmp_path / "curves.svg")
    assert [line.split(":")[0] for line in again.stderr.splitlines()[1:]] == ["unet, seed 0, epoch 2/2"]
    (found,) = json.loads(again.stdout)["runs"]
    assert len(found["validation_loss"]) == 2
    assert (tmp_path / "curves.svg").read_text().count("<image") == 1
    photograph = tmp_path / "mine.png"
    Image.fromarray(np.arange(9 * 14 * 3, dtype=np.uint8).reshape(9, 14, 3)).save(photograph)
    coloured = run(photograph, "--weights", weights)
    assert coloured.stdout == f"{tmp_path / 'mine-coloured.png'}: 14 x 9 pixels\n"
    with Image.open(tmp_path / "mine-coloured.png") as image:
        assert image.size == (14, 9)

    plain = json.loads(run(photograph, "--weights", weights, "--json").stdout)
    assert plain == {"picture": str(tmp_path / "mine-coloured.png"), "width": 14, "height": 9}


def test_what_is_named_twice_is_trained_once(run):
    answer = run("--net", "pool", "--net", "pool", "--seed", 1, "--seed", 1, "--epochs", 1, "--json")
    assert [(one["net"], one["seed"]) for one in json.loads(answer.stdout)["runs"]] == [("pool", 1)]
    assert len(answer.stderr.splitlines()) == 2  # where the images come from, and one epoch


PROGRAM = """
import torch
torch.set_num_threads(1)
from studies.small_colorization import small_images
from leadline.studies import colour_images
colour_images.photograph_patches = lambda: small_images("patches", training=100)
from leadline.cli.main import app
app()
"""


def test_an_interrupted_training_goes_on_to_the_numbers_of_an_unbroken_one(run, tmp_path):
    words = ["colorize", "--images", "photographs", "--net", "unet", "--epochs", "40", "--json", "--runs"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", PROGRAM, *words, str(tmp_path / "broken")]
    with subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        assert next(line for line in process.stderr if "epoch 3/40" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED
        assert process.stdout.read() == ""
        assert "leadline: interrupted" in process.stderr.read()
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    begun = int(again.stderr.split("epoch ")[1].split("/")[0])
    assert 3 < begun <= 40
    unbroken = run(*words[1:], tmp_path / "unbroken")
    (one,), (other,) = (json.loads(answer.stdout)["runs"] for answer in (again, unbroken))
    for kind in ("training_loss", "validation_loss", "validation_accuracy"):
        assert one[kind] == other[kind] and len(one[kind]) == 40


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--images", "horses"), "cifar-10: expected data_batch_1.bin"),
        (("x.jpg",), "expected a photograph and --weights FILE, got one without the other"),
        (("--weights", "w"), "expected a photograph and --weights FILE"),
        (("x.jpg", "--weights", "none.safetensors"), "expected weights that `leadline colorize` has written"),
        (("--picture", "x.what"), "expected a name that ends like a picture's, in a folder that is there, got x.what"),
        (("--picture", "nowhere/x.svg"), "in a folder that is there, got nowhere/x.svg"),
        ((".", "--weights", "w"), "is a directory"),
        (
            ("x.jpg", "--weights", "w", "--epochs", "3"),
            "only --weights, --to and --json with a photograph, got --epochs; leave",
        ),
        (("x.jpg", "--weights", "w", "--net", "pool", "--runs", "r"), "with a photograph, got --net, --runs; leave"),
    ],
)
def test_mistakes(run, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run(*words)
    assert answer.exit_code == BAD_INPUT
    assert message in answer.stderr
    assert answer.stdout == ""
    assert "epoch" not in answer.stderr.replace("--epochs", "")  # nothing was trained before
