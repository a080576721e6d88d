from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure
from studies.small_colorization import SMALL, small_images

from leadline.claims import Ledger, Verdict
from leadline.core import MissingDataError
from leadline.studies import Exhibits, Settings, bring_up_to_date
from leadline.studies import colorization_training as study
from leadline.studies.colorization_checkpoints import EXERCISE
from leadline.studies.colorization_pictures import draw_rows
from leadline.studies.colorization_report import ColorizationReport, NetRun, PaletteBounds
from leadline.studies.colorization_runs import train_colorization
from leadline.studies.colour_images import HORSES

# Published figures of single runs, with a spread about which several runs lie.
MEASURED = {"pool": (0.413, 1.58), "transposed": (0.546, 1.145), "unet": (0.58, 1.06)}


def run(net: str, seed: int, accuracy: float, loss: float, epochs: int = study.EPOCHS) -> NetRun:
    accuracies, losses = np.linspace(0.1, accuracy, epochs), np.linspace(3, loss, epochs)
    return NetRun(
        net=net,
        seed=seed,
        parameters=1,
        macs=1,
        training_loss=losses,
        validation_loss=losses,
        validation_accuracy=accuracies,
        seconds=np.ones(epochs),
        recall=np.ones(2),
        rms_error=20.0,
        settled_loss=loss,
        settled_accuracy=accuracy,
    )


def observed(runs: list[NetRun], images: str = HORSES) -> study.Observation:
    seeds = {one.seed for one in runs}
    bounds = [PaletteBounds(seed=seed, floor=0.08, by_grey=0.3, by_grey_loss=0.9, rms_error=12.0) for seed in seeds]
    return study.Observation(report=ColorizationReport(images=images, runs=tuple(runs), bounds=tuple(bounds)), rows=())


def three_seeds(**changed: tuple[float, float]) -> list[NetRun]:
    measured = MEASURED | changed
    return [
        run(net, seed, accuracy + 0.004 * (seed - 1), loss + 0.01 * (seed - 1))
        for seed in range(3)
        for net, (accuracy, loss) in measured.items()
    ]


def verdicts(observation: study.Observation) -> dict[str, Verdict]:
    return {check.claim: check.evidence(observation).verdict for check in study.STUDY.checks}


def test_runs_about_the_stated_figures_hold_and_altered_claims_do_not():
    observation = observed(three_seeds())
    assert set(verdicts(observation).values()) == {Verdict.HOLDS}
    for check in study.STUDY.checks:
        altered = check.evidence_if_altered(observation)
        assert altered.verdict == Verdict.FAILS
        assert "0.080" in " ".join(altered.details)


def test_runs_elsewhere_fail():
    found = verdicts(observed(three_seeds(unet=(0.50, 1.06), transposed=(0.546, 1.3))))
    assert found["csc413b.6.3"] == found["csc413a.5.3.transpose"] == found["csc413b.6.3.order"] == Verdict.FAILS
    assert found["csc413b.4.2"] == Verdict.HOLDS


def test_one_seed_in_another_order_fails_the_order():
    worse = {"validation_accuracy": np.full(study.EPOCHS, 0.3), "settled_accuracy": 0.3}
    runs = [replace(one, **worse) if (one.net, one.seed) == ("unet", 2) else one for one in three_seeds()]
    assert verdicts(observed(runs))["csc413b.6.3.order"] == Verdict.FAILS


def test_an_order_that_only_running_moments_break_is_qualified():
    runs = three_seeds()
    for one in runs:
        if (one.net, one.seed) == ("unet", 2):
            one.validation_accuracy[-1] -= 0.06
    (check,) = (check for check in study.STUDY.checks if check.claim == "csc413b.6.3.order")
    evidence = check.evidence(observed(runs))
    assert evidence.verdict == Verdict.QUALIFIED
    assert "moments over all training images" in evidence.condition
    assert evidence.found[2]["best_first"] == ["transposed", "unet", "pool"]
    assert evidence.found[2]["best_first_settled"] == ["unet", "transposed", "pool"]
    assert check.evidence_if_altered(observed(runs)).verdict == Verdict.FAILS


def test_figures_that_only_running_moments_miss_are_qualified():
    runs = [replace(one, validation_accuracy=one.validation_accuracy - 0.05) if one.net == "unet" else one
            for one in three_seeds()]  # fmt: skip
    (check,) = (check for check in study.STUDY.checks if check.claim == "csc413b.6.3")
    evidence = check.evidence(observed(runs))
    assert evidence.verdict == Verdict.QUALIFIED
    assert (evidence.found["accuracy"], evidence.found["accuracy_settled"]) == (0.53, 0.58)
    curves = ("training_loss", "validation_loss", "validation_accuracy", "seconds")
    longer = [replace(one, **{name: np.append(getattr(one, name), 1.0) for name in curves}) for one in runs]
    assert check.evidence(observed(longer)).verdict == Verdict.FAILS  # settled figures are of another epoch


