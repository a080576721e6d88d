"""`leadline colorize`: train and go on; colour a photograph."""

import json

import numpy as np
import pytest
import typer
from PIL import Image
from studies.small_colorization import small_images
from typer.testing import CliRunner, Result

from leadline.cli.colorize import train_or_colour
from leadline.cli.failures import BAD_INPUT, Commands


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--images", "horses"), "cifar-10: expected data_batch_1.bin"),
        (("x.jpg",), "expected a photograph and --weights FILE, got one without the other"),
        (("--weights", "w"), "expected a photograph and --weights FILE"),
        (("x.jpg", "--weights", "none.safetensors"), "expected weights that `leadline colorize` has written"),
        (("--net", "pool", "--epochs", "1", "--picture", "x.what"), "expected a name that ends like a picture's"),
    ],
)
def test_mistakes(run, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = run(*words)
    assert answer.exit_code == BAD_INPUT
    assert message in answer.stderr
    assert answer.stdout == ""
