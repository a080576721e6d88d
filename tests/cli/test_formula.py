"""`leadline formula` against formulas worked out by hand."""

import json
from pathlib import Path

import pytest

from leadline.cli.failures import BAD_INPUT


def test_a_symbol_of_the_factory_and_one_of_the_input(run, nets: Path) -> None:
    done = run("formula", f"{nets}:wide", "--symbol", "width=1..5", "--symbol", "b=1..5", "--input", "bx4",
               "--quantity", "macs", "--latex")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert sorted(done.stdout.split()) == ["4", "b", "width"]  # batch x inputs x outputs


def test_json_holds_the_terms(run, nets: Path) -> None:
    done = run("formula", f"{nets}:wide", "--symbol", "width=1..5", "--input", "1x4", "--quantity", "parameters",
               "--json")  # fmt: skip
    plain = json.loads(done.stdout)
    assert [(term["coefficient"], term["exponents"]) for term in plain["pieces"][0]["terms"]] == [("5", [1])]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--symbol", "width=1..5", "--symbol", "height=1..5"), "got height; the factory takes depth, width"),
        (("--symbol", "depth=1..5"), "missing a required argument: 'width'"),
        (("--symbol", "width=5..1"), r"LOW..HIGH"),
        (("--symbol", "width=1..5", "--quantity", "happiness"), "'happiness'"),
    ],
)
def test_bad_input_is_status_2(run, nets: Path, words: tuple, message: str) -> None:
    done = run("formula", f"{nets}:wide", "--input", "1x4", *words)
    assert done.exit_code == BAD_INPUT
    assert message in done.stderr
