import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows
from hypothesis import given
from hypothesis import strategies as st

from leadline.core import InputError
from leadline.evaluation import FBetaCalibration, precision_recall_gain_curve


@LAW
@given(labelled_rows(), st.floats(0, 5))
def test_the_threshold_named_for_beta_has_the_highest_f_beta(rows, beta):
    curve = precision_recall_gain_curve(*rows)
    threshold = curve.f_beta_calibration().threshold_for(beta)
    best = max(curve.point_at(float(each)).f_beta(beta) for each in curve.thresholds[1:])
    assert curve.point_at(threshold).f_beta(beta) == pytest.approx(best, abs=1e-9)


@LAW
@given(labelled_rows())
def test_betas_cover_everything_once(rows):
    calibration = precision_recall_gain_curve(*rows).f_beta_calibration()
    assert calibration.beta_low[0] == 0
    assert calibration.beta_high[-1] == np.inf
    assert np.array_equal(calibration.beta_low[1:], calibration.beta_high[:-1])
    assert (np.diff(calibration.score) < 0).all()


def test_between_vertices_precision_gain_falls_by_beta_squared():
    generator = np.random.default_rng(0)
    labels = generator.random(300) < 0.3
    calibration = precision_recall_gain_curve(labels, generator.normal(size=300) + labels).f_beta_calibration()
    slopes = np.diff(calibration.precision_gain) / np.diff(calibration.recall_gain)
    finite = calibration.recall_gain[1:] > calibration.recall_gain[:-1]
    np.testing.assert_allclose(-slopes[finite], calibration.beta_high[:-1][finite] ** 2, rtol=1e-9)


def test_it_is_a_result():
    calibration = precision_recall_gain_curve([0, 1, 1, 0, 1], [0.2, 0.7, 0.2, 0.1, 0.4]).f_beta_calibration()
    assert calibration.headline() == "2 thresholds are each best for some F-beta; F1: 0.2"
    assert FBetaCalibration.from_dict(calibration.to_dict()).to_dict() == calibration.to_dict()
    assert len(calibration.to_frame()) == 2
    calibration.plot()
    with pytest.raises(InputError, match="expected beta >= 0"):
        calibration.threshold_for(-1.0)
