"""A study: one question, answered by running instruments, and the claims that the answer decides."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadline.claims import Check, Figure, Table


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run may depend on, besides the code.

    Args:
        scale: "quick" (minutes on two cores) or "full".
        data: a folder that holds downloaded data sets, or None.
    """

    scale: str = "quick"
    data: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Exhibits:
    """What a study shows on the report's page beside the verdicts."""

    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """One question.

    Args:
        name: key in the ledger and anchor on the page, lower case with hyphens.
        title: heading on the page.
        question: the question in one sentence.
        observe: settings -> whatever the checks need; the costly part, run once.
        checks: decide the claims from the observation.
        exhibit: observation -> tables and figures.
        data: names of data sets that `observe` reads, for the fingerprint.
    """

    name: str
    title: str
    question: str
    observe: Callable[[Settings], Any]
    checks: tuple[Check, ...]
    exhibit: Callable[[Any], Exhibits] = field(default=lambda observation: Exhibits())
    data: tuple[str, ...] = ()
