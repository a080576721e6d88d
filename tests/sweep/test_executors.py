"""Pools of processes: good workers, that may die, and that never outlive the coordinator."""

import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from errands import noted

from leadline.core import InputError
from leadline.sweep import ProcessPool, dask_executor, grid, sweep

PATIENCE_S = 10.0


def test_workers_use_one_thread_and_a_death_costs_nothing(store, log):
    with ProcessPool(2) as pool:
        rows = list(sweep("errands.threads", grid(x=range(4)), store=store, executor=pool).rows())
        assert {(row.value["omp"], row.value["parent"]) for row in rows} == {("1", os.getpid())}
        settings = grid(x=range(8), log=log, fatal=3, lives=1)
        result = sweep("errands.deadly", settings, store=store, executor=pool)
        assert (result.done, result.failed) == (8, 0)
        assert noted(log).count(3) == 2
        pids = {row.value["pid"] for row in rows}
    assert not any(map(_is_alive, pids))


@pytest.mark.slow
def test_a_job_that_kills_every_worker_is_a_row(store, log):
    with ProcessPool(2) as pool:
        result = sweep("errands.deadly", grid(x=range(6), log=log, fatal=3, lives=9), store=store, executor=pool)
    assert (result.done, result.failed) == (5, 1)
    (row,) = [row for row in result.rows() if row.outcome == "failed"]
    assert row.arguments["x"] == 3
    assert "a worker died 3 times while it computed this" in str(row.error)
    assert noted(log).count(3) == 3


def test_a_standard_pool_that_broke_says_what_to_take(store, log):
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with pool, pytest.raises(InputError, match=r"got a broken one.*pass a leadline\.sweep\.ProcessPool"):
        sweep("errands.deadly", grid(x=range(3), log=log, fatal=1, lives=9), store=store, executor=pool)
    assert sweep("errands.deadly", grid(x=[0], log=log, fatal=1, lives=9), store=store).computed == 0


def test_workers_end_when_the_coordinator_is_killed(store, log):
    code = f"""
from leadline.sweep import ProcessPool, grid, sweep
if __name__ == "__main__":
    sweep("errands.square", grid(x=range(1000), log={log!r}, pause=0.05), store={str(store)!r}, executor=ProcessPool(2))
"""
    script = store.with_name("program.py")
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, str(script)], env=environment, start_new_session=True) as program:
        _wait_for(lambda: len(noted(log)) > 3)
        program.kill()
    _wait_for(lambda: not _group_exists(program.pid))


def test_wrong_arguments():
    with pytest.raises(InputError, match="ProcessPool: expected at least one worker, got 0"):
        ProcessPool(0)
    with pytest.raises(InputError, match="dask_executor: expected a Dask scheduler, got nowhere"):
        dask_executor("nowhere://1")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _group_exists(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
