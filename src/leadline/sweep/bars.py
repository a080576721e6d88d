"""The progress bar of a sweep, on standard error: what is left to compute, and for how long."""

import time
from types import TracebackType

_REFRESH_S = 0.1


class Bar:
    """Counts rows that are computed now; rows found in the store shorten the way instead, so the time left is true."""

    def __init__(self, total: int | None, *, shown: bool) -> None:
        self._total, self._finished, self._faults, self._drawn = total, 0, 0, 0.0
        self._progress = None
        if shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(stderr=True)
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._progress = Progress(
                *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
            )
            self._task = self._progress.add_task("sweep", total=total)

    def found(self, rows: int) -> None:
        """So many rows were there already."""
        if self._total is not None:
            self._total -= rows

    def finished(self, rows: int, faults: int) -> None:
        """So many rows were computed, so many of them failed or diverged."""
        self._finished += rows
        self._faults += faults
        if self._progress is not None and time.monotonic() - self._drawn > _REFRESH_S:
            title = f"sweep ({self._faults} failed or diverged)" if self._faults else "sweep"
            self._progress.update(self._task, completed=self._finished, total=self._total, description=title)
            self._progress.refresh()
            self._drawn = time.monotonic()

    def __enter__(self) -> "Bar":
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
