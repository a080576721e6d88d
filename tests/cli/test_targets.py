"""Factories are found, and whatever is wrong with them is said in one line."""

from pathlib import Path

import pytest

from leadline.cli.targets import find_factory
from leadline.core import InputError, ModelError


def test_a_factory_in_a_file_gets_its_arguments(nets: Path) -> None:
    assert find_factory(f"{nets}:wide", ["width=5"])().out_features == 5


def test_a_factory_in_a_package_is_found() -> None:
    assert find_factory("torch.nn:Linear", ["in_features=2", "out_features=3"])().weight.shape == (3, 2)


def test_a_module_of_the_working_directory_is_found(nets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(nets.parent)
    monkeypatch.setattr("sys.path", [one for one in __import__("sys").path if one])
    assert find_factory(f"{nets.stem}:small", None)().__class__.__name__ == "Sequential"


def test_what_the_file_prints_goes_to_stderr(nets: Path, capsys: pytest.CaptureFixture) -> None:
    find_factory(f"{nets}:small", None)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "the file prints\n")


def test_a_module_that_is_named_is_copied_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a_trained_net.py"
    path.write_text("import torch\nnet = torch.nn.Linear(2, 1)\ntorch.nn.init.constant_(net.weight, 7.0)\n")
    factory = find_factory(f"{path}:net", None)
    one, other = factory(), factory()
    one.weight.data.zero_()
    assert other.weight.tolist() == factory().weight.tolist() == [[7.0, 7.0]]


def test_a_factory_that_raises_is_a_model_error_that_names_it(nets: Path) -> None:
    with pytest.raises(ModelError, match=r"TARGET: expected .*:broken to run, got ValueError: the factory breaks"):
        find_factory(f"{nets}:broken", None)()


@pytest.mark.parametrize(
    ("target", "arguments", "error", "message"),
    [
        ("{nets}", [], InputError, "name the factory after a colon"),
        ("{nets}:smal", [], InputError, "no attribute 'smal'; it has Prints, Raises, broken, small, wide"),
        ("{nets}:number", [], InputError, "to be a class or function, got int"),
        ("{nets}:wide", [], InputError, "missing a required argument: 'width'"),
        ("{nets}:wide", ["width=3", "height=3"], InputError, "unexpected keyword argument 'height'"),
        ("{nets}:wide", ["width"], InputError, "NAME=VALUE"),
        ("{nets}:wide", ["width=three"], InputError, "Python literal for width"),
        ("nowhere/net.py:build", [], InputError, "no such file"),
        ("no_such_module_anywhere:build", [], InputError, "no module named 'no_such_module_anywhere'"),
        ("torch.no_such_part:build", [], InputError, "no module named 'torch.no_such_part'"),
    ],
)
def test_a_bad_target_is_refused(nets: Path, target: str, arguments: list, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        find_factory(target.format(nets=nets), arguments)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_dependency", "ModuleNotFoundError: No module named 'no_such_dependency'"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
    ],
)
def test_a_file_that_does_not_run_is_a_model_error(tmp_path: Path, code: str, message: str) -> None:
    path = tmp_path / "file_that_fails.py"
    path.write_text(code)
    with pytest.raises(ModelError, match=message):
        find_factory(f"{path}:f", None)
