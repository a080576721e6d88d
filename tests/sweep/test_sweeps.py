"""Sweeps killed, resumed, interrupted, large; and the result that they return."""

import itertools
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import searches
from errands import noted
from tolerances import ALGEBRA

from leadline.core import InputError, numpy_generator
from leadline.sweep import ProcessPool, StoreError, SweepInterrupted, SweepResult, grid, read_rows, runner, sweep
from leadline.training import initialized, train

KILLS, JOBS, PAUSE_S = 30, 700, 0.005
MANY = 100_000
OVERHEAD_S = 2e-4  # processor time per trivial job
BYTES_PER_JOB = 64  # eight for the number of the row, as much for the copy in the result, and room for growth
PROGRAM = """
import sys
from leadline.sweep import ProcessPool, grid, sweep
if __name__ == "__main__":
    store, jobs, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sweep("errands.mixed", grid(x=range(jobs)), store=store, executor=ProcessPool(workers) if workers else None)
"""


@pytest.mark.slow
def test_killed_at_any_moment_a_sweep_resumes_with_every_finished_row(store, log, table):
    draws = numpy_generator("kills")
    program = store.with_name("program.py")
    program.write_text(PROGRAM)
    snapshots = []  # after each kill: what was finished, and how much of the side log was written
    for kill in range(KILLS):
        began, workers = len(noted(log)), 2 if kill % 6 == 5 else 0
        with _start(program, store, log, workers) as coordinator:
            if kill % 5:  # otherwise while it starts
                _wait_until_longer(log, began, coordinator)
            time.sleep(draws.uniform(0, 16 * PAUSE_S))
            coordinator.kill()
        finished = (
            {row.arguments["x"] for row in read_rows(store)} if store.exists() and store.stat().st_size else set()
        )
        snapshots.append((finished, len(noted(log))))
    assert len(snapshots[-1][0]) < JOBS, "the sweep was still going at the last kill"
    assert len({len(finished) for finished, _ in snapshots}) > KILLS // 2, "it had moved on between kills"
    with _start(program, store, log, 0) as last:
        assert last.wait() == 0

    calls = noted(log)
    for finished, entries in snapshots:
        assert not finished & set(calls[entries:]), "a finished row was computed again"
    for (before, _), (after, _) in itertools.pairwise(snapshots):
        assert before <= after, "a finished row was lost"
    assert Counter(calls).keys() == set(range(JOBS))
    undisturbed = store.with_name("undisturbed.db")
    sweep("errands.mixed", grid(x=range(JOBS)), store=undisturbed)
    assert table(store) == table(undisturbed)


def _start(program: Path, store: Path, log: str, workers: int) -> subprocess.Popen:
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parent),
        "ERRANDS_LOG": log,
        "ERRANDS_PAUSE": str(PAUSE_S),
    }
    return subprocess.Popen([sys.executable, str(program), str(store), str(JOBS), str(workers)], env=environment)


def _wait_until_longer(log: str, length: int, coordinator: subprocess.Popen) -> None:
    while len(noted(log)) <= length:
        assert coordinator.poll() is None, "the coordinator ended by itself"
        time.sleep(0.002)


def test_every_executor_gives_the_same_table(store, table):
    settings = grid(x=range(40))
    sweep("errands.mixed", settings, store=store)
    pooled = store.with_name("pooled.db")
    with ProcessPool(2) as pool:
        result = sweep("errands.mixed", settings, store=pooled, executor=pool)
    assert table(pooled) == table(store)
    assert [row.arguments["x"] for row in result.rows()] == list(range(40))


def test_a_job_that_raises_or_diverges_is_a_row(store):
    result = sweep("errands.varied", grid(x=range(6)), store=store)
    assert (result.done, result.failed, result.diverged) == (2, 2, 2)
    rows = list(result.rows())
    assert [row.outcome for row in rows] == ["done", "failed", "diverged", "diverged", "failed", "done"]
    assert rows[1].error == "ValueError: one is not wanted"
    assert "in varied" in str(rows[1].traceback)
    assert result.caveats == (
        "2 of 6 jobs raised or killed their worker: see the column error",
        "2 of 6 jobs diverged: see the column outcome",
    )


