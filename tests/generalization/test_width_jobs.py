"""Networks as jobs of a sweep: rows of a store, one ensemble per width."""

import gzip

import numpy as np
import pytest

from leadline.core import InputError, MissingDataError, numpy_generator
from leadline.generalization import width_jobs
from leadline.generalization.labelled_rows import rows_of
from leadline.generalization.width_ensembles import NetworkSetting, Training, train_width
from leadline.generalization.width_jobs import TEST_ROWS, named_rows, trained_networks
from leadline.sweep import grid, sweep

SMALL = {"samples": 60, "epochs": 3}


def test_a_sweep_holds_one_row_for_each_network(tmp_path, monkeypatch):
    crews, real = [], train_width
    monkeypatch.setattr(width_jobs, "train_width", lambda rows, width, settings, training: (
        crews.append((width, len(settings))) or real(rows, width, settings, training=training)))  # fmt: skip
    settings = grid(width=(2, 3, 5), weight_decay=(0.0, 1.0), seed=range(4), **SMALL)
    result = sweep(trained_networks, settings, store=tmp_path / "runs.db")
    assert (result.done, crews) == (24, [(2, 8), (3, 8), (5, 8)])
    row = list(result.rows())[8 + 4 + 1]  # width 3, decay 1, seed 1
    assert row.arguments == {"width": 3, "weight_decay": 1.0, "seed": 1, **SMALL}
    drawn = rows_of(None).drawn(0, 0, 60, 0.0, points=TEST_ROWS)
    (alone,) = real(drawn, 3, [NetworkSetting(weight_decay=1.0, seed=1)], training=Training(epochs=3))
    assert row.value == {"parameters": 235} | alone


def test_another_draw_has_other_rows():
    (first,), (other,) = (trained_networks([{"width": 3, "draw": draw, **SMALL}]) for draw in (0, 1))
    assert first["test_loss"] != other["test_loss"]


def test_large_images_are_averaged_over_two_by_two_pixels(tmp_path):
    pixels = numpy_generator("pixels").integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = (np.arange(30) % 10).astype(np.uint8)
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for name, array in (("train-images-idx3-ubyte", pixels), ("train-labels-idx1-ubyte", labels)):
        header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
        (folder / f"{name}.gz").write_bytes(gzip.compress(header + array.tobytes()))
    rows = named_rows("fashion-mnist", str(tmp_path))
    by_hand = np.array([[image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for i in range(14) for j in range(14)]
                        for image in pixels.astype(float)])  # fmt: skip
    expected = rows_of((by_hand, labels.astype(int)))
    np.testing.assert_array_equal(rows.inputs, expected.inputs)
    np.testing.assert_array_equal(rows.targets, expected.targets)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"width": 2, "depth": 3}, "expected arguments among .*got depth"),
        ({"width": 2, "data": "letters"}, "data among digits, mnist, fashion-mnist, got 'letters'"),
        ({"width": 2, "samples": 1797}, "fewer than 1797 samples, got 1797"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        trained_networks([arguments])


def test_data_that_is_not_there_is_said(tmp_path):
    with pytest.raises(MissingDataError, match="leadline data fetch mnist"):
        trained_networks([{"width": 2, "data": "mnist", "folder": str(tmp_path)}])
