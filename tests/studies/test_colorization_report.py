import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.metrics import recall_score
from studies.small_colorization import SMALL, small_images
from tolerances import ALGEBRA

from leadline.architecture import profile
from leadline.studies.colorization_checkpoints import build_net
from leadline.studies.colorization_report import ColorizationReport, report_on
from leadline.studies.colorization_runs import colour_task, train_colorization
from leadline.studies.colour_images import HORSES, grey

IMAGES = small_images()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return train_colorization(IMAGES, nets=["pool", "unet"], seeds=[0, 1], epochs=2, folder=folder, setting=SMALL)


@pytest.fixture(scope="module")
def report(trained):
    return report_on(trained, IMAGES)


def test_bounds_by_counting(report):
    for bounds in report.bounds:
        task = colour_task(IMAGES, bounds.seed, SMALL)
        known, asked = task.training[1].ravel().tolist(), task.validation[1].ravel().tolist()
        greys = [np.rint(part[0] * 256).ravel().tolist() for part in (task.training, task.validation)]
        commonest = max(range(SMALL.colours), key=known.count)
        assert bounds.floor == asked.count(commonest) / len(asked)
        right, loss = 0, 0.0
        for level, label in zip(greys[1], asked, strict=True):
            seen = [one for grey, one in zip(greys[0], known, strict=True) if grey == level]
            loss -= np.log((seen.count(label) + 1) / (len(seen) + SMALL.colours))
            right += label == (max(range(SMALL.colours), key=seen.count) if seen else 0)
        assert bounds.by_grey == right / len(asked)
        assert bounds.by_grey_loss == pytest.approx(loss / len(asked), abs=ALGEBRA)
        assert bounds.rms_error == task.blank.palette.rms_error(IMAGES.validation)


def test_recall_and_error_of_the_trained_net_by_scikit_learn(trained, report):
    for one, run in zip(trained, report.runs, strict=True):
        with torch.no_grad():
            chosen = one.model()(torch.from_numpy(grey(IMAGES.validation))).argmax(1).numpy()
        truth = one.palette.labels(IMAGES.validation)
        assert run.validation_accuracy[-1] == pytest.approx((chosen == truth).mean(), abs=1e-6)  # float32
        colours = range(SMALL.colours)
        options: Any = {"average": None, "labels": colours, "zero_division": np.nan}  # the stub lacks some values
        recall = recall_score(truth.ravel(), chosen.ravel(), **options)
        assert np.allclose(run.recall, recall, rtol=0, atol=ALGEBRA, equal_nan=True)
        assert run.balanced_accuracy == pytest.approx(np.nanmean(recall), abs=ALGEBRA)
        painted = np.rint(one.palette.colours)[chosen]
        assert run.rms_error == pytest.approx(np.sqrt(((painted - IMAGES.validation) ** 2).mean()), abs=ALGEBRA)


def keep(batches: list[torch.Tensor], layer: torch.nn.Module, inputs: Any) -> None:
    """A hook that writes down what a layer is given."""
    batches.append(inputs[0])


def test_settled_figures_are_those_with_moments_averaged_over_all_training_batches(trained, report):
    for one, run in zip(trained, report.runs, strict=True):
        model = one.model()
        norms = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
        seen: list[list[torch.Tensor]] = [[] for _ in norms]
        for layer, batches in zip(norms, seen, strict=True):
            layer.register_forward_pre_hook(partial(keep, batches))
        with torch.no_grad():
            model.train()
            for batch in torch.from_numpy(grey(IMAGES.training)).split(SMALL.batch_size):
                model(batch)
            for layer, batches in zip(norms, seen, strict=True):
                layer.running_mean = torch.stack([batch.mean((0, 2, 3)) for batch in batches]).mean(0)
                layer.running_var = torch.stack([batch.var((0, 2, 3)) for batch in batches]).mean(0)
            scores = model.eval()(torch.from_numpy(grey(IMAGES.validation)))
        truth = torch.from_numpy(one.palette.labels(IMAGES.validation)).long()
        assert run.settled_loss == pytest.approx(torch.nn.functional.cross_entropy(scores, truth).item(), rel=1e-5)
        assert run.settled_accuracy == pytest.approx((scores.argmax(1) == truth).float().mean().item(), abs=1e-6)
        assert run.settled_loss != run.validation_loss[-1]


def test_counts_are_the_profiles(report):
    counts = profile(build_net("unet", SMALL), input_size=(1, 1, 8, 8))
    assert [(run.parameters, run.macs) for run in report.of("unet")] == [(counts.parameters, counts.macs)] * 2


def test_tables_have_a_row_for_each_run_and_epoch(report):
    frame, epochs = report.to_frame(), report.epochs_frame()
    assert (len(frame), len(epochs)) == (4, 8)
    last = epochs[epochs.epoch == 2]
    assert frame.validation_accuracy.tolist() == last.validation_accuracy.tolist()
    assert all(" " not in column for column in (*frame, *epochs))


def test_what_it_says(report):
    assert "on small after 2 epochs: pool" in report.headline()
    assert "\n" not in report.headline()
    assert report.caveats[1] == "Trained on small, not on the sources' images."
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    back = ColorizationReport.from_dict(plain)
    assert back.to_dict() == report.to_dict()
    assert back.of("pool")[0].epochs == 2


def test_the_sources_images_need_no_caveat_of_their_own(tmp_path):
    horses = small_images(name=HORSES)
    done = train_colorization(horses, nets=["pool"], seeds=[0], epochs=1, folder=tmp_path, setting=SMALL)
    assert not any("sources' images" in caveat for caveat in report_on(done, horses).caveats)


def test_curves(report):
    axes = Figure().subplots()
    assert report.plot(axes) is axes
    assert axes.get_legend_handles_labels()[1] == ["pool", "unet"]
    runs = [*report.of("pool"), *report.of("unet")]
    solid, dashed = axes.lines[:4], axes.lines[4:]
    for lines, quantity, style in ((solid, "validation_loss", "-"), (dashed, "training_loss", "--")):
        assert {line.get_linestyle() for line in lines} == {style}
        for line, run in zip(lines, runs, strict=True):
            assert np.array_equal(line.get_ydata(), getattr(run, quantity))
    assert [line.get_color() for line in dashed] == [line.get_color() for line in solid]


def test_recalls_are_drawn_by_colour(report):
    axes = Figure().subplots()
    report.draw_recall(axes)
    assert axes.get_legend_handles_labels()[1] == ["pool", "unet"]
    for line, run in zip(axes.lines, [*report.of("pool"), *report.of("unet")], strict=True):
        drawn = np.asarray(line.get_ydata())
        assert sorted(drawn) == sorted(run.recall[~np.isnan(run.recall)])
        assert (np.diff(drawn) <= 0).all()
