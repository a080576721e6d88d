"""The grid of SGD settings, against a plain loop, scikit-learn's SGDRegressor, and ridge in closed form."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from jaxtyping import config
from sklearn.linear_model import SGDRegressor
from tolerances import ALGEBRA

from leadline.core import DivergedError, InputError, numpy_generator
from leadline.data import embedded_set
from leadline.generalization import grid_searches, linear_regression_grid
from leadline.generalization.regression_rows import regression_rows
from leadline.training import order

AXES = {"batch_sizes": [1, 7], "lrs": [0.003, 0.02], "l2": [0.0, 0.3], "epochs": [2, 5]}
WITHIN = 0.01  # of the closed form


def rows(count=40, features=3, noise=0.5):
    generator = numpy_generator("regression rows", count)
    X = 5 + 3 * generator.standard_normal((count, features))
    return X, X @ np.arange(1, features + 1) + 7 + noise * generator.standard_normal(count)


def by_loop(X, y, size, lr, strength, epochs, seed):
    """SGD on half the mean squared error with the penalty on w alone, as one would write it."""
    w, b = np.zeros(X.shape[1]), 0.0
    for epoch in range(epochs):
        places = order(seed, epoch, len(X)).numpy()
        for start in range(0, len(X), size):
            some = places[start : start + size]
            error = X[some] @ w + b - y[some]
            w, b = w - lr * (X[some].T @ error / len(some) + strength * w), b - lr * error.mean()
    return w, b


def by_scikit_learn(X, y, lr, strength, epochs, seed):
    """scikit-learn's SGD, which takes one row at a time, fed the rows in the same order."""
    model = SGDRegressor(alpha=strength, learning_rate="constant", eta0=lr, shuffle=False)
    for epoch in range(epochs):
        places = order(seed, epoch, len(X)).numpy()
        model.partial_fit(X[places], y[places])
    return np.asarray(model.coef_), np.asarray(model.intercept_).item()


@pytest.fixture(scope="module")
def found():
    return linear_regression_grid(rows(), seed=3, **AXES)


@pytest.fixture(scope="module")
def on_diabetes():
    config.update("jaxtyping_disable", True)  # checks of types take longer than these many small steps
    try:
        return linear_regression_grid()
    finally:
        config.update("jaxtyping_disable", False)


def test_every_setting_is_what_a_plain_loop_gives(found):
    parts = regression_rows(rows(), 0.2, 0.2, 3)
    (X, y), (X_val, y_val) = parts.standardized(parts.train), parts.standardized(parts.validation)
    assert found.rows == (len(X), len(X_val), 8)
    for place, setting in zip(np.ndindex(found.half_mse.shape), product(*found.axes.values()), strict=True):
        w, b = by_loop(X, y, *setting, seed=3)
        np.testing.assert_allclose(found.half_mse[place], np.square(X_val @ w + b - y_val).mean() / 2, rtol=ALGEBRA)


def test_one_row_at_a_time_is_what_scikit_learn_gives(found):
    parts = regression_rows(rows(), 0.2, 0.2, 3)
    (X, y), (X_val, y_val) = parts.standardized(parts.train), parts.standardized(parts.validation)
    for place, setting in enumerate(product(found.lrs, found.l2, found.epochs)):
        w, b = by_scikit_learn(X, y, *setting, seed=3)
        ours = found.half_mse[0].ravel()[place]
        np.testing.assert_allclose(ours, np.square(X_val @ w + b - y_val).mean() / 2, rtol=1e-10)


def test_the_chosen_setting_is_kept_and_tested_in_units_of_the_inputs(found):
    parts = regression_rows(rows(), 0.2, 0.2, 3)
    assert found.half_mse[found.places] == found.half_mse.min()
    w, b = by_loop(*parts.standardized(parts.train), *found.chosen.values(), seed=3)
    X_test, y_test = parts.standardized(parts.test)
    errors = np.square(X_test @ w + b - y_test) / 2
    np.testing.assert_allclose(found.fit.test_half_mse, errors.mean(), rtol=1e-10)
    np.testing.assert_allclose(found.fit.test_standard_error, errors.std(ddof=1) / np.sqrt(8), rtol=1e-10)
    assert found.fit.test_mse == 2 * found.fit.test_half_mse
    np.testing.assert_allclose(parts.test[0] @ found.fit.weights + found.fit.bias, X_test @ w + b)
    np.testing.assert_allclose(found.fit.validation_half_mse, found.half_mse.min())


