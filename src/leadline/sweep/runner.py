"""The runner: keeps an executor busy with chunks and puts what comes back into the store, chunk by chunk.

At any time it holds a window of jobs and a few chunks per worker, however many jobs there are; of every job it keeps
eight bytes, the number of its row.
"""

import itertools
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, field
from typing import Any

from leadline.core import InputError, LeadlineError
from leadline.sweep.bars import Bar
from leadline.sweep.chunks import compute
from leadline.sweep.executors import InProcess, ProcessPool, kill_workers
from leadline.sweep.jobs import Job, function_of, group_of, key_of, texts_of, travel_of
from leadline.sweep.outcomes import Outcome
from leadline.sweep.stores import Store

WINDOW = 4096  # jobs listed ahead, among which groups are gathered
BUDGET_S = 0.005  # small jobs are sent, and their rows committed, so many seconds' worth at a time
PARCEL = 1024  # and never more of them
DEATHS = 3  # a chunk that was on a dying worker so many times is not tried again
_PER_WORKER = 2  # chunks in flight: one that runs, one that waits


@dataclass
class Member:
    """A job on its way."""

    key: bytes
    text: str
    positions: list[int]  # the same job may be listed more than once
    replaces: int | None = None  # its row that failed, where failures are tried again


@dataclass
class Chunk:
    """Members that travel together, and how often a worker died with them."""

    members: list[Member]
    deaths: int = 0


