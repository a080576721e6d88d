"""Sweeps on a real Dask cluster of several processes, one of which is killed in the middle."""

import os
import signal
import threading
import time
from collections import Counter
from typing import Any

import pytest
from errands import noted
from typer.testing import CliRunner

from leadline.cli.sweep import sweeps
from leadline.sweep import Job, dask_executor, grid, sweep
from leadline.sweep.executors import DaskExecutor

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
JOBS = 60


@pytest.fixture(scope="module")
def client():
    """Two worker processes that are replaced when they die; one death is enough to give a task up."""
    settings = {"distributed.scheduler.allowed-failures": 0, "distributed.admin.log-format": "%(message)s"}
    import dask

    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_worker_killed_in_the_middle_costs_nothing(client, store, log, table):
    settings = grid(x=range(JOBS), log=log, pause=0.02)
    victim = next(iter(client.run(os.getpid).values()))

    def kill_in_the_middle() -> None:
        while len(noted(log)) < JOBS // 4:
            time.sleep(0.005)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    result = sweep("errands.square", settings, store=store, executor=client)
    killer.join()
    assert (result.done, result.failed, result.computed) == (JOBS, 0, JOBS)
    assert [row.arguments["x"] for row in result.rows()] == list(range(JOBS))
    assert victim not in client.run(os.getpid).values()
    assert len(noted(log)) < 2 * JOBS, "what the other worker had finished was not computed again"
    plain = store.with_name("plain.db")
    sweep("errands.square", settings, store=plain)
    assert table(store) == table(plain)


def test_a_result_that_is_lost_while_it_is_fetched_is_waited_for():
    class Task:
        """Finished, but its result comes from a second computation."""

        def add_done_callback(self, call):
            threading.Timer(0.05, call, [self]).start()

        def result(self):
            time.sleep(0.05)
            return ["again"]

        status = "lost"

    class Cluster:
        """Has one task."""

        def submit(self, fn, *args, pure):
            assert not pure
            return Task()

    assert DaskExecutor(Cluster()).submit(len, "x").result(timeout=5) == ["again"]


def test_groups_errors_and_an_executor_by_address(client, store):
    executor: Any = dask_executor(client.scheduler.address)
    jobs = [Job({"x": x}, group="all") for x in (1, 13, 14, 2)]
    result = sweep("errands.together", jobs, store=store, executor=executor)
    assert [row.outcome for row in result.rows()] == ["done", "failed", "diverged", "done"]
    varied = sweep("errands.varied", grid(x=range(6)), store=store, executor=client.get_executor())
    assert Counter(row.outcome for row in varied.rows()) == {"done": 2, "failed": 2, "diverged": 2}
    executor.shutdown()
    assert client.run(os.getpid), "the cluster is still there"


def test_the_command_computes_on_a_cluster(client, store, log):
    words = ["run", "errands.square", "x=1..20", f"log={log}", "--store", str(store)]
    done = CliRunner().invoke(sweeps, [*words, "--dask", client.scheduler.address])
    assert done.exit_code == 0, done.output
    assert "errands.square: 20 of 20 done; 20 computed now" in done.stdout
    assert sorted(noted(log)) == list(range(1, 21))
    assert client.run(os.getpid), "the cluster is still there"


def test_an_ensemble_is_one_task(client, store, log):
    settings = list(grid(lr=(0.01, 0.1), weight_decay=0.0, momentum=0.5, seed=range(8), log=log))
    result = sweep("searches.searched", settings, store=store, executor=client)
    assert (result.done, noted(log)) == (16, [16])
    plain = sweep("searches.searched", settings, store=store.with_name("plain.db"))
    assert [row.value for row in result.rows()] == [row.value for row in plain.rows()]


def test_a_job_that_kills_every_worker_is_a_row(client, store, log):
    result = sweep("errands.deadly", grid(x=range(6), log=log, fatal=3, lives=99), store=store, executor=client)
    assert (result.done, result.failed) == (5, 1)
    (row,) = [row for row in result.rows() if row.outcome == "failed"]
    assert row.arguments["x"] == 3
    assert "KilledWorker: a worker died 3 times" in str(row.error)
