"""`leadline curves` on tables of a user."""

import json
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from leadline.cli.curves import draw_curves
from leadline.cli.failures import BAD_INPUT, Commands
from leadline.evaluation import score_curves

GENERATOR = np.random.default_rng(0)
SICK = GENERATOR.random(120) < 0.3
TABLE = pd.DataFrame(
    {
        "y": np.where(SICK, "sick", "well"),
        "p": GENERATOR.normal(size=120) + SICK,
        "<b>q</b>": GENERATOR.normal(size=120),
        "w": GENERATOR.random(120),
        "flag": SICK.astype(int),
    }
)


@pytest.fixture
def curves():
    """Calls the command alone; standard output and error apart."""
    app = typer.Typer(cls=Commands)
    app.command("curves")(draw_curves)
    app.callback()(lambda: None)
    return lambda *words, **options: CliRunner().invoke(app, ["curves", *map(str, words)], **options)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "scores.csv"
    TABLE.to_csv(path, index=False)
    return path


def test_the_table_names_areas_intervals_and_differences(curves, table):
    done = curves(table, "--label", "y", "--positive", "sick", "--score", "p", "--score", "<b>q</b>")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "2 classifiers on 120 rows; highest auroc p, aupr p, auprg p"
    assert f"{score_curves(SICK, TABLE['p']).areas.auroc:.4f} [" in lines[2]
    assert lines[4].startswith("p - <b>q</b>, AUROC: +")
    assert lines[4].endswith("(DeLong)")
    assert len(lines) == 8


def test_standard_input_and_parquet_give_what_csv_gives(curves, table, tmp_path):
    pytest.importorskip("pyarrow")
    TABLE.to_parquet(tmp_path / "scores.parquet")
    words = ("--label", "flag", "--score", "p", "--weight", "w", "--replicates", 20, "--json")
    found = [
        json.loads(curves(table, *words).stdout),
        json.loads(curves("-", *words, input=table.read_text()).stdout),
        json.loads(curves(tmp_path / "scores.parquet", *words).stdout),
    ]
    assert found[0] == found[1] == found[2]
    expected = score_curves(SICK, TABLE["p"], sample_weight=TABLE["w"]).areas
    assert found[0]["classifiers"]["p"]["areas"] == vars(expected)
    assert found[0]["replicates"] == 20
    assert found[0]["differences"] == []


def test_picture_and_page(curves, table, tmp_path):
    picture, page = tmp_path / "curves.svg", tmp_path / "curves.html"
    done = curves(table, "--label", "flag", "--score", "p", "--score", "<b>q</b>", "--replicates", 20,
                  "--picture", picture, "--html", page)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    text = page.read_text("utf-8")
    assert text.count("<svg") == 3
    assert "&lt;b&gt;q&lt;/b&gt;" in text
    assert "<b>q</b>" not in text
    assert "http" not in text.replace("http://www.w3.org", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--label", "y", "--score", "p"), "name the positive one"),
        (("--label", "y", "--score", "p", "--positive", "ill"), "expected pos_label among"),
        (("--label", "z", "--score", "p"), "expected a column 'z', got columns y, p"),
        (("--label", "flag", "--score", "y"), "expected numeric scores"),
        (("--label", "flag", "--score", "p", "--picture", "x.nothing"), "--picture: expected a known suffix"),
    ],
)
def test_bad_input_is_one_line_and_status_2(curves, table, words, message):
    done = curves(table, *words)
    assert done.exit_code == BAD_INPUT
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_a_file_that_is_no_table(curves, tmp_path):
    (tmp_path / "empty.csv").write_text("")
    assert "expected a table" in curves(tmp_path / "empty.csv", "--label", "y", "--score", "p").stderr
    missing = curves(tmp_path / "none.csv", "--label", "y", "--score", "p")
    assert missing.exit_code == BAD_INPUT