@pytest.mark.parametrize(
    "observation",
    [
        observed([one for one in three_seeds() if one.seed < 2]),
        observed(three_seeds(), images="other images"),
        observed([run(net, seed, *MEASURED[net], epochs=24) for net in EXERCISE for seed in range(3)]),
    ],
)
def test_too_few_runs_or_others_leave_it_open(observation):
    assert set(verdicts(observation).values()) == {Verdict.UNDECIDABLE}
    for check in study.STUDY.checks:
        assert "leadline colorize --seed 0 --seed 1 --seed 2" in check.evidence(observation).needs


def test_the_interval_is_students():
    from scipy.stats import t

    values = [0.41, 0.42, 0.425]
    low, high = study.prediction_interval(values)
    half = t.ppf(0.975, 2) * np.std(values, ddof=1) * np.sqrt(4 / 3)
    assert (low + high) / 2 == pytest.approx(np.mean(values))
    assert (high - low) / 2 == pytest.approx(half)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The study on small images and settings; keeps its runs in a folder of the test."""
    images = small_images(name=HORSES)
    monkeypatch.setattr(study, "cifar_horses", lambda folder: images)
    monkeypatch.setattr(study, "runs_folder", lambda: tmp_path)
    monkeypatch.setattr(study, "EPOCHS", 2)
    monkeypatch.setattr(study, "setting_of", lambda net: SMALL)
    monkeypatch.setattr(study, "train_colorization", partial(train_colorization, setting=SMALL))
    return images


def test_full_scale_trains_what_is_missing_and_quick_reads_it(small, tmp_path):
    study.STUDY.prepare(Settings())
    assert not list(tmp_path.iterdir())
    study.STUDY.prepare(Settings(scale="full"))
    full = study.observe(Settings(scale="full"))
    assert len(list(tmp_path.iterdir())) == 9
    assert set(verdicts(full).values()) <= {Verdict.HOLDS, Verdict.QUALIFIED, Verdict.FAILS}
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "x-seed0.safetensors").write_bytes(b"no weights")
    quick = study.observe(Settings())
    assert quick.report.to_dict() == full.report.to_dict()
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept
    exhibits = study.exhibit(quick)
    stated, runs = exhibits.tables
    assert len(runs.rows) == 9
    assert ("csc413b.6.3", "accuracy: 0.580, loss: 1.0672") in [row[:2] for row in stated.rows]
    assert len(exhibits.figures) == 4
    assert all(figure.svg.startswith("<svg") for figure in exhibits.figures)
    assert not any("demonstration" in note for note in exhibits.notes)


def test_without_data_a_demonstration_says_that_it_is_one(monkeypatch):
    def missing(folder):
        raise MissingDataError("cifar-10", expected="files", got="none", remedy="fetch them")

    monkeypatch.setattr(study, "cifar_horses", missing)
    monkeypatch.setattr(study, "photograph_patches", lambda: small_images(name="patches"))
    monkeypatch.setattr(study, "_DEMONSTRATION", SMALL)
    observation = study.observe(Settings(scale="full"))
    assert set(verdicts(observation).values()) == {Verdict.UNDECIDABLE}
    exhibits = study.exhibit(observation)
    assert "not on the sources' images" in exhibits.notes[1]
    assert exhibits.notes[-1].startswith("A demonstration: 3 filters")
    assert "leadline data fetch cifar-10" in exhibits.notes[-1]


def test_the_ledger_notices_trainings_that_are_done_after_it_was_written(small, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_demonstration", lambda: observed([], images="other images"))
    ledger = Ledger(tmp_path / "ledger")
    monkeypatch.setattr(study, "runs_folder", lambda: tmp_path / "runs")
    bare = replace(study.STUDY, exhibit=lambda observation: Exhibits())

    def found(scale: str = "quick") -> set[Verdict]:
        (record,) = bring_up_to_date({bare.name: bare}, ledger, Settings(scale=scale), announce=announced.append)
        assert not record.error
        return {one.verdict for one in record.evidence.values()}

    announced: list[str] = []
    assert found() == {Verdict.UNDECIDABLE}
    train_colorization(small, nets=EXERCISE, seeds=range(3), epochs=2, folder=tmp_path / "runs", setting=SMALL)
    assert Verdict.UNDECIDABLE not in found()
    assert len(announced) == 2
    found()
    assert len(announced) == 2, "and nothing is computed again that is current"


def test_what_a_study_has_trained_itself_does_not_make_its_record_stale(small, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "runs_folder", lambda: tmp_path / "runs")
    bare, announced = replace(study.STUDY, exhibit=lambda observation: Exhibits()), []
    for _ in range(2):
        (record,) = bring_up_to_date(
            {bare.name: bare}, Ledger(tmp_path), Settings(scale="full"), announce=announced.append
        )
        assert len(record.data) == 1 + 9
    assert len(announced) == 1


def test_the_picture_has_a_row_for_grey_truth_and_each_net(small):
    study.STUDY.prepare(Settings(scale="full"))
    observation = study.observe(Settings(scale="full"))
    assert [name for name, _ in observation.rows] == ["grey", "truth", *EXERCISE]
    greys, truth = observation.rows[0][1], observation.rows[1][1]
    assert np.array_equal(greys[..., 0], np.rint(truth.mean(axis=2)))
    axes = Figure().subplots()
    draw_rows(axes, observation.rows)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["grey", "truth", *EXERCISE]
    assert np.asarray(axes.images[0].get_array()).shape == (5 * 8, 6 * 8, 3)
