"""How commands end when the system says no, or the user does."""

import errno
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from leadline.cli.failures import BAD_INPUT, INTERRUPTED, Commands


def ending(error: BaseException):
    """What a command that raises leaves behind."""

    def raises() -> None:
        raise error

    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
    app.command("raises")(raises)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["raises"])


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EISDIR, errno.EROFS])
def test_what_the_system_refuses_is_one_line(code):
    done = ending(OSError(code, os.strerror(code), "place"))
    assert done.exit_code == BAD_INPUT
    assert done.stderr == f"leadline: [Errno {code}] {os.strerror(code)}: 'place'\n"


def test_a_reader_who_has_seen_enough_is_no_error():
    done = ending(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert (done.exit_code, done.stderr) == (1, "")


def test_ctrl_c_says_what_is_kept():
    done = ending(KeyboardInterrupt())
    assert done.exit_code == INTERRUPTED
    assert done.stderr == "leadline: interrupted; what is finished is kept, the same command goes on from there\n"


def test_nothing_slow_is_loaded_before_ctrl_c_is_caught():
    code = "import sys, leadline.cli.main; print([name for name in ('numpy', 'torch', 'rich') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
