import json

import numpy as np
import pytest
from matplotlib.figure import Figure

from leadline.core import InputError, numpy_generator
from leadline.generalization import DoubleDescent, double_descent

WIDTHS = [10, 30, 60, 80, 100, 125, 200, 600]
RUNS = {
    "width": lambda: double_descent(axis="width", values=WIDTHS, samples=100, seeds=4),
    "samples": lambda: double_descent(axis="samples", values=WIDTHS, width=100, seeds=4),
    "ridge": lambda: double_descent(axis="ridge", samples=80, seeds=3),
    "teacher": lambda: double_descent(axis="epochs", model="two-scale teacher", seeds=20),
    "network": lambda: double_descent(axis="epochs", values=[12], width=8, samples=50, seeds=2),
}


@pytest.fixture(scope="module", params=RUNS)
def result(request):
    return RUNS[request.param]()


def test_says_and_draws_itself_and_makes_the_round_trip(result):
    assert result.headline() and "\n" not in result.headline()
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert DoubleDescent.from_dict(plain).to_dict() == result.to_dict()
    ax = Figure().subplots()
    result.plot(ax)
    assert ax.has_data() and ax.get_xlabel() and ax.get_ylabel()
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False)) == plain
    frame = result.to_frame()
    assert len(frame) == len(result.values)
    assert all(column.isascii() and " " not in column for column in frame.columns)


def test_frame_holds_medians_and_quantiles_over_seeds():
    run = RUNS["width"]()
    frame = run.to_frame()
    np.testing.assert_array_equal(frame["width_features"], WIDTHS)
    np.testing.assert_array_equal(frame["parameters"], np.multiply(WIDTHS, 10))
    assert run.weight_norm is not None
    np.testing.assert_array_equal(frame["weight_norm"], np.median(run.weight_norm, axis=0))
    np.testing.assert_array_equal(frame["test_squared_error"], np.median(run.test_loss, axis=0))
    np.testing.assert_array_equal(frame["test_error_share_high"], np.quantile(run.test_error, 0.9, axis=0))


@pytest.mark.parametrize("axis", ["width", "samples"])
def test_every_seed_peaks_where_the_training_set_is_just_fitted(axis):
    run = RUNS[axis]()
    np.testing.assert_array_equal(run.threshold, 100)
    np.testing.assert_array_equal(run.peaks, 100)
    assert run.at_threshold == run.showing == run.seeds
    np.testing.assert_array_equal(run.peak_ratios, 1.0)
    assert run.weight_norm is not None
    np.testing.assert_array_equal(run.weight_norm.argmax(1), WIDTHS.index(100))
    assert min(shape.ratio for shape in run.shapes) > 1.5
    assert run.optimal is not None
    with_ridge = np.median(run.optimal.test_loss, axis=0)
    assert (np.diff(with_ridge) < 0).all()  # no peak: more of anything is better
    assert (np.median(run.optimal.test_loss, 0) <= np.median(run.test_loss, 0)).all()


@pytest.mark.usefixtures("types_unchecked")  # checks of types take longer than these many small products
def test_every_one_of_ten_seeds_peaks_exactly_at_as_many_features_as_samples():
    run = double_descent(axis="width", values=[30, 200, 300, 315, 1200], samples=300, seeds=10)
    np.testing.assert_array_equal(run.threshold, 300)
    np.testing.assert_array_equal(run.peaks, 300)
    np.testing.assert_array_equal(run.peak_ratios, 1.0)
    frame = run.seeds_frame()
    assert frame["seed"].tolist() == list(range(10))
    assert frame["shown"].tolist() == [True] * 10
    assert frame["peak_at_width_features"].tolist() == [300] * 10
    valleys = np.maximum(frame["first_valley_error"], frame["second_valley_error"])
    assert min(frame["peak_error"] / valleys) >= 1.5, frame.to_string()


def test_values_may_be_an_array():
    times = np.array([0.1, 1.0, 10.0])
    listed, arrays = (double_descent(axis="epochs", model="two-scale teacher", values=one, seeds=2)
                      for one in (times.tolist(), times))  # fmt: skip
    assert listed.to_dict() == arrays.to_dict()
    network = double_descent(axis="epochs", values=np.array([3, 6]), width=4, samples=20, seeds=1)
    assert network.values.tolist() == [1, 2, 3, 4, 5, 6]


