"""`leadline claims` and `leadline report` over small studies that take the place of the real ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import leadline.studies
from leadline.claims import Check, Entry, Evidence, Ledger, Verdict, statements, value_check
from leadline.cli.failures import BAD_INPUT, INTERRUPTED
from leadline.studies import Settings, Study
from leadline.sweep import ProcessPool, SweepInterrupted

RAN: list[str] = []


def _study(name: str, checks: tuple[Check, ...], fault: BaseException | None = None) -> Study:
    def observe(settings: Settings) -> Any:
        RAN.append(f"{name} {settings.scale}")
        if fault is not None:
            raise fault
        return {"h1": 0.986613, "w7": 0.0852}

    return Study(name=name, title=f"The study {name}", question="?", observe=observe, checks=checks)


def _fails(observation: dict, asserted: float) -> Evidence:
    return Evidence(as_stated=observation["w7"] == asserted, found=observation["w7"], how="Chain rule.")


GOOD = (
    value_check("dlhw2.2.h1", lambda seen: seen["h1"], "Forward pass.", altered=0.5),
    Check(claim="dlhw2.2.w7", procedure=_fails, altered=0.0852),
)
OTHER = (value_check("ds541.1b", lambda seen: 0.36788, "A limit.", altered=0.5),)


@pytest.fixture
def studied(monkeypatch: pytest.MonkeyPatch):
    """Puts studies in the place of the real ones."""
    RAN.clear()

    def put(*chosen: Study) -> None:
        monkeypatch.setattr(leadline.studies, "studies", lambda: {study.name: study for study in chosen})

    put(_study("good", GOOD), _study("other", OTHER))
    return put


@pytest.mark.usefixtures("studied")
def test_json_is_what_the_ledger_says(run, tmp_path: Path) -> None:
    done = run("claims", "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain == [entry.to_dict() for entry in Ledger(tmp_path / "ledger").entries()]
    assert len(plain) == len(statements())
    assert {"id", "source", "says", "stated", "found", "verdict", "condition", "evidence", "study", "seconds"} <= set(
        plain[0]
    )
    assert "The study good" in done.stderr


@pytest.mark.usefixtures("studied")
def test_nothing_current_is_computed_again_and_scale_matters(run, tmp_path: Path) -> None:
    for words in ((), (), ("--scale", "full")):
        assert run("claims", "--out", tmp_path, *words).exit_code == 0
    assert RAN == ["good quick", "other quick", "good full", "other full"]


@pytest.mark.usefixtures("studied")
def test_filters(run, tmp_path: Path) -> None:
    fails = json.loads(run("claims", "--verdict", "fails", "--json", "--out", tmp_path).stdout)
    assert [one["id"] for one in fails] == ["dlhw2.2.w7"]
    of_source = json.loads(run("claims", "--source", "ds541", "--json", "--out", tmp_path).stdout)
    assert [one["id"] for one in of_source] == [name for name in statements() if name.startswith("ds541.")]


@pytest.mark.usefixtures("studied")
def test_one_claim_is_told_in_full_and_only_its_study_runs(run, tmp_path: Path) -> None:
    done = run("claims", "dlhw2.2.w7", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert RAN == ["good quick"]
    for part in ("fails", statements()["dlhw2.2.w7"].says, "0.0765", "0.0852", "Chain rule.", "good"):
        assert part in done.stdout


@pytest.mark.usefixtures("studied")
def test_the_table_ends_with_the_counts(run, tmp_path: Path) -> None:
    done = run("claims", "--source", "dlhw2", "--out", tmp_path)
    count = sum(one.source == "dlhw2" for one in statements().values())
    assert done.stdout.splitlines()[-1].startswith(f"{count} statements: 1 hold as printed, 1 fail")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("w7",), "near: dlhw2.2.w7, dlhw2.2.step.w7"),
        (("dlhw2.2.w77",), "near: dlhw2.2.w7"),
        (("--verdict", "hold"), "it is one of holds, qualified, fails, undecidable, pending"),
        (("--source", "csc"), "it is one of e6998, ds541, dlhw2, csc413a, csc413b"),
    ],
)
@pytest.mark.usefixtures("studied")
def test_an_unknown_name_is_refused_with_near_ones_before_anything_runs(run, words: tuple, message: str) -> None:
    done = run("claims", *words)
    assert done.exit_code == BAD_INPUT
    assert message in done.stderr
    assert RAN == []


@pytest.mark.usefixtures("studied")
def test_a_missing_data_folder_is_refused(run, tmp_path: Path) -> None:
    done = run("claims", "--data", tmp_path / "nowhere")
    assert done.exit_code == BAD_INPUT
    assert "does not exist" in " ".join(done.stderr.replace("│", " ").split())


def test_a_crash_is_status_1_and_the_page_is_written(run, studied, tmp_path: Path) -> None:
    studied(_study("broken", OTHER, ValueError("too deep")), _study("good", GOOD))
    done = run("report", "--out", tmp_path)
    assert done.exit_code == 1
    assert "the study broken crashed" in done.stderr
    assert done.stdout.splitlines()[0] == str(tmp_path / "index.html")
    assert "1 hold as printed, 1 fail" in done.stdout.splitlines()[1]
    assert "ValueError: too deep" in (tmp_path / "index.html").read_text("utf-8")


def test_an_interrupt_keeps_finished_studies(run, studied, tmp_path: Path) -> None:
    studied(_study("good", GOOD), _study("long", OTHER, KeyboardInterrupt()))
    done = run("report", "--out", tmp_path)
    assert done.exit_code == INTERRUPTED
    assert done.stderr.splitlines()[-1].startswith("leadline: interrupted")
    assert [record.name for record in Ledger(tmp_path / "ledger").records()] == ["good"]
    assert _verdict(tmp_path, "dlhw2.2.h1") == Verdict.HOLDS


@pytest.mark.parametrize("command", ["report", "claims"])
def test_studies_get_an_executor_and_a_folder_for_their_sweeps(run, studied, tmp_path: Path, command: str) -> None:
    seen: list[Settings] = []
    watching = _study("watching", OTHER)
    observe = watching.observe
    studied(replace(watching, observe=lambda settings: (seen.append(settings), observe(settings))[1]))
    for words in ((), ("--workers", 3, "--scale", "full")):
        assert run(command, "--out", tmp_path, *words).exit_code == 0
    plain, pooled = seen
    assert (plain.executor, plain.progress) == (None, False)
    assert isinstance(pooled.executor, ProcessPool)
    assert (pooled.executor.workers, pooled.progress) == (3, True)
    with plain.store("mine") as store:
        assert store == tmp_path / "sweeps" / "mine.db"
    refused = run(command, "--out", tmp_path, "--workers", 2, "--dask", "tcp://x:1")
    assert refused.exit_code == BAD_INPUT
    assert "expected --workers or --dask, got both" in refused.stderr


def test_an_interrupt_in_a_sweep_says_what_is_kept_and_how_to_go_on(run, studied, tmp_path: Path) -> None:
    studied(_study("good", GOOD), _study("long", OTHER, SweepInterrupted("runs.db", finished=7)))
    done = run("report", "--out", tmp_path)
    assert done.exit_code == INTERRUPTED
    assert done.stderr.splitlines()[-1] == (
        "leadline: interrupted with 7 rows finished, all kept in runs.db; run the same command to go on"
    )
    assert [record.name for record in Ledger(tmp_path / "ledger").records()] == ["good"]


@pytest.mark.usefixtures("studied")
def test_a_folder_that_cannot_be_written_is_a_message(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("report", "--out", tmp_path / "file" / "deeper")
    assert done.exit_code == BAD_INPUT
    assert "a folder to write to" in done.stderr


def _verdict(out: Path, claim: str) -> Verdict:
    entries: list[Entry] = Ledger(out / "ledger").entries()
    return next(entry.verdict for entry in entries if entry.claim.id == claim)
