"""A progress bar with the time that is left, on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REFRESH_S = 0.1


@contextmanager
def progress_bar(title: str, steps: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Lend a function that is told how many steps were just done; drawing costs nothing between refreshes."""
    if not shown:
        yield lambda done: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task, waiting, last = progress.add_task(title, total=steps), 0, 0.0

        def advance(done: int) -> None:
            nonlocal waiting, last
            waiting += done
            now = time.monotonic()
            if now - last > _REFRESH_S:
                progress.update(task, advance=waiting, refresh=True)
                waiting, last = 0, now

        yield advance
        progress.update(task, advance=waiting, refresh=True)
