"""`leadline data`: list, fetch, verify."""

import hashlib
import json

import pytest
import typer
from data.loopback import serving
from typer.testing import CliRunner, Result

from leadline.cli.data import data_sets
from leadline.cli.failures import BAD_INPUT, Commands
from leadline.data import DATA_SETS, DataSet
from leadline.data.official_files import OfficialFile


@pytest.fixture
def run(tmp_path):
    """Calls the application with words; the folder of data sets is empty at first."""
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
    app.add_typer(data_sets, name="data")
    app.command("other")(lambda: None)

    def call(*words: str) -> Result:
        return CliRunner().invoke(app, ["data", *words, "--data", str(tmp_path / "sets")])

    return call


def test_list(run, tmp_path):
    (tmp_path / "sets" / "mnist").mkdir(parents=True)
    (tmp_path / "sets" / "mnist" / "train-labels-idx1-ubyte.gz").touch()
    (tmp_path / "sets" / "diabetes.arff").touch()
    plain = json.loads(run("list", "--json").stdout)
    here = {one["name"]: one["here"] for one in plain["sets"]}
    assert (here["openml-diabetes"], here["cifar-10"], here["iris"]) == ("here", "no", "embedded")
    assert here["mnist"].startswith("without train-images-idx3-ubyte.gz, ")
    (tmp_path / "sets" / "cifar-10-binary.tar.gz").touch()
    (packed,) = (one for one in json.loads(run("list", "--json").stdout)["sets"] if one["name"] == "cifar-10")
    assert packed["here"] == "here"
    shown = run("list").stdout
    assert all(name in shown for name in here)
    assert f"folder: {tmp_path / 'sets'}" in shown


def test_fetch_then_verify(run, tmp_path, monkeypatch):
    content = b"content" * 1000
    with serving({"x": content}, breaks=1) as server:
        monkeypatch.setattr("leadline.data.downloads._PAUSE_S", 0.0)
        file = OfficialFile(name="x", sha256=hashlib.sha256(content).hexdigest(), address=f"{server.address}x")
        monkeypatch.setitem(DATA_SETS, "x", DataSet(name="x", title="x", folder="place", files=(file,)))
        missing = run("verify", "x")
        assert (missing.exit_code, "`leadline data fetch x`" in missing.stderr) == (1, True)
        fetched = run("fetch", "x")
    path = tmp_path / "sets" / "place" / "x"
    assert (fetched.exit_code, fetched.stdout) == (0, f"{path}\n"), fetched.stderr
    assert "x" in fetched.stderr  # the progress bar
    (found,) = json.loads(run("verify", "x", "--json").stdout)
    assert (found["standing"], found["path"]) == ("official", str(path))
    path.write_bytes(b"changed")
    again = run("verify", "x")
    assert (again.exit_code, "differs" in again.stdout, again.stderr) == (1, True, "")


def test_mistakes(run):
    answer = run("fetch", "imagenet")
    assert answer.exit_code == BAD_INPUT
    assert "expected one of openml-diabetes, " in answer.stderr
    assert answer.stdout == ""
