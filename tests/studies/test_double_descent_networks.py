"""The sweep of networks behind the study: the same curves on any executor, also one that loses workers."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leadline.core import ModelError
from leadline.generalization.width_ensembles import MEASURES, Training
from leadline.generalization.width_jobs import trained_networks
from leadline.studies import Settings
from leadline.studies import double_descent_networks as networks
from leadline.studies.double_descent_networks import BIG, CLEAN, NOISY, SMALL, Family, exhibit, observe
from leadline.sweep import ProcessPool, StoreError, read_rows, summaries
from leadline.sweep.jobs import key_of, texts_of

FEW: dict[str, Any] = SMALL | {"samples": 60, "widths": (2, 3, 5)}
TINY = Family(**FEW, noises=(NOISY, CLEAN), draws=2, seeds=2, training=Training(epochs=3))
WIDE = Family(data="mnist", **BIG, noises=(NOISY, CLEAN), draws=2, seeds=7)


@pytest.fixture
def tiny(monkeypatch):
    """A study of a few networks, at both scales."""
    monkeypatch.setattr(networks, "FAMILIES", {"quick": (TINY,), "full": (TINY, WIDE)})


@pytest.mark.usefixtures("tiny")
def test_every_network_is_at_its_place(tmp_path):
    observation = observe(Settings(stores=tmp_path))
    assert observation.networks == 3 * 2 * 2 * (2 + 1)
    assert set(observation.curves) == {("digits", 0.2), ("digits", 0.0)}
    noisy, clean = observation.curves["digits", 0.2], observation.curves["digits", 0.0]
    member = {"data": "digits", "samples": 60, "width": 3, "draw": 1, "seed": 0, "epochs": 3}
    for run, noise in ((noisy, 0.2), (clean, 0.0)):
        (alone,) = trained_networks([member | {"label_noise": noise}])
        found = (run.train_loss, run.test_loss, run.train_error, run.test_error)
        assert [float(part[2, 1]) for part in found] == [alone[name] for name in MEASURES]
    assert clean.optimal is None
    assert noisy.optimal is not None
    assert [path.name for path in tmp_path.glob("*.db")] == ["double-descent-networks.db"]


def test_the_full_scale_is_a_thousand_networks_or_more_each_a_job_of_its_own():
    jobs = [key_of("f", "", texts_of(job)[1]) for family in networks.FAMILIES["full"] for job in family.jobs("")]
    assert len(set(jobs)) == len(jobs) >= 1000


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_what_has_been_computed_stays_and_pools_do_the_same(tmp_path):
    first = observe(Settings(stores=tmp_path))
    (before,) = summaries(tmp_path / "double-descent-networks.db")
    again = observe(Settings(stores=tmp_path))
    assert summaries(tmp_path / "double-descent-networks.db") == [before], "nothing was computed again"
    with ProcessPool(2) as pool:
        elsewhere = observe(Settings(stores=tmp_path / "other", executor=pool))
    for other in (again, elsewhere):
        for place, run in first.curves.items():
            np.testing.assert_array_equal(other.curves[place].test_loss, run.test_loss)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_a_dask_cluster_that_loses_a_worker_gives_the_same_curves(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    import dask

    longer = replace(TINY, training=Training(epochs=40), draws=4)
    monkeypatch.setattr(networks, "FAMILIES", {"quick": (longer,)})
    settings = {"distributed.scheduler.allowed-failures": 0, "distributed.admin.log-format": "%(message)s"}
    store = tmp_path / "double-descent-networks.db"
    killed = []

    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def kill_in_the_middle() -> None:
            while not (finished := rows_in(store)):
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)
            killed.append(finished)

        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        swept = observe(Settings(stores=tmp_path, executor=client))
        killer.join()
    assert 0 < killed[0] < swept.networks
    for place, run in observe(Settings()).curves.items():
        np.testing.assert_array_equal(swept.curves[place].test_error, run.test_error)


def rows_in(store: Path) -> int:
    """How many are finished; none while the file is being made."""
    try:
        return sum(1 for _ in read_rows(store))
    except StoreError:
        return 0


@pytest.mark.usefixtures("tiny")
def test_data_that_is_not_there_is_left_out_and_said(tmp_path):
    observation = observe(Settings(scale="full", data=tmp_path))
    assert observation.missing == ("mnist",)
    assert {name for name, _ in observation.curves} == {"digits"}
    assert any("leadline data fetch mnist" in note for note in exhibit(observation).notes)


@pytest.mark.usefixtures("tiny")
def test_networks_that_fail_stop_the_study_and_are_tried_again(tmp_path, monkeypatch):
    real = networks.FAMILIES["quick"][0]
    monkeypatch.setattr(networks, "FAMILIES", {"quick": (replace(real, data="letters"), real)})
    with pytest.raises(ModelError, match=r"got 36 of 72 that do not, the first by .*InputError: .*got 'letters'"):
        observe(Settings(stores=tmp_path))
    monkeypatch.setattr(networks, "FAMILIES", {"quick": (real,)})
    assert observe(Settings(stores=tmp_path)).networks == 36


def test_other_code_or_data_makes_other_rows(tmp_path):
    names = {networks._version(Settings(scale=scale, data=data)) for scale, data in
             (("quick", None), ("full", tmp_path))}  # fmt: skip
    assert len(names) == 2


@pytest.mark.usefixtures("tiny")
def test_a_seed_whose_network_diverges_is_in_no_curve(monkeypatch):
    real = networks.sweep

    def swept(*arguments, **options):
        found = real(*arguments, **options)
        rows = list(found.rows())
        rows[0] = replace(rows[0], value=rows[0].value | {"diverged": True})
        monkeypatch.setattr(type(found), "rows", lambda _: iter(rows))
        return found

    monkeypatch.setattr(networks, "sweep", swept)
    noisy, clean = (observe(Settings()).curves["digits", noise] for noise in (0.2, 0.0))
    assert (noisy.left_out, noisy.seeds) == ((0,), 3)
    assert (clean.left_out, clean.seeds) == ((), 4)


@pytest.mark.usefixtures("tiny")
def test_table_and_pictures(tmp_path):
    exhibits = exhibit(observe(Settings()))
    (table,) = exhibits.tables
    assert [row[:3] for row in table.rows] == [("digits", 0.2, 24), ("digits", 0.0, 12)]
    assert table.rows[1][-1] is None
    assert len(exhibits.figures) == 2
    assert "36 networks in one sweep" in exhibits.notes[0]
