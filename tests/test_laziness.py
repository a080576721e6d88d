"""`import leadline` and `leadline --help` load neither torch nor anything else that takes seconds."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "sklearn", "scipy", "matplotlib", "pandas", "sympy")


@pytest.mark.parametrize(
    "code",
    [
        "import leadline; leadline.__version__; dir(leadline)",
        "import leadline.core, leadline.claims, leadline.architecture",
        "from leadline.cli.main import main\nsys.argv = ['leadline', '--help']\ntry: main()\nexcept SystemExit: pass\n",
    ],
)
def test_nothing_heavy_is_loaded(code):
    code = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.strip().splitlines()[-1] == "[]", run.stderr


def test_no_exported_name_hides_a_folder():
    import pkgutil

    import leadline

    folders = {module.name for module in pkgutil.iter_modules(leadline.__path__)}
    assert not folders & set(leadline.__all__)
