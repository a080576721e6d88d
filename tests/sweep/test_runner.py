"""The runner with executors that behave in unusual ways: late, out of order, dying."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from errands import noted

from leadline.core import InputError
from leadline.sweep import Job, grid, read_rows, sweep
from leadline.sweep import runner as running


class Backwards(Executor):
    """Keeps a few calls and answers the last one first."""

    def __init__(self) -> None:
        self.workers = 4
        self.most = 0
        self.kept: list[tuple[Future, Callable[..., Any], tuple]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Answer all that is kept, backwards, when there is enough."""
        future: Future = Future()
        self.kept.append((future, fn, args))
        self.most = max(self.most, len(self.kept))
        if len(self.kept) == 2 * self.workers:
            for answered, call, arguments in reversed(self.kept):
                answered.set_result(call(*arguments))
            self.kept.clear()
        return future


class Deadly(Executor):
    """Everybody who is in flight dies with the fatal one."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.workers, self.flying = fatal, 2, []
        self.sent: list[list[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Answer when two calls are there, or when one comes that travels alone."""
        _, chunks, _ = args
        self.sent.append([text for chunk in chunks for text in chunk])
        future: Future = Future()
        if any(f'"x":{self.fatal}' in text for chunk in chunks for text in chunk):
            future.set_exception(BrokenExecutor("killed"))
        else:
            future.set_result(fn(*args))
        return future


def test_results_stand_in_the_order_of_the_jobs_whatever_finishes_first(store, table):
    settings, executor = grid(x=[5, 3, 9, 1, 7, 0, 2, 8]), Backwards()
    result = sweep("errands.square", settings, store=store, executor=executor)
    assert [row.arguments for row in result.rows()] == list(settings)
    assert executor.most == 8, "several in flight"
    plain = store.with_name("plain.db")
    sweep("errands.square", settings, store=plain)
    assert table(store) == table(plain)


def test_a_group_travels_together_and_the_others_alone(store):
    jobs = [Job({"x": x}, group=None if x == 4 else "odd" if x % 2 else "even") for x in range(7)]
    result = sweep("errands.together", jobs, store=store)
    assert [(row.arguments["x"], row.value["crew"]) for row in result.rows()] == [
        (0, 3), (1, 3), (2, 3), (3, 3), (4, 1), (5, 3), (6, 3)]  # fmt: skip
    more = [*jobs, Job({"x": 20}, group="even"), Job({"x": 22}, group="even")]
    again = sweep("errands.together", more, store=store)
    assert [row.value["crew"] for row in again.rows()][-2:] == [2, 2], "only those that are missing"
    assert again.computed == 2


def test_a_function_may_say_what_travels_together(store):
    settings = [*grid(width=(8, 16), data=([1], [2]), x=range(6)), Job({"width": 8, "data": [1], "x": 9}, group="mine")]
    result = sweep("errands.crews", settings, store=store)
    crews = {(row.arguments["width"], row.arguments["data"][0], row.arguments["x"]): row.value["crew"]
             for row in result.rows()}  # fmt: skip
    assert crews.pop((8, 1, 9)) == [9], "a group by hand comes first"
    assert all(crews[width, data, x] == ([0, 1, 2, 3] if x < 4 else [4, 5]) for width, data, x in crews)
    assert len(crews) == 24


def test_a_job_listed_twice_is_computed_once(store, log):
    jobs = [{"x": x, "log": log} for x in (1, 2, 1, 1, 3, 2)]
    result = sweep("errands.square", iter(jobs), store=store)
    assert noted(log) == [1, 2, 3]
    assert [row.arguments["x"] for row in result.rows()] == [1, 2, 1, 1, 3, 2]
    assert (result.done, result.computed) == (6, 3)


def test_the_window_is_all_that_is_read_ahead(store, monkeypatch):
    monkeypatch.setattr(running, "WINDOW", 10)
    listed, ahead = [], []

    class Watching(ThreadPoolExecutor):
        """Notes how many jobs have been listed beyond those that are in the store or in flight."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
            ahead.append(len(listed) - sum(1 for _ in read_rows(store)))
            return super().submit(fn, *args, **kwargs)

    def listing():
        for x in range(60):
            listed.append(x)
            yield {"x": x, "pause": 0.006}  # longer than the budget: one job per parcel

    with Watching(2) as pool:
        assert sweep("errands.square", listing(), store=store, executor=pool).done == 60
    in_flight = 2 * 2
    assert 10 <= max(ahead) <= 10 + in_flight


def test_the_one_that_kills_is_found_and_bystanders_are_computed(store):
    executor = Deadly(fatal=5)
    result = sweep("errands.varied", [{"x": x} for x in (0, 5, 6, 7)], store=store, executor=executor)
    rows = list(result.rows())
    assert [row.outcome for row in rows] == ["done", "failed", "done", "done"]
    assert rows[1].error == "BrokenExecutor: a worker died 3 times while it computed this: killed"
    assert executor.sent.count(['{"x":5}']) >= running.DEATHS - 1
    assert sweep("errands.varied", [{"x": 5}], store=store).computed == 0


def test_a_group_with_a_killer_is_taken_apart(store):
    jobs = [Job({"x": x}, group="all") for x in (1, 2, 3)]
    result = sweep("errands.together", jobs, store=store, executor=Deadly(fatal=2))
    assert [row.outcome for row in result.rows()] == ["done", "failed", "done"]


def test_an_executor_that_cannot_work_is_an_error_not_rows(store):
    class Elsewhere(Executor):
        """A machine without the package."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
            future: Future = Future()
            future.set_exception(ModuleNotFoundError("No module named 'leadline'"))
            return future

    with pytest.raises(InputError, match=r"an executor that works, got ModuleNotFoundError.*same packages"):
        sweep("errands.square", grid(x=range(3)), store=store, executor=Elsewhere())
    assert list(read_rows(store)) == []


def test_a_listing_that_raises_loses_nothing(store):
    def listing():
        yield from ({"x": x} for x in range(3))
        raise RuntimeError("the generator broke")

    with pytest.raises(RuntimeError, match="the generator broke"):
        sweep("errands.square", listing(), store=store)
    with pytest.raises(InputError, match="expected arguments that JSON can hold"):
        sweep("errands.square", [{"x": object()}], store=store)
    assert sweep("errands.square", grid(x=range(3)), store=store).done == 3
