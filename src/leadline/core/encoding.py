"""Frozen dataclasses to plain JSON values and back, directed by their type annotations.

Plain means what strict JSON holds: numbers, strings, booleans, None, lists, dictionaries with string keys.
Numbers that JSON lacks (nan, inf) travel as the strings "nan", "inf", "-inf".
"""

import dataclasses
import enum
import math
import types
import typing
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_plain(value: Any) -> Any:
    """The JSON form of a value.

    >>> to_plain({"risk": (1, float("inf")), "half": Fraction(1, 2)})
    {'risk': [1, 'inf'], 'half': '1/2'}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.ndarray) and not value.size:  # nested lists would lose its shape and type
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [to_plain(item) for item in items]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"to_plain: {type(value).__name__} has no JSON form")


def from_plain(plain: Any, annotation: Any) -> Any:
    """The value of type `annotation` that `to_plain` turned into `plain`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _from_union(plain, arguments)
    if plain is None or annotation is Any:
        return plain
    if origin in (tuple, list, set, frozenset):
        return _from_sequence(plain, origin, arguments)
    if origin is dict:
        key, item = arguments
        return {from_plain(name, key): from_plain(one, item) for name, one in plain.items()}
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        kept = [field for field in dataclasses.fields(annotation) if field.init and field.name in plain]
        values = {field.name: from_plain(plain[field.name], hints[field.name]) for field in kept}
        return typing.cast(type, annotation)(**values)
    if annotation is np.ndarray or hasattr(annotation, "array_type"):  # the second: a jaxtyping annotation
        if isinstance(plain, dict):
            return np.empty(plain["shape"], plain["dtype"])
        return np.asarray(_finite_names_to_floats(plain))
    if annotation in (int, float, str, bool, Fraction) or _is_enum(annotation):
        return annotation(plain)
    return plain


def _from_union(plain: Any, arguments: tuple[Any, ...]) -> Any:
    if plain is None:
        return None
    for candidate in arguments:
        if candidate is not type(None):
            exact = candidate in (int, float, str, bool)
            if not exact or type(plain) is candidate or (candidate is float and plain in _NON_FINITE):
                return from_plain(plain, candidate)
    return plain


def _from_sequence(plain: list, origin: type, arguments: tuple[Any, ...]) -> Any:
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return tuple(from_plain(one, kind) for one, kind in zip(plain, arguments, strict=True))
    return origin(from_plain(one, arguments[0]) for one in plain)


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, enum.Enum)


def _finite_names_to_floats(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_finite_names_to_floats(one) for one in plain]
    return _NON_FINITE.get(plain, plain) if isinstance(plain, str) else plain
