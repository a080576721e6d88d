"""`leadline gain` prints the instrument's number."""

import json

import pytest

from leadline.cli.failures import BAD_INPUT
from leadline.initialization import activation_gain


def test_text_and_json(run) -> None:
    done = run("gain", "gelu")
    assert done.exit_code == 0, done.stderr
    assert "1.534" in done.stdout.splitlines()[0]
    plain = json.loads(run("gain", "tanh", "--json").stdout)
    assert plain["gain"] == pytest.approx(activation_gain("tanh").gain)
    assert plain["torch_gain"] == pytest.approx(5 / 3)


def test_an_unknown_name_is_refused(run) -> None:
    done = run("gain", "gelus")
    assert done.exit_code == BAD_INPUT
    assert "gelu," in done.stderr