def test_failed_rows_are_computed_anew_only_when_asked(store, log):
    settings = [*grid(x=range(4), log=log, good_from=3), {"x": 2, "log": log, "good_from": 3}]
    first = sweep("errands.moody", settings, store=store)
    assert (first.done, first.failed, first.diverged) == (0, 4, 1)
    assert sweep("errands.moody", settings, store=store).computed == 0
    second = sweep("errands.moody", settings, store=store, retry_failed=True)
    assert (second.done, second.failed, second.diverged, second.computed) == (0, 4, 1, 3)
    assert Counter(noted(log)) == {0: 2, 1: 1, 2: 2, 3: 2}, "once a run each; what diverged is a result"
    third = sweep("errands.moody", settings, store=store, retry_failed=True)
    assert (third.done, third.failed, third.diverged, third.computed) == (4, 0, 1, 3)
    assert [row.arguments["x"] for row in third.rows()] == [0, 1, 2, 3, 2]
    assert [row.arguments["x"] for row in read_rows(store)] == [0, 1, 2, 3], "the new row takes the old one's place"
    assert sweep("errands.moody", settings, store=store, retry_failed=True).computed == 0
    with pytest.raises(StoreError, match="run the sweep again"):
        first.to_frame()


def test_a_job_that_fails_twice_in_one_run_is_not_tried_for_ever(store, log, monkeypatch):
    monkeypatch.setattr(runner, "WINDOW", 2)
    settings = [{"x": x, "log": log, "good_from": 9} for x in (5, 6, 5, 6, 5)]
    sweep("errands.moody", settings, store=store)
    assert sweep("errands.moody", settings, store=store, retry_failed=True).failed == 5
    assert Counter(noted(log)) == {5: 2, 6: 2}


def test_a_grid_search_of_256_settings_is_one_ensemble(store, log):
    axes = {"lr": (0.01, 0.02, 0.05, 0.1), "weight_decay": (0.0, 1e-3, 1e-2, 1e-1), "momentum": (0.0, 0.5, 0.8, 0.9)}
    settings = list(grid(**axes, seed=range(4), log=log))
    result = sweep("searches.searched", settings, store=store)
    assert (result.done, result.computed) == (256, 256)
    assert noted(log) == [256], "one call"
    rows = list(result.rows())
    assert [row.arguments for row in rows] == settings
    for place in (0, 77, 255):
        recipe = searches.recipe_of(settings[place])
        alone = train(initialized(searches.network, recipe.seed), searches.rows_to_fit(), recipe)
        np.testing.assert_allclose(rows[place].value["loss"], alone.history.final_loss[0], rtol=ALGEBRA)
        first = alone.parameters()["0.weight"].numpy()
        np.testing.assert_allclose(rows[place].arrays["first"], first, rtol=ALGEBRA, atol=ALGEBRA)


def test_a_new_version_is_computed_anew(store):
    settings = grid(x=range(3))
    assert sweep("errands.square", settings, store=store).computed == 3
    assert sweep("errands.square", settings, store=store).computed == 0
    assert sweep("errands.square", settings, store=store, version="2").computed == 3
    assert sweep("errands.mixed", settings, store=store).computed == 3
    assert sum(1 for _ in read_rows(store)) == 9


def test_ctrl_c_in_a_job_keeps_what_is_finished(store):
    with pytest.raises(SweepInterrupted, match=r"rows finished, all kept in .*runs\.db; run the same command to go on"):
        sweep("errands.interrupt_at", grid(x=range(2000), at=1500), store=store)
    kept = [row.arguments["x"] for row in read_rows(store)]
    assert 0 < len(kept) <= 1500
    assert kept == list(range(len(kept)))


