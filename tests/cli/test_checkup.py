"""`leadline checkup`."""

import json

from typer.testing import CliRunner

from leadline.cli.main import app

NET = "from torch import nn\n\ndef build():\n    return nn.Linear(4, 3)\n"


def test_answers_and_page(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    target = [f"{tmp_path}/net.py:build", "--data", "iris"]
    ran = CliRunner().invoke(app, ["checkup", *target, "--out", str(tmp_path / "page")])
    assert ran.exit_code == 0, ran.output
    assert "15 parameters" in ran.stdout
    assert (tmp_path / "page" / "index.html").exists()


def test_json_is_all_of_standard_output(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    ran = CliRunner().invoke(app, ["checkup", f"{tmp_path}/net.py:build", "--data", "iris", "--json"])
    assert json.loads(ran.stdout)["cost"]["totals"]["weights"] == 12
