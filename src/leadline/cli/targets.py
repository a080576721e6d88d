"""TARGET on the command line: where a factory of models lives, and the arguments that it is called with."""

import ast
import copy
import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from leadline.core.errors import InputError, LeadlineError, ModelError

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="package.module:factory or path/to/file.py:factory. This imports that module or file, which runs its "
        "code, and calls the factory (a class or a function that returns a module).",
    ),
]
Arguments = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=VALUE", help="Keyword argument of the factory, a Python literal; repeatable."),
]


def find_factory(target: str, arguments: list[str] | None, *, open_names: tuple[str, ...] = ()) -> Callable[..., Any]:
    """The factory that TARGET names, with its `--arg` arguments bound; `open_names` that it takes come later."""
    place, colon, path = target.rpartition(":")
    if not colon or not place or not path:
        raise InputError("TARGET", expected="module:factory or file.py:factory", got=repr(target),
                         remedy="name the factory after a colon, e.g. net.py:build")  # fmt: skip
    with _user_code(target):
        found = _module(place)
    for name in path.split("."):
        if not hasattr(found, name):
            raise InputError("TARGET", expected=f"a factory in {place}", got=f"no attribute {name!r}",
                             remedy=_offer(found))  # fmt: skip
        found = getattr(found, name)
    bound = dict(_argument(one) for one in arguments or [])
    return _user_code(target)(_bind(target, found, bound, open_names))


@contextmanager
def _user_code(target: str) -> Iterator[None]:
    """Runs a user's code: what it prints goes to stderr, what it raises becomes a message that names the target."""
    try:
        with printing_aside():
            yield
    except LeadlineError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError("TARGET", expected=f"{target} to run", got=f"{type(error).__name__}: {error}",
                         remedy="mend it, or run with --debug to see where") from error  # fmt: skip


def printing_aside() -> AbstractContextManager[Any]:
    """What a user's model prints goes to stderr, so that standard output holds the result alone."""
    return redirect_stdout(sys.stderr)


def _module(place: str) -> ModuleType:
    if place.endswith(".py") or "/" in place:
        return _file(Path(place))
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as with python -m
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise  # the module is there and imports something that is not
        raise InputError("TARGET", expected="a module that can be imported", got=f"no module named {error.name!r}",
                         remedy="check the name, or give a path that ends in .py") from error  # fmt: skip


def _file(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or specification is None or specification.loader is None:
        raise InputError("TARGET", expected="a Python file", got=f"no such file, {path}", remedy="check the path")
    sys.path.insert(0, str(path.parent.resolve()))  # its neighbours, as when Python runs the file
    module = importlib.util.module_from_spec(specification)
    sys.modules.setdefault(path.stem, module)
    specification.loader.exec_module(module)
    return module


def _offer(module: Any) -> str:
    is_own = getattr(module, "__name__", None)
    names = [name for name, one in vars(module).items()
             if callable(one) and not name.startswith("_") and getattr(one, "__module__", None) == is_own]  # fmt: skip
    return f"it has {', '.join(sorted(names))}" if names else "it defines none"


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise InputError("--arg", expected="NAME=VALUE", got=repr(text), remedy="write e.g. --arg width=64")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError) as error:
        raise InputError("--arg", expected=f"a Python literal for {name}", got=repr(value),
                         remedy=f"quote strings: --arg {name}='\"text\"'") from error  # fmt: skip


def _bind(target: str, factory: Any, bound: dict[str, Any], open_names: tuple[str, ...]) -> Callable[..., Any]:
    from torch import nn

    if isinstance(factory, nn.Module) and not bound and not open_names:
        return functools.partial(copy.deepcopy, factory)  # a factory gives a module of its own each time
    if not callable(factory):
        raise InputError("TARGET", expected=f"{target} to be a class or function", got=type(factory).__name__,
                         remedy="name a factory of models")  # fmt: skip
    try:
        signature = inspect.signature(factory)
    except ValueError:  # built-in callables have none
        return functools.partial(factory, **bound)
    later = {name: None for name in open_names if name in signature.parameters}
    try:
        signature.bind(**bound, **later)
    except TypeError as error:
        raise InputError("TARGET", expected=f"arguments that suit {target}{signature}", got=str(error),
                         remedy="pass each as --arg NAME=VALUE") from error  # fmt: skip
    return functools.partial(factory, **bound)
