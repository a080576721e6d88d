"""What factories make: fresh at every call, in the shapes that it is used to, and with errors that name it."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tolerances import AUTOGRAD
from torch import nn

from leadline.core import InputError, ModelError
from leadline.generalization import Population, bias_variance, polynomial_family

SINE = Population(target=np.sin, inputs=(0.0, 3.0), noise_variance=0.01)
FEW: Any = {"rounds": 4, "train_size": 12}
LINE = np.linspace(0.0, 1.0, 20)[:, None]


def test_an_estimator_on_an_interval_gets_one_column():
    found = bias_variance(LinearRegression, SINE, **FEW)
    oracle = bias_variance(polynomial_family((0, 3)), SINE, grid={"degree": [1]}, **FEW)
    np.testing.assert_allclose(found.error, oracle.error, rtol=AUTOGRAD)
    np.testing.assert_allclose(found.training_error, oracle.training_error, rtol=AUTOGRAD)


def test_a_module_on_an_interval_gets_one_column_in_training_and_at_test():
    seen = []

    def fit(module, X, y):
        seen.append(X.shape)
        solution = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y)[0]
        with torch.no_grad():
            module.weight.copy_(torch.tensor(solution[:1])[:, None])
            module.bias.copy_(torch.tensor(solution[1:]))

    found = bias_variance(lambda: nn.Linear(1, 1).double(), SINE, fit=fit, **FEW)
    np.testing.assert_allclose(found.error, bias_variance(LinearRegression, SINE, **FEW).error, rtol=AUTOGRAD)
    assert seen == [(12, 1)] * 4


def test_functions_and_targets_get_inputs_as_they_are():
    def fit(X, y):
        assert X.shape == (12,)
        return np.zeros_like

    assert bias_variance(lambda: fit, SINE, **FEW).error[0] > 0


def test_a_step_that_pipelines_share_is_cloned_and_left_untouched():
    inner = MLPRegressor(hidden_layer_sizes=(3,), warm_start=True, max_iter=3, random_state=0)
    before = vars(inner).copy()

    def shared():
        return make_pipeline(StandardScaler(), inner)

    def fresh():
        return make_pipeline(
            StandardScaler(), MLPRegressor(hidden_layer_sizes=(3,), warm_start=True, max_iter=3, random_state=0)
        )

    with pytest.warns(UserWarning, match="Maximum iterations"):
        found, expected = (bias_variance(one, (LINE, LINE[:, 0]), rounds=3) for one in (shared, fresh))
    assert vars(inner) == before
    np.testing.assert_array_equal(found.error_replicates, expected.error_replicates)


@pytest.mark.parametrize(("layer", "named"), [(nn.Linear(1, 1), "0.weight"), (nn.BatchNorm1d(1), "0.running_mean")])
def test_a_layer_that_modules_share_is_refused(layer, named):
    before = {name: one.clone() for name, one in layer.state_dict().items()}

    def fit(module, X, y):
        for one in module.parameters():
            nn.init.ones_(one)

    with pytest.raises(InputError, match=f"new parameters at every call, got .*{named}.* in two models"):
        bias_variance(lambda: nn.Sequential(layer, nn.Linear(1, 1)), (LINE, LINE[:, 0]), fit=fit)
    assert all(torch.equal(before[name], one) for name, one in layer.state_dict().items())


class Stubborn:
    def fit(self, X, y):
        return self

    def predict(self, X):
        raise ZeroDivisionError("no prediction")


def test_models_that_raise_are_named_wherever_they_do():
    with pytest.raises(ModelError, match="a model that predicts, got ZeroDivisionError: no prediction"):
        bias_variance(Stubborn, (LINE, LINE[:, 0]))
    with pytest.raises(ModelError, match="a factory that makes a model, got KeyError"):
        bias_variance(lambda: {}["model"], (LINE, LINE[:, 0]))


def test_a_grid_names_arguments_of_the_factory():
    with pytest.raises(InputError, match="a factory that takes alhpa, got TypeError: got an unexpected keyword"):
        bias_variance(lambda alpha=1.0: LinearRegression(), (LINE, LINE[:, 0]), grid={"alhpa": [1.0]})
    with pytest.raises(
        InputError, match="a factory that takes no argument, got TypeError: missing a required argument"
    ):
        bias_variance(lambda alpha: LinearRegression(), (LINE, LINE[:, 0]))
