"""The sweep: a function, many settings, and a store that keeps each result for good."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from leadline.core import InputError, Result
from leadline.sweep.bars import Bar
from leadline.sweep.executors import DaskExecutor, InProcess
from leadline.sweep.interruption import SweepInterrupted
from leadline.sweep.jobs import Job, name_of
from leadline.sweep.reading import Row, rows_with_ids
from leadline.sweep.runner import Runner
from leadline.sweep.stores import Store

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SweepResult(Result):
    """A finished sweep. The rows stay in the store; the result knows which are its own, and in which order.

    Attributes:
        function: its dotted name.
        version: of the function, as given.
        store: path of the file.
        ids: the row of each job, in the order of the jobs.
        done: how many rows hold a result.
        failed: how many jobs raised, or killed their worker.
        diverged: how many jobs say that they diverged.
        computed: how many rows this run added; the others were there.
        seconds: wall-clock time of this run.
    """

    function: str
    version: str
    store: str
    ids: Int[np.ndarray, " members"]
    done: int
    failed: int
    diverged: int
    computed: int
    seconds: float

    def rows(self) -> Iterator[Row]:
        """Every job's row, in the order of the jobs, read one by one.

        Raises:
            StoreError: the store is gone.
        """
        return rows_with_ids(self.store, self.ids)

    def headline(self) -> str:
        faults = [f"{count} {name}" for name, count in (("failed", self.failed), ("diverged", self.diverged)) if count]
        return (f"{self.function}: {', '.join([f'{self.done} of {len(self.ids)} done', *faults])}; "
                f"{self.computed} computed now in {self.seconds:.2g} s; store {self.store}")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        from leadline.sweep.tables import frame_of

        return frame_of(self.rows())

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """The first number that the jobs returned, over the first argument that was varied."""
        from leadline.sweep.pictures import draw_sweep

        draw_sweep(list(self.rows()), ax)


def sweep(
    function: str | Callable[..., Any],
    grid_or_jobs: Iterable[Mapping[str, Any] | Job],
    *,
    store: str | Path,
    executor: Any = None,
    version: str = "",
    retry_failed: bool = False,
    progress: bool = False,
) -> SweepResult:
    """Compute a function for every setting, each once in the lifetime of a store.

    A row is kept as soon as it is finished. Kill the sweep at any moment and call it again: what is there is not
    computed again. A job that raises is a row that says so, and so is one that diverges: it raises `DivergedError` or
    returns a mapping whose `diverged` is true. A worker that dies takes nothing with it; its jobs are tried again, and
    a job that was there at three deaths is a row that says so.

    Args:
        function: its dotted name, or the function itself if that name finds it. It takes the arguments by keyword, or,
            marked by `takes_batch`, a list of argument dictionaries. It returns a mapping (or one value): NumPy arrays
            at its top level are kept as arrays, everything else as JSON.
        grid_or_jobs: dictionaries of plain arguments (`grid(...)` makes them), or `Job`s; may be a generator.
        store: the SQLite file; made where there is none. One sweep at a time writes it, anyone may read it.
        executor: anything with `submit`: a `ProcessPool`, a Dask `Client` or its executor; None: this process.
        retry_failed: compute the jobs anew whose rows say that they raised or killed their worker, once each; for when
            the reason was outside (memory, a missing file). Rows that diverged are results and stay.
        version: change it when the function's meaning changes; then every row is computed anew.
        progress: show a progress bar on standard error.

    Returns:
        The counts, and the rows in the order of the jobs.

    Raises:
        InputError: no jobs, jobs that are no dictionaries, arguments that are not plain, a version that is no text, a
            function that cannot be imported, a broken executor.
        StoreError: the store cannot be written (disk full, folder read-only, another sweep is writing).
        SweepInterrupted: Ctrl-C; a `KeyboardInterrupt` that says how to go on.

    >>> import tempfile
    >>> from leadline.sweep import grid
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = sweep("calendar.isleap", grid(year=(1900, 2000, "?")), store=f"{folder}/runs.db")
    ...     result.done, result.failed, [row.value.get("value") for row in result.rows()]
    (2, 1, [False, True, None])
    """
    name = name_of(function)
    if not isinstance(version, str):
        raise InputError("sweep", expected="a text as version", got=repr(version), remedy='pass e.g. "2", or leave it')
    lent = _executor(executor)
    total = len(grid_or_jobs) if isinstance(grid_or_jobs, Sized) else None
    began = time.perf_counter()
    with Store(store) as writer, Bar(total, shown=progress) as bar:
        runner = Runner(name, version, writer, lent, bar, retry_failed)
        try:
            runner.run(grid_or_jobs)
        except KeyboardInterrupt as interrupt:
            raise SweepInterrupted(str(store), finished=runner.computed) from interrupt
    if not runner.ids:
        raise InputError("sweep", expected="at least one job", got="none", remedy="pass grid(...) or a list of Job")
    return SweepResult(
        function=name,
        version=version,
        store=str(store),
        ids=np.array(runner.ids, dtype=np.int64),
        done=runner.tally["done"],
        failed=runner.tally["failed"],
        diverged=runner.tally["diverged"],
        computed=runner.computed,
        seconds=time.perf_counter() - began,
        caveats=_caveats(runner),
    )


def _executor(given: Any) -> Any:
    if given is None:
        return InProcess()
    if hasattr(given, "get_executor"):  # a Dask Client, whose own futures are of another kind
        return DaskExecutor(given)
    if hasattr(given, "_client"):  # its executor
        return DaskExecutor(given._client)
    if not callable(getattr(given, "submit", None)):
        raise InputError("sweep", expected="an executor: something with submit", got=type(given).__name__,
                         remedy="pass ProcessPool(4), a Dask Client, or None")  # fmt: skip
    return given


def _caveats(runner: Runner) -> tuple[str, ...]:
    deeds = {
        "failed": "raised or killed their worker: see the column error",
        "diverged": "diverged: see the column outcome",
    }
    return tuple(f"{runner.tally[kind]} of {len(runner.ids)} jobs {deed}"
                 for kind, deed in deeds.items() if runner.tally[kind])  # fmt: skip
