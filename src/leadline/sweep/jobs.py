"""A job: a function that can be imported by its name, and plain arguments. Its key is the hash of its content."""

import functools
import hashlib
import json
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadline.core import InputError


@dataclass(frozen=True)
class Travel:
    """How the jobs of a function that takes batches travel; the fields are those of `takes_batch`."""

    alike: tuple[str, ...]
    most: int | None


@dataclass(frozen=True)
class Job:
    """One setting. Jobs of one `group` travel together: one chunk, one worker, one transaction.

    A function marked by `takes_batch(alike=...)` groups its jobs itself. Groups are gathered among jobs that are
    listed within a few thousand of each other.

    >>> Job({"width": 8, "lr": 0.1}, group="width 8").group
    'width 8'
    """

    arguments: Mapping[str, Any]
    group: str | None = None


def takes_batch(
    function: Callable[..., Any] | None = None, *, alike: Sequence[str] = (), most: int | None = None
) -> Callable[..., Any]:
    """Mark a function that is called once per chunk, with a list of argument dictionaries.

    It returns one result per dictionary, in order; an exception in the place of a result speaks of that member alone.

    Args:
        function: what is marked; left out where options are given: `@takes_batch(alike=("width",))`.
        alike: arguments that all members of a chunk share. Jobs that agree in them travel together, where a `Job` has
            no group of its own; without, only a `Job`'s group makes jobs travel together.
        most: members of a chunk; None: as many as there are.

    >>> @takes_batch
    ... def doubled(members): return [{"y": 2 * one["x"]} for one in members]
    >>> doubled([{"x": 1}, {"x": 2}])
    [{'y': 2}, {'y': 4}]
    """
    if function is None:
        return functools.partial(takes_batch, alike=alike, most=most)
    function.travels = Travel(tuple(alike), most)  # type: ignore[attr-defined]
    return function


def travel_of(function: Callable[..., Any]) -> Travel | None:
    """How the jobs of a function travel; None: each by itself."""
    return getattr(function, "travels", None)


def name_of(function: str | Callable[..., Any]) -> str:
    """The dotted name under which every process can import a function.

    >>> name_of(json.dumps), name_of("json:dumps")
    ('json.dumps', 'json.dumps')
    """
    if isinstance(function, str):
        name = function.replace(":", ".")
    else:
        name = f"{_module_of(function)}.{getattr(function, '__qualname__', '<no name>')}"
    if "<" in name:
        raise InputError("sweep", expected="a function that can be imported by its name", got=name,
                         remedy="define it with def at the top of a module")  # fmt: skip
    function_of(name)
    return name


@functools.cache
def function_of(name: str) -> Callable[..., Any]:
    """The function that a dotted name names."""
    try:
        found = pkgutil.resolve_name(name)
        if not callable(found):
            raise ValueError(f"a {type(found).__name__}")
        return found
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError("sweep", expected="a function that can be imported by its name", got=f"{name} ({error})",
                         remedy="name it as package.module.function; it must lie in a file") from error  # fmt: skip


def texts_of(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Arguments as JSON: in their own order, as they are stored and read back for the call, and sorted, for the key.

    >>> texts_of({"width": 8, "lr": 0.1, "layers": (1, 2)})
    ('{"width":8,"lr":0.1,"layers":[1,2]}', '{"layers":[1,2],"lr":0.1,"width":8}')
    """
    try:
        return _encode(arguments), _encode_sorted(arguments)
    except (TypeError, ValueError) as error:
        raise InputError(
            "sweep",
            expected="arguments that JSON can hold: finite numbers, text, lists, dictionaries",
            got=f"{dict(arguments)!r:.200} ({error})",
            remedy="pass names or numbers",
        ) from error


def key_of(name: str, version: str, arguments: str) -> bytes:
    """The key of a job: 16 bytes that differ where the function, the version or an argument differs.

    >>> key_of("f", "", "{}") == key_of("f", "", "{}"), key_of("f", "", "{}") == key_of("f", "2", "{}")
    (True, False)
    """
    return hashlib.blake2b(f"{name}\0{version}\0{arguments}".encode(), digest_size=16).digest()


def group_of(travel: Travel | None, arguments: Mapping[str, Any]) -> str | None:
    """What the members of a chunk have in common, by the function's own word; None: nothing.

    >>> group_of(Travel(("width",), None), {"width": 8, "lr": 0.1})
    '{"width":8}'
    """
    if travel is None or not travel.alike:
        return None
    return texts_of({name: arguments[name] for name in travel.alike if name in arguments})[0]


def _module_of(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None) or "<no module>"
    if module != "__main__":
        return module
    # The program itself: its rows belong to the file, under the name by which workers can import it.
    main = sys.modules["__main__"]
    if (specification := getattr(main, "__spec__", None)) is not None:
        return specification.name.removesuffix(".__main__")
    return Path(getattr(main, "__file__", None) or "<no file>").stem


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numbers and arrays of NumPy
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain")


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain).encode
_encode_sorted = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain, sort_keys=True).encode