def test_ctrl_c_shuts_the_pool_down(store, log, monkeypatch):
    monkeypatch.setattr(runner, "WINDOW", 1)

    def listing():
        yield {"x": 1, "log": log}
        yield {"x": 2, "log": log, "pause": 60.0}
        while len(noted(log)) < 2:
            yield {"x": 1, "log": log}
            time.sleep(0.01)
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(SweepInterrupted, match="interrupted with 1 rows finished"), ProcessPool(1) as pool:
        sweep("errands.square", listing(), store=store, executor=pool)
    assert time.monotonic() - began < 30, "nobody waited for the job that was running"
    assert [row.arguments["x"] for row in read_rows(store)] == [1]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read as Linux tells it")
def test_a_hundred_thousand_jobs_cost_little_time_and_no_memory(store):
    few, many = (_seconds_and_bytes(store.with_name(f"{count}.db"), count) for count in (MANY // 2, MANY))
    assert many[0] / MANY < OVERHEAD_S
    assert many[1] - few[1] < MANY // 2 * BYTES_PER_JOB
    assert few[1] < 100 * 2**20, "the peak is the sweep's own, not that of the process it came from"


def _seconds_and_bytes(store: Path, jobs: int) -> tuple[float, int]:
    code = f"""
import time
from pathlib import Path
from leadline.sweep import sweep
result = sweep("calendar.isleap", ({{"year": year}} for year in range({jobs})), store={str(store)!r})
assert result.done == {jobs}
print(time.process_time(), Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    words = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return float(words[0]), 1024 * int(words[1])


def test_the_result_says_itself(store):
    result = sweep("errands.mixed", grid(x=range(12)), store=store)
    assert "\n" not in result.headline()
    assert result.headline().startswith("errands.mixed: 9 of 12 done, 2 failed, 1 diverged; 12 computed now in ")
    frame = result.to_frame()
    assert list(frame.columns) == ["x", "outcome", "error", "time_s", "third", "powers"]
    assert frame["x"].tolist() == list(range(12))
    again = SweepResult.from_dict(result.to_dict())
    assert again.to_dict() == result.to_dict()
    assert again.to_frame().equals(frame)


def test_a_result_without_its_store(store):
    result = sweep("errands.square", grid(x=[1]), store=store)
    store.unlink()
    with pytest.raises(StoreError, match="got no such file"):
        result.to_frame()
    sweep("errands.square", grid(x=[2]), store=store)
    other = SweepResult.from_dict(result.to_dict() | {"ids": [5]})
    with pytest.raises(StoreError, match="to hold the rows of this result, got a store without row 5"):
        list(other.rows())


def test_wrong_arguments(store):
    with pytest.raises(InputError, match="expected at least one job, got none"):
        sweep("errands.square", [], store=store)
    with pytest.raises(InputError, match="expected an executor: something with submit, got str"):
        sweep("errands.square", grid(x=1), store=store, executor="tcp://somewhere")
    with pytest.raises(InputError, match=r"function that can be imported by its name, got errands\.nothing"):
        sweep("errands.nothing", grid(x=1), store=store)


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize("jobs", [{"x": 1}, [1, 2], ["x"], [{"x": 1}, None]])
def test_jobs_that_are_no_dictionaries_are_refused_and_leave_no_row(store, jobs):
    with pytest.raises(InputError, match=r"jobs that are dictionaries of arguments.*one dictionary per job"):
        sweep("errands.square", jobs, store=store)
    assert list(read_rows(store)) == []


@pytest.mark.usefixtures("types_unchecked")
@pytest.mark.parametrize("version", [None, 2])
def test_a_version_is_a_text(store, version):
    with pytest.raises(InputError, match=rf"expected a text as version, got {version}"):
        sweep("errands.square", grid(x=1), store=store, version=version)
    assert not store.exists()


def test_large_results_are_read_in_order(store):
    order = numpy_generator("order").permutation(1200)
    sweep("errands.square", grid(x=range(1200)), store=store)
    result = sweep("errands.square", grid(x=order), store=store)
    assert result.computed == 0
    assert np.array_equal([row.arguments["x"] for row in result.rows()], order)
