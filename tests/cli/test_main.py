"""The application starts fast and ends readably."""

import subprocess
import sys

import pytest

SLOW_TO_IMPORT = "{'torch', 'matplotlib', 'pandas', 'sympy', 'sklearn', 'scipy'}"


@pytest.mark.parametrize(
    "code",
    [
        "import leadline.cli.main",
        "import leadline.report, leadline.claims; leadline.report.write_page; leadline.claims.statements()",
        "import typer.testing, leadline.cli.main as m; "
        "assert typer.testing.CliRunner().invoke(m.app, ['--help']).exit_code == 0",
    ],
)
def test_nothing_slow_is_imported_before_a_command_runs(code: str) -> None:
    check = f"{code}; import sys; found = {SLOW_TO_IMPORT} & set(sys.modules); assert not found, found"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_names_every_command(run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for command in ("report", "claims", "profile", "formula", "receptive-field", "convolution"):
        assert command in shown.output


@pytest.mark.parametrize("command", ["profile", "formula", "receptive-field"])
def test_help_says_that_the_target_is_run(run, command: str) -> None:
    text = " ".join(run(command, "--help").output.replace("│", " ").split())
    assert "This imports that module or file, which runs its code" in text


def test_an_unknown_option_is_a_message_and_status_2(run) -> None:
    done = run("report", "--nonsense")
    assert done.exit_code == 2
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_version(run) -> None:
    assert run("--version").stdout.startswith("leadline ")