@dataclass
class Runner:
    """One run of a sweep over one executor."""

    function: str
    version: str
    store: Store
    executor: Any
    bar: Bar
    retry_failed: bool = False
    ids: array = field(default_factory=lambda: array("q"))  # row of the job at each position
    tally: Counter[str] = field(default_factory=Counter)  # outcomes over all positions
    computed: int = 0
    _open: dict[bytes, Member] = field(default_factory=dict)
    _flying: dict[Future, list[Chunk]] = field(default_factory=dict)
    _waiting: deque[Chunk] = field(default_factory=deque)
    _lost: deque[Chunk] = field(default_factory=deque)
    _size: int = 1  # chunks per parcel, as many as fit the budget
    _alone: bool = False  # a chunk is in flight that may be what kills the workers

    def __post_init__(self) -> None:
        self._travel = travel_of(function_of(self.function))
        self._first = self.store.next_id  # rows from here on are this run's own

    def run(self, jobs: Iterable[Mapping[str, Any] | Job]) -> None:
        """Compute every job whose row is missing; on return `ids` is complete."""
        chunks = self._chunks(jobs)
        try:
            while True:
                self._send(chunks)
                if not self._flying:
                    return
                for future in wait(self._flying, return_when=FIRST_COMPLETED).done:
                    self._receive(future)
        except BaseException as error:
            self._abandon(error)
            raise

    def _chunks(self, jobs: Iterable[Mapping[str, Any] | Job]) -> Iterator[Chunk]:
        listed = iter(jobs)
        while window := list(itertools.islice(listed, WINDOW)):
            groups: dict[Any, list[Member]] = {}
            for job in window:
                group, arguments = (job.group, job.arguments) if isinstance(job, Job) else (None, job)
                member = self._listed(arguments)
                if member is not None:
                    group = group_of(self._travel, arguments) if group is None else group
                    groups.setdefault(len(groups) if group is None else group, []).append(member)
            for members in groups.values():
                yield from map(Chunk, self._cut(members))

    def _cut(self, members: list[Member]) -> list[list[Member]]:
        most = (self._travel and self._travel.most) or len(members)
        return [members[start : start + most] for start in range(0, len(members), most)]

    def _listed(self, arguments: Any) -> Member | None:
        if not isinstance(arguments, Mapping):
            raise InputError("sweep", expected="jobs that are dictionaries of arguments, or Jobs of such",
                             got=f"a job that is {arguments!r:.100}",
                             remedy="pass grid(...), or a list with one dictionary per job")  # fmt: skip
        text, content = texts_of(arguments)
        key, position = key_of(self.function, self.version, content), len(self.ids)
        if (known := self._open.get(key)) is not None:
            known.positions.append(position)
            self.ids.append(0)
            self.bar.found(1)
            return None
        row = self.store.find(key)
        again = row is not None and self.retry_failed and row[1] == "failed" and row[0] < self._first
        if row is not None and not again:
            self.ids.append(row[0])
            self.tally[row[1]] += 1
            self.bar.found(1)
            return None
        self.ids.append(0)
        self._open[key] = member = Member(key, text, [position], row[0] if row is not None else None)
        return member

    def _send(self, chunks: Iterator[Chunk]) -> None:
        capacity = _capacity(self.executor)
        while len(self._flying) < capacity and (parcel := self._parcel(chunks)):
            texts = [[member.text for member in chunk.members] for chunk in parcel]
            try:
                future = self.executor.submit(compute, self.function, texts, BUDGET_S)
            except BrokenExecutor as error:
                raise InputError("sweep", expected="an executor that works", got=f"a broken one ({error})",
                                 remedy="pass a leadline.sweep.ProcessPool, which replaces dead workers; "
                                 "all finished rows are kept") from error  # fmt: skip
            self._flying[future] = parcel

    def _parcel(self, chunks: Iterator[Chunk]) -> list[Chunk]:
        if self._alone:
            return []
        if self._lost:
            # Who was there at one death may be a bystander; who was there at two runs alone, so that a third convicts.
            is_suspect = self._lost[0].deaths >= DEATHS - 1
            if is_suspect and self._flying:
                return []
            self._alone = is_suspect
            return [self._lost.popleft()]
        parcel = []
        while len(parcel) < self._size:
            chunk = self._waiting.popleft() if self._waiting else next(chunks, None)
            if chunk is None:
                break
            parcel.append(chunk)
            if len(chunk.members) > 1:
                break
        return parcel

    def _receive(self, future: Future) -> None:
        parcel, self._alone = self._flying.pop(future), False
        try:
            outcomes = future.result()
        except LeadlineError:
            raise
        except Exception as error:
            if not _is_death(error):
                raise InputError(
                    "sweep",
                    expected="an executor that works",
                    got=f"{type(error).__name__}: {error}",
                    remedy="see that its workers run and have the same packages; all finished rows are kept",
                ) from error
            self._lose(parcel, error)
        else:
            finished = len(outcomes)
            self._waiting.extendleft(reversed(parcel[finished:]))
            if finished < len(parcel):
                self._size = finished
            elif sum(outcome.seconds for chunk in outcomes for outcome in chunk) < BUDGET_S / 2:
                self._size = max(self._size, min(2 * len(parcel), PARCEL))
            members = [member for chunk in parcel[:finished] for member in chunk.members]
            self._commit(members, [outcome for chunk in outcomes for outcome in chunk])

    def _lose(self, parcel: list[Chunk], error: Exception) -> None:
        for chunk in parcel:
            chunk.deaths += 1
            if chunk.deaths < DEATHS:
                self._lost.append(chunk)
            elif len(chunk.members) > 1:  # one last time, each by itself: one member may be at fault
                self._lost.extend(Chunk([member], DEATHS - 1) for member in chunk.members)
            else:
                text = f"{type(error).__name__}: a worker died {DEATHS} times while it computed this: {error}"
                self._commit(chunk.members, [Outcome("failed", error=text)])

    def _commit(self, members: Sequence[Member], outcomes: Sequence[Outcome]) -> None:
        rows = [(one.key, one.positions[0], one.text, row) for one, row in zip(members, outcomes, strict=True)]
        failed = [one.replaces for one in members if one.replaces is not None]
        ids = self.store.add(self.function, self.version, rows, replacing=failed)
        for member, id_, row in zip(members, ids, outcomes, strict=True):
            del self._open[member.key]
            self.tally[row.outcome] += len(member.positions)
            for position in member.positions:
                self.ids[position] = id_
        self.computed += len(rows)
        self.bar.finished(len(rows), sum(outcome.outcome != "done" for outcome in outcomes))

    def _abandon(self, error: BaseException) -> None:
        for future in self._flying:
            future.cancel()
        if isinstance(self.executor, ProcessPool):
            self.executor.kill()
        elif isinstance(self.executor, ProcessPoolExecutor) and isinstance(error, KeyboardInterrupt):
            kill_workers(self.executor)


def _is_death(error: Exception) -> bool:
    # KilledWorker is Dask's, told by its name: a sweep without Dask does not load it.
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def _capacity(executor: Any) -> int:
    if isinstance(executor, InProcess):
        return 1
    workers = getattr(executor, "workers", None) or getattr(executor, "_max_workers", None) or 1
    return _PER_WORKER * workers
