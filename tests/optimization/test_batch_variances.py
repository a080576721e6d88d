"""Variance by batch size against its closed form."""

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA, STANDARD_ERRORS
from torch import nn

from leadline.core import InputError
from leadline.optimization import batch_variance


def test_measured_variances_meet_both_closed_forms() -> None:
    torch.manual_seed(0)
    data = torch.randn(40, 3, dtype=torch.float64), torch.randn(40, 1, dtype=torch.float64)
    model = nn.Linear(3, 1).double()
    found = batch_variance(model, data, batch_sizes=[2, 8, 32, 40], loss="half_mse", draws=300)
    with torch.no_grad():
        residual = model(data[0]) - data[1]
    rows = torch.cat([residual * data[0], residual], 1).numpy()
    single = rows.var(0).sum()
    assert found.single == pytest.approx(single, rel=ALGEBRA)
    n = found.batch_sizes
    assert np.all(np.abs(found.with_replacement - single / n) < STANDARD_ERRORS * found.with_error)
    short = np.abs(found.without_replacement - single / n * (40 - n) / 39)[:-1]
    assert np.all(short < STANDARD_ERRORS * found.without_error[:-1])
    assert found.without_replacement[-1] == pytest.approx(0, abs=ALGEBRA)
    assert found.slope == pytest.approx(-1, abs=0.1)


def test_one_batch_size_has_no_slope() -> None:
    data = torch.randn(8, 3), torch.randn(8, 1)
    found = batch_variance(nn.Linear(3, 1), data, batch_sizes=[4], loss="half_mse", draws=3)
    assert np.isnan(found.slope)
    assert "falls like" not in found.headline()


def test_a_batch_larger_than_the_data_is_refused() -> None:
    data = torch.randn(4, 3), torch.randn(4, 1)
    with pytest.raises(InputError, match="between 1 and the data's size"):
        batch_variance(nn.Linear(3, 1), data, batch_sizes=[5], loss="half_mse")
