"""Names and keys: the same content has one key, any other content another."""

import functools
import sys

import errands
import numpy as np
import pytest

from leadline.core import InputError
from leadline.sweep.jobs import key_of, name_of, texts_of


def _content(arguments) -> str:
    return texts_of(arguments)[1]


def test_order_and_kind_of_number_leave_the_key_alone():
    assert _content({"b": np.int64(2), "a": np.float64(0.1)}) == _content({"a": 0.1, "b": 2})
    assert _content({"a": (1, 2)}) == _content({"a": [1, 2]}) == _content({"a": np.array([1, 2])})


def test_anything_else_changes_it():
    keys = {
        key_of(name, version, text)
        for name in ("f", "g")
        for version in ("", "1")
        for text in map(_content, ({"a": 1}, {"a": 1.0}, {"a": "1"}, {"a": True}, {"a": None}, {"b": 1}, {}))
    }
    assert len(keys) == 2 * 2 * 7


def test_the_key_is_the_same_in_every_release():
    assert key_of("package.module.function", "1", _content({"lr": 0.1})).hex() == "3ad31928be1c3d4e5b29cf1e339f93b9"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_arguments_that_are_not_plain(bad):
    with pytest.raises(InputError, match=r"expected arguments that JSON can hold.*'a'"):
        texts_of({"a": bad})


@pytest.mark.parametrize(
    "function", [lambda x: x, functools.partial(errands.square, 1), "no.such.module.f", "math.nothing", "math.pi"]
)
def test_functions_without_a_name_that_finds_them(function):
    with pytest.raises(InputError, match="expected a function that can be imported by its name"):
        name_of(function)


def test_a_function_of_the_program_itself_goes_by_its_file(monkeypatch):
    main = type(sys)("__main__")
    main.__file__ = "/anywhere/errands.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(errands.square, "__module__", "__main__")
    assert name_of(errands.square) == "errands.square"