def test_a_long_run_passes_through_the_ends_of_shorter_ones():
    problem = grid_searches._Problem(regression_rows(rows(), 0.2, 0.2, 0), seed=0)
    settings = list(product((1, 7), (0.003, 0.02), (0.0, 0.3)))
    long = problem.train(settings, 9)
    for epochs in (2, 5):
        together = problem.train(settings, epochs)
        for member, setting in enumerate(settings):
            alone = problem.train([setting], epochs)
            for name, tensor in alone.parameters().items():
                assert tensor.equal(together.parameters(member)[name])
            steps = int(alone.history.steps[0])
            assert steps == epochs * -(-len(problem.fitted[0]) // setting[0])
            np.testing.assert_array_equal(long.history.loss[:steps, member], alone.history.loss[:, 0])
            # the row blocks of an evaluation depend on how many members there are, hence its rounding
            np.testing.assert_allclose(long.history.metrics[epochs - 1, member], alone.history.metrics[-1, 0],
                                       rtol=ALGEBRA)  # fmt: skip


def test_all_settings_train_in_one_ensemble(monkeypatch):
    crews = []

    def counted(factory, data, recipes, **options):
        crews.append(len(recipes))
        return grid_searches_train(factory, data, recipes, **options)

    grid_searches_train = grid_searches.train_ensemble
    monkeypatch.setattr(grid_searches, "train_ensemble", counted)
    assert linear_regression_grid(rows(), **AXES).settings == 16
    assert crews == [8, 1]  # numbers of epochs share a run; then the chosen one


def test_the_test_rows_choose_nothing():
    X, y = rows()
    known = linear_regression_grid((X[:30], y[:30]), test=(X[30:], y[30:]), **AXES)
    other = linear_regression_grid((X[:30], y[:30]), test=(X[30:], y[30:] + 100), **AXES)
    assert known.fit.test_half_mse != other.fit.test_half_mse
    for name in ("half_mse", "path_half_mse", "objective_gap"):
        np.testing.assert_array_equal(getattr(known, name), getattr(other, name))
    for one, two in ((known.fit, other.fit), (known.ridge, other.ridge), (known.ridge_path, other.ridge_path)):
        assert (one.l2, one.bias) == (two.l2, two.bias)
        np.testing.assert_array_equal(one.weights, two.weights)


@pytest.mark.usefixtures("types_unchecked")
def test_sets_given_as_arrays_are_used_as_they_are():
    X, y = rows()
    sets = {"validation": (X[20:30], y[20:30]), "test": (X[30:], y[30:])}
    given = linear_regression_grid((X[:20], y[:20]), **sets, **AXES)
    pair: Any = [X[:20], y[:20]]
    with_lists = linear_regression_grid(pair, **{name: list(one) for name, one in sets.items()}, **AXES)
    assert with_lists.to_dict() == given.to_dict()
    assert given.rows == (20, 10, 10)
    again = linear_regression_grid((X[:20], y[:20]), **sets, **AXES)
    assert given.to_dict() == again.to_dict()
    errors = X[30:] @ given.fit.weights + given.fit.bias - y[30:]
    np.testing.assert_allclose(given.fit.test_half_mse, np.square(errors).mean() / 2)


def test_sgd_reaches_the_closed_form_on_diabetes(on_diabetes):
    assert on_diabetes.settings == 256
    assert (on_diabetes.objective_gap >= 0).all()
    assert on_diabetes.objective_gap[on_diabetes.places[2]] < WITHIN
    assert abs(on_diabetes.excess) < WITHIN
    assert abs(on_diabetes.fit.test_half_mse / on_diabetes.ridge_path.test_half_mse - 1) < WITHIN
    assert on_diabetes.ridge_path.validation_half_mse <= on_diabetes.ridge.validation_half_mse
    assert on_diabetes.ridge.l2 in on_diabetes.l2
    assert on_diabetes.rows == (283, 71, 88)
    assert not on_diabetes.diverged.any()


def test_early_ends_are_far_from_the_closed_form():
    early = linear_regression_grid(epochs=[1], batch_sizes=[64], lrs=[0.001])
    assert early.excess > 1 and (early.objective_gap > 1).all()


def test_settings_that_diverge_are_rows_that_say_so():
    found = linear_regression_grid(rows(), batch_sizes=[1, 26], lrs=[0.01, 1.5, 50.0], l2=[0.01], epochs=[1, 8])
    frame = found.to_frame()
    assert len(frame) == found.settings == 12
    keys = zip(frame["batch_size_rows"], frame["lr"], frame["epochs"], strict=True)
    values = zip(frame["status"], frame["validation_half_mse_squared_target_units"], strict=True)
    said = dict(zip(keys, values, strict=True))
    assert said[1, 50.0, 8][0] == "diverged" and np.isnan(said[1, 50.0, 8][1])
    assert said[26, 50.0, 1][0] == "diverged" and np.isfinite(said[26, 50.0, 1][1])
    assert "diverged" not in {status for (_, lr, _), (status, _) in said.items() if lr == 0.01}
    assert list(frame["status"]).count("chosen") == 1
    assert "diverged" in found.headline()
    assert np.isfinite(found.objective_gap).all()


@pytest.mark.parametrize(("lr", "epochs"), [(1e9, 8), (1e10, 1), (50.0, 1)])
def test_no_choice_is_made_among_settings_that_all_diverged(lr, epochs):
    with pytest.raises(
        DivergedError,
        match=f"a setting that does not diverge, got 2 that do; pass lrs below {lr:g}".replace("+", "[+]"),
    ):
        linear_regression_grid(rows(), lrs=[lr], batch_sizes=[8, 26], epochs=[epochs], l2=[0.01])


def test_targets_without_signal_are_fitted_not_diverged():
    generator = numpy_generator("noise alone")
    train, few = ((generator.standard_normal((count, 10)), size * generator.standard_normal(count))
                  for count, size in ((40, 1.0), (20, 0.5)))  # fmt: skip
    found = linear_regression_grid(train, validation=few, test=few, batch_sizes=[8], epochs=[100], l2=[0.01])
    assert found.fit.validation_half_mse > found.untrained_half_mse
    assert list(found.to_frame()["status"]).count("chosen") == 1
    found.plot()


@pytest.mark.parametrize("level", [0.0, 5.0])
def test_targets_that_do_not_vary_have_an_excess(level):
    X, y = rows()
    found = linear_regression_grid((X, np.full(len(y), level)), **AXES)
    assert found.excess == (0.0 if level == 0 else np.inf)
    assert "% of ridge" in repr(found)
    found.plot()


def test_draws_every_factor_and_makes_the_round_trip(found):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    found.plot(ax)
    assert len(ax.get_xticks()) == sum(len(axis) for axis in found.axes.values())
    assert ax.get_xlabel() and "squared target units" in ax.get_ylabel()
    plain = found.to_dict()
    assert type(found).from_dict(plain).to_dict() == plain
    assert "\n" not in found.headline()
    np.testing.assert_array_equal(found.least("lr"), found.half_mse.min((0, 2, 3)))
    assert len(found.fits_frame()) == 3


def test_a_factor_value_with_which_all_diverges_has_no_least_error(found):
    errors = found.half_mse.copy()
    errors[:, 1] = np.nan
    np.testing.assert_array_equal(np.isnan(replace(found, half_mse=errors).least("lr")), [False, True])


def test_faces_are_flattened_and_pixels_that_never_vary_do_no_harm():
    generator = numpy_generator("faces")
    faces = generator.random((40, 6, 6))
    faces[:, 0, 0] = 0.5
    ages = 30 + 20 * faces[:, 2, 2] + faces[:, 3, 3]
    found = linear_regression_grid((faces, ages), batch_sizes=[4], epochs=[60], l2=[0.01])
    assert found.fit.weights.shape == (36,)
    assert found.fit.weights[0] == 0
    assert found.excess < WITHIN


def test_default_learning_rates_follow_the_length_of_the_inputs(on_diabetes):
    assert on_diabetes.lrs == (0.001, 0.003, 0.01, 0.03)  # 11 is the mean squared length
    inputs = embedded_set("diabetes-regression").inputs
    many = linear_regression_grid((np.tile(inputs, 10), inputs[:, 0]), epochs=[1], batch_sizes=[64], l2=[1.0])
    assert many.lrs == (0.0001, 0.0003, 0.001, 0.003)  # 101


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_sizes": [41]}, "batch_sizes: one or more whole numbers from 1 to 26"),
        ({"batch_sizes": [2.5]}, "batch_sizes"),
        ({"lrs": [0.0]}, "lrs: one or more finite numbers above 0"),
        ({"lrs": 0.1}, "lrs: one or more finite numbers above 0, got 0.1"),
        ({"lrs": ["a"]}, "lrs: one or more finite numbers"),
        ({"l2": [-0.1]}, "l2: one or more finite numbers of at least 0"),
        ({"epochs": []}, r"epochs: one or more .* got \[\]"),
        ({"validation": 0.0}, r"validation: rows \(X, y\), or as a share: a finite number above 0 and below 1, got 0"),
        ({"validation": None}, "validation: rows .* got None"),
        ({"validation": np.nan}, "validation: rows .* got nan"),
        ({"test": 1.0}, "test: rows"),
        ({"test": 0.01}, "shares for validation and test"),
        ({"test": (np.ones((3, 2)), np.ones(3))}, "as many features"),
        ({"test": (np.ones((3, 3)), np.ones(2))}, "test = X"),
        ({"test": (np.full((3, 3), np.nan), np.ones(3))}, "finite test"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        linear_regression_grid(rows(), **{"batch_sizes": [4], **options})


def test_few_rows_are_searched_with_smaller_batches():
    X = np.random.default_rng(0).standard_normal((30, 2))
    found = linear_regression_grid((X, X @ [1.0, 2.0]), epochs=[2], l2=[0.001])
    assert (found.rows[0], found.batch_sizes) == (19, (8, 16))
    few = linear_regression_grid((X[:8], X[:8] @ [1.0, 2.0]), epochs=[2], l2=[0.001])
    assert few.batch_sizes == (few.rows[0],)
