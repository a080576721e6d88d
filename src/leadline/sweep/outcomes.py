"""What became of one job, in the form in which it travels and is stored: JSON text, and bytes for arrays."""

import io
import json
import math
import traceback
import zipfile
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from leadline.core import DivergedError, to_plain

OUTCOMES = ("done", "failed", "diverged")
_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_ESCAPE = "~"  # before texts that would be taken for such numbers, or for texts escaped so
_LONGEST = 4000  # characters of a traceback that are kept


class Outcome(NamedTuple):
    """One member's row, as far as the worker knows it."""

    outcome: str
    value: str = "{}"  # JSON object
    arrays: bytes | None = None  # npz
    error: str | None = None
    traceback: str | None = None
    seconds: float = 0.0


def outcome_of(returned: Any, seconds: float = 0.0) -> Outcome:
    """What a job returned, encoded; an exception counts as raised.

    >>> outcome_of({"loss": 0.5, "diverged": False}).value
    '{"loss":0.5,"diverged":false}'
    >>> outcome_of(float("nan")).value, outcome_of({"diverged": True}).outcome
    ('{"value":"nan"}', 'diverged')
    """
    if isinstance(returned, BaseException):
        return failure_of(returned, seconds)
    if not isinstance(returned, Mapping):
        returned = {} if returned is None else {"value": returned}
    arrays = {str(name): value for name, value in returned.items() if isinstance(value, np.ndarray)}
    plain = {str(name): value for name, value in returned.items() if not isinstance(value, np.ndarray)}
    text = _encode(to_plain(_with_escapes(plain)))
    is_diverged = plain.get("diverged") is True or bool(np.bool_(plain.get("diverged") or False))
    return Outcome("diverged" if is_diverged else "done", text, pack(arrays) if arrays else None, seconds=seconds)


def failure_of(error: BaseException, seconds: float = 0.0) -> Outcome:
    """An exception as an outcome: diverged where it says so, failed otherwise.

    >>> failure_of(ValueError("no such width")).error
    'ValueError: no such width'
    """
    kind = "diverged" if isinstance(error, DivergedError) else "failed"
    frames = traceback.format_exception(error)
    lines = traceback.format_exception_only(error)
    return Outcome(kind, error="".join(lines).strip(), traceback="".join(frames)[-_LONGEST:], seconds=seconds)


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as the bytes of an .npz file; the same arrays give the same bytes, and no pickle can hide in them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue())
    return buffer.getvalue()


def unpack(data: bytes | None) -> dict[str, np.ndarray]:
    """The arrays that `pack` packed.

    >>> unpack(pack({"weights": np.eye(2)}))["weights"].shape
    (2, 2)
    """
    if data is None:
        return {}
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def decode(text: str) -> Any:
    """Plain values from their JSON text; numbers that JSON lacks come back from their names.

    >>> decode('{"loss": "inf", "path": [1, "nan"], "model": "~nan"}')
    {'loss': inf, 'path': [1, nan], 'model': 'nan'}
    """
    return _with_numbers(json.loads(text))


def _with_numbers(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {name: _with_numbers(one) for name, one in plain.items()}
    if isinstance(plain, list):
        return [_with_numbers(one) for one in plain]
    if not isinstance(plain, str):
        return plain
    return plain[1:] if plain[0:1] == _ESCAPE and _needs_escape(plain) else _NON_FINITE.get(plain, plain)


def _with_escapes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_escapes(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_escapes(one) for one in value]
    return _ESCAPE + value if isinstance(value, str) and _needs_escape(value) else value


def _needs_escape(text: str) -> bool:
    return text.lstrip(_ESCAPE) in _NON_FINITE


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
