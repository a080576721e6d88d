from dataclasses import replace

import numpy as np
import pytest
from studies.small_colorization import SMALL, small_images

from leadline.core import MissingDataError
from leadline.models import SteeredTables, UNet
from leadline.studies import Settings
from leadline.studies import colorization_tables as study
from leadline.studies import colorization_training as training
from leadline.studies.colorization_checkpoints import build_net, setting_of
from leadline.studies.colorization_runs import train_colorization
from leadline.studies.colour_images import HORSES

TABLES = replace(SMALL, cycle=2, mirrored=True)
FIELDS = {"unet": "15 x 15", "tables": "45 x 45"}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Runs of both nets on small images, in a folder of the test."""
    images = small_images(name=HORSES, training=40)
    settings = {"unet": SMALL, "tables": TABLES}
    for module in (study, training):
        monkeypatch.setattr(module, "setting_of", settings.__getitem__)
    monkeypatch.setattr(training, "runs_folder", lambda: tmp_path)
    monkeypatch.setattr(training, "EPOCHS", 2)
    monkeypatch.setattr(study, "cifar_horses", lambda folder: images)
    for net, setting in settings.items():
        train_colorization(images, nets=[net], seeds=[0, 1], epochs=2, folder=tmp_path, setting=setting)
    return images


def test_the_page_compares_the_kept_runs_and_says_what_the_instruments_said(small):
    observation = study.observe(Settings())
    exhibits = study.exhibit(observation)
    comparison, by_seed, instruments = exhibits.tables
    assert [row[:2] for row in comparison.rows] == [
        ("unet", 2), ("tables", 2), ("grey value alone", 2), ("unet, as the sources state", "")]  # fmt: skip
    assert (comparison.rows[-1][3], comparison.rows[-1][6]) == (1.0672, 0.58)
    for net, row in zip(study.NETS, comparison.rows, strict=False):
        losses = [run.validation_loss[-1] for run in observation.report.of(net)]
        assert row[3] == round(sum(losses) / 2, 4)
    unet, tables = ([run.validation_loss[-1] for run in observation.report.of(net)] for net in study.NETS)
    assert [row[0] for row in by_seed.rows] == [0, 1, "mean"]
    assert [row[3] for row in by_seed.rows[:2]] == np.round(np.subtract(unet, tables), 4).tolist()
    assert by_seed.rows[2][3] == round(float(np.mean(unet) - np.mean(tables)), 4)
    assert [row[:2] for row in instruments.rows][:4] == [
        ("unet", name) for name in ("receptive_field", "lr_range_test", "gradient_noise", "signal_propagation")
    ]
    assert not any("demonstration" in note for note in exhibits.notes)
    assert [name for name, _ in observation.rows] == ["grey", "truth", "unet", "tables"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [((0.9, 0.92, 0.94), "ends 0.060 nats per pixel below the U-Net: the margin of 0.05 is kept"),
     ((0.9, 0.99, 1.0), "ends 0.017 nats per pixel below the U-Net: the margin of 0.05 is not kept"),
     ((0.9, 0.92), "ends 0.060 nats per pixel below the U-Net; whether it does by 0.05 is for 3 seeds or more")],
)  # fmt: skip
def test_the_margin_is_computed_over_the_seeds_that_both_have(small, tables, said):
    report = study.observe(Settings()).report
    (unet, *_), (steered, *_) = report.of("unet"), report.of("tables")
    runs = [replace(unet, seed=seed, validation_loss=np.array([1.5, loss]))
            for seed, loss in enumerate((0.96, 0.98, 1.0, 7.0))]  # fmt: skip
    runs += [replace(steered, seed=seed, validation_loss=np.array([1.5, loss])) for seed, loss in enumerate(tables)]
    assert said in study.margin(replace(report, runs=tuple(runs)))


def test_runs_that_are_finished_later_are_inputs_of_their_own(small, tmp_path):
    before = study.STUDY.inputs(Settings())
    assert set(before) == {f"{net}-seed{seed}.safetensors" for net in study.NETS for seed in (0, 1)}
    train_colorization(small, nets=["unet"], seeds=[2], epochs=1, folder=tmp_path, setting=SMALL)
    assert study.STUDY.inputs(Settings()) == before, "one that is not finished counts for nothing"
    train_colorization(small, nets=["unet"], seeds=[2], epochs=2, folder=tmp_path, setting=SMALL)
    assert study.STUDY.inputs(Settings()).keys() - before.keys() == {"unet-seed2.safetensors"}


def test_without_data_a_demonstration_says_that_it_is_one(monkeypatch):
    def missing(folder):
        raise MissingDataError("cifar-10", expected="files", got="none", remedy="fetch them")

    monkeypatch.setattr(study, "cifar_horses", missing)
    monkeypatch.setattr(study, "photograph_patches", lambda: small_images(name="patches", training=40))
    monkeypatch.setattr(study, "_DEMONSTRATION", {"unet": SMALL, "tables": TABLES})
    notes = study.exhibit(study.observe(Settings())).notes
    assert notes[1] == "Trained on patches, not on the sources' images."
    assert notes[-1].startswith("A demonstration: 2 epochs of small nets.")
    assert "leadline colorize --net unet --net tables --seed 0" in notes[-1]


@pytest.mark.parametrize("net", study.NETS)
def test_the_net_with_tables_sees_three_times_as_far_with_fewer_parameters(net):
    from leadline.architecture import receptive_field

    model = build_net(net, setting_of(net))
    assert isinstance(model, {"unet": UNet, "tables": SteeredTables}[net])
    assert f"sees {FIELDS[net]} of" in receptive_field(model, (1, 1, 64, 64)).headline()
