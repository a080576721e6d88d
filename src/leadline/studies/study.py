"""A study: one question, answered by running instruments, and the claims that the answer decides."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        stores: a folder for the rows of sweeps, so that an interrupted study goes on where it was; None: none is kept.
        executor: what sweeps compute with, as `leadline.sweep.sweep` takes it; None: this process.
        progress: show the progress of sweeps on standard error.
    """

    scale: str = "quick"
    data: Path | None = None
    stores: Path | None = None
    executor: Any = None
    progress: bool = False

    @contextmanager
    def store(self, name: str) -> Iterator[Path]:
        """The file for the rows of the sweep of that name; a temporary one where no folder is named."""
        if self.stores is not None:
            yield self.stores / f"{name}.db"
            return
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / f"{name}.db"


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
        prepare: makes inputs that are missing and are kept for good, such as long trainings; called before `observe`.
        inputs: settings -> SHA-256 of whatever else `observe` reads, by name; other ones make the record stale.
    """

    name: str
    title: str
    question: str
    observe: Callable[[Settings], Any]
    checks: tuple[Check, ...]
    exhibit: Callable[[Any], Exhibits] = field(default=lambda observation: Exhibits())
    data: tuple[str, ...] = ()
    prepare: Callable[[Settings], None] = field(default=lambda settings: None)
    inputs: Callable[[Settings], dict[str, str]] = field(default=lambda settings: {})
