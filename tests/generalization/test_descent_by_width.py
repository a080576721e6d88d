"""Trained networks along width: the peak stands where they just fit, and weight decay takes it away."""

import json

import numpy as np
import pytest

from leadline.core import DivergedError, InputError, numpy_generator
from leadline.generalization import DoubleDescent, descent_by_width, double_descent
from leadline.generalization.descent_by_width import DECAYS, descent_of_widths, width_descent
from leadline.generalization.labelled_rows import rows_of
from leadline.generalization.width_ensembles import MEASURES, NetworkSetting, Training, train_width

BELOW, AT, ABOVE = 6, 20, 160  # hidden units: too few, just enough and many for 1000 noisy digits
SHORT = Training(epochs=5)


@pytest.fixture(scope="module")
def run():
    return double_descent(axis="width", model="network", values=[BELOW, AT, ABOVE], seeds=3)


@pytest.mark.slow
def test_the_peak_stands_where_the_training_set_is_just_fitted(run):
    np.testing.assert_array_equal(run.threshold, AT)
    np.testing.assert_array_equal(run.peaks, AT)
    assert run.showing == run.seeds == 3
    ratio, low, _ = run.ratio_interval
    assert ratio > 1.3
    assert low > 1.1
    assert (run.train_error[:, 0] > 0.1).all()
    assert (run.train_error[:, 2] == 0).all()
    assert "interpolation threshold at 20" in run.headline()


@pytest.mark.slow
def test_weight_decay_takes_it_away(run):
    assert run.optimal.penalty == "weight decay"
    best = np.median(run.optimal.test_loss, axis=0)
    assert (np.diff(best) < 0).all(), "wider is better"
    assert run.penalized[:, 1].max() < 0.5 * run.test_error[:, 1].min()
    assert run.optimal.strength[1] == DECAYS[1]


@pytest.mark.slow
def test_it_says_and_draws_itself_and_makes_the_round_trip(run):
    from matplotlib.figure import Figure

    plain = json.loads(json.dumps(run.to_dict(), allow_nan=False))
    assert DoubleDescent.from_dict(plain).to_dict() == run.to_dict()
    ax = run.plot(Figure().subplots())
    assert ax.get_xlabel() == "hidden units"
    assert any("best weight decay" in text.get_text() for text in ax.get_legend().get_texts())
    frame = run.to_frame()
    assert frame["parameters"].tolist() == [75 * width + 10 for width in (BELOW, AT, ABOVE)]
    assert {"width_hidden_units", "best_weight_decay", "test_cross_entropy_best_weight_decay"} <= set(frame.columns)


def test_each_place_holds_the_network_of_that_seed_width_and_decay():
    widths, data = [2, 3, 4], rows_of(None)
    few = descent_of_widths(data, widths, samples=30, seeds=2, seed=7, training=SHORT)
    drawn = data.drawn(7, 0, 30, 0.0)
    one = NetworkSetting(seed=7 * 2 + 1, weight_decay=0.0)
    (alone,) = train_width(drawn, 3, [one], training=SHORT)
    found = (few.train_loss, few.test_loss, few.train_error, few.test_error)
    assert [float(part[1, 1]) for part in found] == [alone[name] for name in MEASURES]
    assert few.label_noise == 0.2
    assert few.samples.tolist() == [30, 30, 30]


def test_the_threshold_is_the_least_width_that_fits_nearly_all():
    training = np.array([[0.3, 0.02, 0.005, 0.0], [0.3, 0.2, 0.1, 0.02]])
    measured = np.stack([training, training, training, training])[..., None]
    run = width_descent(np.array([1.0, 2.0, 4.0, 8.0]), measured, (0.0,), inputs=3, classes=2, samples=9,
                        label_noise=0.0)  # fmt: skip
    np.testing.assert_array_equal(run.threshold, [4.0, np.nan])
    assert run.optimal is None
    assert run.penalized is None
    assert run.parameters.tolist() == [8, 14, 26, 50]


def test_seeds_with_a_network_that_diverged_are_in_no_curve(monkeypatch):
    widths, data, lost = [2, 3, 4], rows_of(None), {"width": 3, "seeds": (1,)}

    def diverging(rows, width, members, *, training):
        figures = train_width(rows, width, members, training=training)
        hit = width == lost["width"]
        return [one | {"diverged": hit and member // 2 in lost["seeds"]} for member, one in enumerate(figures)]

    options = {"samples": 30, "seeds": 3, "seed": 7, "training": SHORT}
    whole = descent_of_widths(data, widths, **options)
    monkeypatch.setattr(descent_by_width, "train_width", diverging)
    run = descent_of_widths(data, widths, **options)
    assert run.left_out == (1,)
    assert any("1 of 3 seeds left out, since training diverged: 1" in caveat for caveat in run.caveats)
    np.testing.assert_array_equal(run.test_error, whole.test_error[[0, 2]])
    assert run.optimal is not None
    np.testing.assert_array_equal(run.optimal.test_loss[:, run.optimal.strength == 0],
                                  run.test_loss[:, run.optimal.strength == 0])  # fmt: skip
    assert run.seeds_frame()["seed"].tolist() == [0, 2]
    assert DoubleDescent.from_dict(run.to_dict()).left_out == (1,)
    lost["seeds"] = (0, 1, 2)
    with pytest.raises(DivergedError, match="a seed all of whose networks train, got 3 that diverged"):
        descent_of_widths(data, widths, **options)


def test_the_best_decay_is_chosen_at_each_width():
    loss = np.array([[[3.0, 2.0], [1.0, 4.0]]])  # seeds x widths x decays
    run = width_descent(np.array([1.0, 2.0]), np.stack([loss, loss, loss / 10, loss / 10]), (0.0, 0.5), inputs=3,
                        classes=2, samples=9, label_noise=0.0)  # fmt: skip
    assert run.optimal is not None
    assert run.optimal.strength.tolist() == [0.5, 0.0]
    assert run.optimal.test_error.tolist() == [[0.2, 0.1]]
    assert run.test_error.tolist() == [[0.3, 0.1]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"values": [2, 4]}, "three or more whole numbers of at least 1"),
        ({"values": [0, 2, 4]}, "three or more whole numbers of at least 1"),
        ({"samples": 1797}, "fewer than 1797 samples"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        double_descent(axis="width", model="network", **options)


def test_networks_want_labels():
    X = numpy_generator("no labels").standard_normal((20, 3))
    with pytest.raises(InputError, match=r"labels \(integers\).*got real targets"):
        double_descent((X, X[:, 0]), model="network", samples=5)
