"""The README's examples run and give what it says."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
import typer.main

from leadline.cli.main import app

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_examples() -> None:
    done = doctest.testfile(str(README), module_relative=False, encoding="utf-8",
                            optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)  # fmt: skip
    assert done.attempted > 8
    assert done.failed == 0


def test_commands_exist_with_their_options() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = [shlex.split(line, comments=True) for line in re.findall(r"^leadline .*$", README.read_text("utf-8"), re.M)]
    assert len(lines) >= 8
    for _, name, *words in lines:
        command = commands[name]
        command = getattr(command, "commands", {words[0]: command})[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