def test_without_label_noise_there_is_a_peak_too():
    assert double_descent(axis="width", values=WIDTHS, samples=100, label_noise=0.0, seeds=3).at_threshold == 3


def test_ridge_at_the_threshold_takes_the_peak_away():
    run = RUNS["ridge"]()
    medians = np.median(run.test_loss, axis=0)
    assert medians[0] > 50 * medians.min()
    assert run.values[medians.argmin()] > 0.01
    assert run.showing == 0
    assert np.isnan(run.threshold).all()
    at_width = double_descent(axis="width", values=[40, 80, 160], samples=80, seeds=3)
    np.testing.assert_allclose(run.train_error[:, 0], at_width.train_error[:, 1])


def test_losses_of_one_seed_are_those_of_lstsq_by_hand():
    from leadline.generalization.labelled_rows import rows_of

    run = double_descent(axis="width", values=[10, 20, 70], samples=30, seeds=2, seed=7)
    assert run.weight_norm is not None
    drawn = rows_of(None).drawn(7, 1, 30, 0.1)
    directions = numpy_generator("double_descent", 7, 1, "directions").standard_normal((64, 70))
    for place, count in enumerate((10, 20, 70)):
        train, test = (np.maximum(x @ directions[:, :count], 0) for x in (drawn.inputs, drawn.test_inputs))
        weights = np.linalg.lstsq(train, drawn.targets)[0]
        np.testing.assert_allclose(run.weight_norm[1, place], np.linalg.norm(weights) / np.sqrt(2))
        np.testing.assert_allclose(run.test_loss[1, place], np.square(test @ weights - drawn.test_targets).mean())
        wrong = (test @ weights).argmax(1) != drawn.test_targets.argmax(1)
        assert run.test_error[1, place] == wrong.mean()


def test_real_targets_have_losses_and_no_errors():
    generator = numpy_generator("real targets")
    X = generator.standard_normal((200, 10))
    run = double_descent((X, X[:, 0] + X[:, 1]), values=[5, 20, 40, 80, 400], samples=40, label_noise=0.3, seeds=4)
    assert run.test_error.shape == (4, 0)
    assert run.quantity == "test squared error"
    assert run.at_threshold == 4
    assert "squared error" in run.headline()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"axis": "depth"}, "an axis and a model"),
        ({"axis": "samples", "model": "network"}, "an axis and a model"),
        ({"seeds": 0}, "seeds: a whole number of at least 1"),
        ({"samples": 20.5}, "samples: a whole number of at least 1, got 20.5"),
        *(({"label_noise": noise}, "label_noise: a finite number of at least 0 and below 1")
          for noise in (-0.1, 1.0, 2.0, np.nan)),
        ({"values": [0, 5, 9]}, "values: three or more whole numbers of at least 1"),
        ({"values": [5, 9]}, "three or more"),
        ({"values": [5, 9, 9]}, "different values: three or more"),
        ({"values": ["5", "9", "12"]}, "three or more whole numbers"),
        ({"axis": "ridge", "values": [-1.0, 0.0, 1.0]}, "three or more finite numbers of at least 0"),
        ({"axis": "ridge", "values": [0.0, 1.0, np.inf]}, "three or more finite numbers of at least 0"),
        ({"samples": 1797}, "fewer than 1797"),
        ({"axis": "width", "width": 40}, "no width along width with random features, got width int; leave it out"),
        ({"axis": "samples", "samples": 40}, "no samples along samples with random features"),
        ({"axis": "epochs", "samples": 1797}, "fewer than 1797"),
        ({"axis": "epochs", "values": [1.5]}, "values: one or more whole numbers"),
        ({"axis": "epochs", "model": "two-scale teacher", "values": [0.0, 1.0]}, "values: one or more .* above 0"),
        ({"axis": "epochs", "model": "two-scale teacher", "values": [1, 10, np.nan]}, "values: one or more"),
        ({"axis": "epochs", "model": "two-scale teacher", "label_noise": np.nan}, "label_noise: a finite number"),
        ({"axis": "epochs", "model": "two-scale teacher", "width": 3}, "no width"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("types_unchecked")
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        double_descent(**options)
