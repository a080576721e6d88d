import numpy as np
import pytest
from evaluation.labelled_rows import LAW
from hypothesis import given
from hypothesis import strategies as st
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.evaluation import f_gain, f_gain_isometric, f_isometric, rate_to_gain

RATES = st.floats(0.05, 1)


@LAW
@given(RATES, RATES, st.floats(0.05, 0.95), st.floats(0, 4))
def test_the_gain_of_f_is_the_mean_of_both_gains(precision, recall, prevalence, beta):
    f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    gains = (float(rate_to_gain(rate, prevalence)) for rate in (precision, recall))
    mean = f_gain(*gains, beta=beta)
    assert mean == pytest.approx(float(rate_to_gain(f, prevalence)), abs=1e3 * ALGEBRA)


@LAW
@given(RATES, st.floats(0.05, 0.95), st.floats(0, 3))
def test_isometrics_hold_f_constant(value, prevalence, beta):
    recall = np.linspace(0.05, 1, 20)
    precision = f_isometric(value, recall, beta=beta)
    reached = ~np.isnan(precision)
    again = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
    np.testing.assert_allclose(again[reached], value, rtol=1e-9)
    gains = np.asarray(rate_to_gain(recall, prevalence))
    on_gain_scale = np.asarray(f_gain_isometric(float(rate_to_gain(value, prevalence)), gains, beta=beta))
    np.testing.assert_allclose(on_gain_scale[reached], rate_to_gain(precision[reached], prevalence), atol=1e-6)


def test_prevalence_is_0_one_is_1_and_zero_is_minus_infinity():
    assert rate_to_gain(np.array([0.2, 1.0, 0.0]), 0.2) == pytest.approx([0, 1, -np.inf])


@pytest.mark.parametrize("prevalence", [0.0, 1.0])
def test_gains_need_both_classes(prevalence):
    with pytest.raises(InputError, match="expected 0 < prevalence < 1"):
        rate_to_gain(0.5, prevalence)
