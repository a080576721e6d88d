"""The errors that Leadline raises on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


class LeadlineError(Exception):
    """Something the caller can mend.

    The message always has four parts: the operation, what it expected, what came, and what to do.

    >>> raise InputError("activation_gain", expected="a scalar function", got="None", remedy="pass e.g. torch.tanh")
    Traceback (most recent call last):
    ...
    leadline.core.errors.InputError: activation_gain: expected a scalar function, got None; pass e.g. torch.tanh.
    """

    def __init__(self, operation: str, *, expected: str, got: str, remedy: str) -> None:
        self.operation, self.expected, self.got, self.remedy = operation, expected, got, remedy
        super().__init__(f"{operation}: expected {expected}, got {got}; {remedy}.")

    def __reduce__(self) -> tuple:  # keyword-only arguments do not survive the default pickling (process pools)
        return _rebuild, (type(self), self.operation, self.expected, self.got, self.remedy)


def _rebuild(kind: type[LeadlineError], operation: str, expected: str, got: str, remedy: str) -> LeadlineError:
    return kind(operation, expected=expected, got=got, remedy=remedy)


class InputError(LeadlineError):
    """An argument has the wrong type, shape or value."""


class ModelError(LeadlineError):
    """The caller's model raised while an instrument ran it."""


class MissingDataError(LeadlineError):
    """A data set is needed that is not on this machine."""


class NotPolynomialError(LeadlineError):
    """A count is not a polynomial of the named hyper-parameters."""


class UncountedError(LeadlineError):
    """A strict profile met operators that it has no rule for."""


class DivergedError(LeadlineError):
    """A computation left the finite numbers where no partial result makes sense."""


def refuse(operation: str, expected: str, got: Any, remedy: str) -> NoReturn:
    """Raise an `InputError`; `functools.partial` gives it the name of an operation that refuses in many places."""
    raise InputError(operation, expected=expected, got=str(got), remedy=remedy)


@contextmanager
def caller_errors(operation: str, *, expected: str, remedy: str) -> Iterator[None]:
    """Turn whatever a caller's model or function raises in the body into a `ModelError` of the operation."""
    try:
        yield
    except LeadlineError:
        raise
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
        raise ModelError(operation, expected=expected, got=got, remedy=remedy) from error
