import numpy as np
import pytest
import torch
from generalization.regression_sets import regression_data, rows_of
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.tree import DecisionTreeClassifier
from tolerances import ALGEBRA, AUTOGRAD, STANDARD_ERRORS
from torch import nn

from leadline.core import InputError, ModelError
from leadline.generalization import BiasVariance, Population, bias_variance, polynomial_family

SINE = Population(target=lambda x: np.sin(2 * x), inputs=(0.0, 3.0), noise_variance=0.04)
ALL_LOSSES = ("squared", "zero_one_domingos", "zero_one_kohavi_wolpert")
LABEL_SETS = {"text": ("ant", "bee"), "signs": (-1, 1), "halves": (0.5, 1.5), "three": ("x", "y", "z")}


def plain_loop(make_model, train, test, rows):
    (X, y), (X_test, _) = train, test
    return np.stack([make_model().fit(X[some], y[some]).predict(X_test) for some in rows])


@pytest.mark.parametrize("outputs", [1, 2])
def test_terms_of_any_estimator_are_those_of_a_plain_loop(outputs):
    train, test = regression_data(outputs)
    rows = rows_of(*train)
    found = bias_variance(
        lambda k: KNeighborsRegressor(k), train, test=test, grid={"k": [1, 5]}, resampling=rows
    )  # fmt: skip
    for place, k in enumerate([1, 5]):
        predictions = plain_loop(lambda k=k: KNeighborsRegressor(k), train, test, rows)
        bias2, variance = np.square(predictions.mean(0) - test[1]).mean(), predictions.var(0).mean()
        np.testing.assert_allclose(found.error[place], np.square(predictions - test[1]).mean(), rtol=ALGEBRA)
        np.testing.assert_allclose(found.bias2_plugin[place], bias2, rtol=ALGEBRA)
        np.testing.assert_allclose(found.variance_plugin[place], variance, rtol=ALGEBRA)
        np.testing.assert_allclose(found.variance[place], predictions.var(0, ddof=1).mean(), rtol=ALGEBRA)
        np.testing.assert_allclose(found.bias2[place], bias2 - found.variance[place] / len(rows), rtol=AUTOGRAD)
        np.testing.assert_allclose(found.point_bias2[place].mean(), found.bias2[place], rtol=AUTOGRAD)
        seen = [
            KNeighborsRegressor(k).fit(train[0][some], train[1][some]).predict(train[0][some]) - train[1][some]
            for some in rows
        ]
        np.testing.assert_allclose(found.training_error[place], np.square(seen).mean(), rtol=ALGEBRA, atol=ALGEBRA)
    np.testing.assert_allclose(found.error, found.noise + found.bias2 + found.variance, rtol=ALGEBRA)
    np.testing.assert_allclose(found.error, found.bias2_plugin + found.variance_plugin, rtol=ALGEBRA)
    assert found.identity_gap < ALGEBRA
    assert "bias2_plus_noise_squared_target_units" in found.to_frame()


def test_standard_errors_are_a_jackknife_over_rounds():
    train, test = regression_data()
    rows = rows_of(*train)
    predictions = plain_loop(LinearRegression, train, test, rows)

    def totals(some):
        variance = some.var(0, ddof=1)
        return np.array([(np.square(some.mean(0) - test[1]) - variance / len(some)).mean(), variance.mean()])

    without = np.array([totals(np.delete(predictions, place, 0)) for place in range(len(rows))])
    jackknife = np.sqrt((len(rows) - 1) * without.var(0))
    found = bias_variance(LinearRegression, train, test=test, resampling=rows)
    np.testing.assert_allclose(found.standard_error("bias2"), jackknife[0], rtol=AUTOGRAD)
    np.testing.assert_allclose(found.standard_error("variance"), jackknife[1], rtol=AUTOGRAD)


def test_known_target_separates_noise_and_meets_the_closed_form():
    # The mean of n values of variance s2, predicting at points where the truth is 0 and 2.
    population = Population(target=lambda x: 2 * x, inputs=lambda g, n: g.integers(0, 2, n) * 1.0, noise_variance=0.5)
    found = bias_variance(
        lambda: lambda X, y: lambda inputs: np.full(len(inputs), y.mean()),
        population, test=np.array([0.0, 1.0]), rounds=600, train_size=10,
    )  # fmt: skip
    truth = {"bias2": 1.0, "variance": 1.5 / 10, "error": 0.5 + 1.0 + 0.15}
    assert found.noise[0] == 0.5
    for term, value in truth.items():
        assert abs(getattr(found, term)[0] - value) < STANDARD_ERRORS * found.standard_error(term)[0], term


def test_correction_takes_the_plug_in_bias_away():
    settings = {"grid": {"degree": [3]}, "train_size": 12}
    exact = bias_variance(polynomial_family((0, 3)), SINE, rounds=20000, seed=99, **settings)
    few = [bias_variance(polynomial_family((0, 3)), SINE, rounds=5, seed=seed, **settings) for seed in range(200)]
    corrected, plug_in = (np.array([getattr(one, name)[0] for one in few]) for name in ("bias2", "bias2_plugin"))
    deviation = corrected.std() / np.sqrt(200)
    assert abs(corrected.mean() - exact.bias2[0]) < STANDARD_ERRORS * deviation
    assert plug_in.mean() - exact.bias2[0] > 2 * STANDARD_ERRORS * deviation


def test_intervals_cover():
    exact = bias_variance(polynomial_family((0, 3)), SINE, grid={"degree": [2]}, rounds=50000, train_size=20, seed=7)
    hits = dict.fromkeys(("error", "bias2", "variance"), 0)
    for seed in range(200):
        found = bias_variance(
            polynomial_family((0, 3)), SINE, grid={"degree": [2]}, rounds=60, train_size=20, seed=seed
        )
        for term in hits:
            low, high = found.interval(term)[0]
            hits[term] += low <= getattr(exact, term)[0] <= high
    assert all(170 <= count <= 200 for count in hits.values()), hits


def test_paired_difference_is_narrower_than_the_terms():
    found = bias_variance(polynomial_family((0, 3)), SINE, grid={"degree": [3], "ridge": [0.0, 1e-3]}, train_size=20)
    gap, low, high = found.difference("error", 1, 0)
    assert low < gap < high
    np.testing.assert_allclose(gap, found.error[1] - found.error[0], rtol=1e-6)
    assert high - low < np.ptp(found.interval("error")[0])


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=LABEL_SETS)
@pytest.mark.parametrize("loss", ALL_LOSSES[1:])
def test_zero_one_loss_of_any_labels(labels, loss):
    generator = np.random.default_rng(1)
    X = generator.standard_normal((160, 2))
    codes = ((X[:, 0] + X[:, 1] ** 2 > 0.5) + (X[:, 1] > 1) * (len(labels) > 2)).astype(int)
    y = np.asarray(labels)[codes]
    make_model = KNeighborsOfOne if labels[0] == 0.5 else lambda: DecisionTreeClassifier(max_depth=2, random_state=0)
    X = X[:, 0] if labels[0] == 0.5 else X  # scikit-learn takes halves for a regression
    train, test = (X[:100], y[:100]), (X[100:], y[100:])
    rows = rows_of(*train)
    found = bias_variance(make_model, train, test=test, loss=loss,
                          resampling=rows)  # fmt: skip
    predictions = plain_loop(make_model, train, test, rows)
    wrong = predictions != test[1]
    np.testing.assert_allclose(found.error[0], wrong.mean(), rtol=ALGEBRA)
    np.testing.assert_allclose(found.error[0], found.noise[0] + found.bias2[0] + found.variance[0], rtol=ALGEBRA)
    shares = np.stack([(predictions == label).mean(0) for label in labels], axis=1)
    main = np.asarray(labels)[shares.argmax(1)]
    assert found.point_prediction[0].tolist() == main.tolist()
    if loss == "zero_one_domingos":
        assert found.point_bias2[0].tolist() == (main != test[1]).tolist()
        unbiased = main == test[1]
        np.testing.assert_allclose(found.point_variance[0][unbiased], wrong.mean(0)[unbiased], atol=ALGEBRA)
        np.testing.assert_allclose(found.point_variance[0][~unbiased], wrong.mean(0)[~unbiased] - 1, atol=ALGEBRA)
    else:
        truth = np.stack([(test[1] == label) for label in labels], axis=1)
        np.testing.assert_allclose(found.bias2_plugin[0], 0.5 * np.square(shares - truth).sum(1).mean(), rtol=ALGEBRA)
        np.testing.assert_allclose(found.variance_plugin[0], 0.5 * (1 - np.square(shares).sum(1)).mean(), rtol=ALGEBRA)
        assert found.bias2[0] < found.bias2_plugin[0]


@pytest.mark.parametrize("loss", ALL_LOSSES[1:])
@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c")])
def test_zero_one_loss_with_label_noise_is_the_measured_one(loss, classes):
    population = Population(
        target=lambda x: np.asarray(classes)[np.digitize(x, np.linspace(0, 1, len(classes) + 1)[1:-1])],
        inputs=(0.0, 1.0), label_noise=0.3, classes=classes,
    )  # fmt: skip
    test = np.linspace(0.05, 0.95, 10)
    found = bias_variance(lambda: KNeighborsOfOne(), population, test=test, loss=loss, rounds=200, train_size=30)
    np.testing.assert_allclose(found.error, found.noise + found.bias2 + found.variance, rtol=ALGEBRA)
    # fresh labels and fresh training sets
    generator = np.random.default_rng(5)
    X, y = population.draw(generator, 3000, 30)
    _, fresh = Population(**{**vars(population), "inputs": test}).draw(generator, 3000, 10)
    missed = [KNeighborsOfOne().fit(X[place], y[place]).predict(test) != fresh[place] for place in range(3000)]
    error = np.mean(missed, axis=1)
    deviation = np.hypot(error.std() / np.sqrt(len(error)), found.standard_error("error")[0])
    assert abs(error.mean() - found.error[0]) < STANDARD_ERRORS * deviation


class KNeighborsOfOne:
    """Nearest neighbour on one input, without scikit-learn's overhead."""

    def fit(self, X, y):
        self.X, self.y = X, y
        return self

    def predict(self, X):
        return self.y[np.abs(X[:, None] - self.X).argmin(1)]


def test_domingos_standard_errors_follow_the_spread_between_runs():
    population = Population(target=lambda x: (x > 0.5) * 1, inputs=(0.0, 1.0), label_noise=0.2, classes=(0, 1))
    runs = [bias_variance(KNeighborsOfOne, population, test=np.linspace(0, 1, 40), loss="zero_one_domingos",
                          rounds=40, train_size=20, seed=seed) for seed in range(15)]  # fmt: skip
    said = np.mean([run.standard_error("error")[0] for run in runs])
    assert 0.6 < said / np.std([run.error[0] for run in runs]) < 1.6


def test_text_predictions_for_number_labels_are_refused():
    train, test = (np.arange(8.0)[:, None], np.arange(8) % 2), (np.arange(4.0)[:, None], np.arange(4) % 2)
    with pytest.raises(InputError, match="same type as the labels, got numbers and text"):
        bias_variance(lambda: lambda X, y: lambda inputs: np.full(len(inputs), "1"), train, test=test,
                      loss="zero_one_domingos", rounds=3)  # fmt: skip


@pytest.mark.parametrize("loss", ALL_LOSSES[1:])
def test_predictions_that_are_no_labels_are_refused(loss):
    X = np.random.default_rng(0).standard_normal((40, 2))
    with pytest.raises(InputError, match=r"predictions among the labels \[0 1 2\], got none of these"):
        bias_variance(LinearRegression, (X, np.arange(40) % 3), loss=loss)


@pytest.mark.parametrize(
    ("loss", "noise"),
    [
        ("squared", {"label_noise": 0.3, "classes": (0.0, 1.0)}),
        *((one, {"noise_variance": 0.3}) for one in ALL_LOSSES[1:]),
    ],
)
def test_noise_of_the_other_kind_of_target_is_refused(loss, noise):
    population = Population(target=lambda x: (x > 0.8) * 1.0, inputs=(0.0, 1.0), **noise)
    with pytest.raises(InputError, match=f"no {next(iter(noise))} with {loss} loss"):
        bias_variance(make_model_constant, population, train_size=5, loss=loss)


@pytest.mark.parametrize("warm", ["instance", "shared by the factory"])
@pytest.mark.usefixtures("types_unchecked")
def test_shared_estimators_are_refused_and_left_untouched(warm):
    shared = MLPRegressor(warm_start=True)
    before = vars(shared).copy()
    make_model = shared if warm == "instance" else lambda: shared
    with pytest.raises(InputError, match="expected a factory"):
        bias_variance(make_model, regression_data()[0])  # pyright: ignore[reportArgumentType]
    assert vars(shared) == before


def test_torch_modules_train_by_the_given_function_and_repeat():
    train, test = regression_data()

    def fit(module, X, y):
        inputs, targets = torch.as_tensor(X).float(), torch.as_tensor(y).float()[:, None]
        optimizer = torch.optim.LBFGS(module.parameters(), max_iter=50, line_search_fn="strong_wolfe")

        def closure():
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(module(inputs), targets)
            loss.backward()
            return loss

        optimizer.step(closure)

    state = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    arguments = {"test": test, "resampling": rows_of(*train)[:4]}
    found = bias_variance(lambda: nn.Linear(1, 1), train, fit=fit, **arguments)
    again = bias_variance(lambda: nn.Linear(1, 1), train, fit=fit, **arguments)
    assert again.to_dict() == found.to_dict()
    assert torch.equal(torch.get_rng_state(), state[0])
    assert repr(np.random.get_state()) == state[1]  # noqa: NPY002
    oracle = bias_variance(LinearRegression, train, **arguments)
    np.testing.assert_allclose(found.error, oracle.error, rtol=1e-4)
    with pytest.raises(InputError, match="how to train a torch module"):
        bias_variance(lambda: nn.Linear(1, 1), train, **arguments)


def test_a_model_that_raises_is_named():
    with pytest.raises(ModelError, match="ValueError: Expected n_neighbors <= n_samples_fit"):
        bias_variance(lambda: lambda X, y: KNeighborsClassifier(99).fit(X, y > 0).predict(X), regression_data()[0])


def test_sampling_is_named_and_disjoint_parts_are_disjoint():
    seen = []

    def make_model():
        def fit(X, y):
            seen.append(set(X[:, 0]))
            return lambda inputs: np.zeros(len(inputs))

        return fit

    found = bias_variance(make_model, regression_data()[0], resampling="disjoint", rounds=4)
    assert found.sampling.startswith("disjoint splits of 38 rows")
    assert len(set().union(*seen)) == 4 * found.train_size == 36
    assert any("12 rows, a random quarter" in caveat for caveat in found.caveats)
    kept = Population(target=np.sin, inputs=np.arange(5.0), noise_variance=1.0)
    assert "the same inputs in every round" in bias_variance(make_model_constant, kept, test=np.arange(2.0)).sampling


def make_model_constant():
    return lambda X, y: lambda inputs: np.zeros(len(inputs))


WRONG = {
    "rounds: a whole number of at least 3, got 2": {"rounds": 2},
    "train_size: a whole number of at least 1, got 0": {"train_size": 0},
    "train_size: a whole number of at least 1, got 0.5": {"train_size": 0.5},
    "as many rounds and points as the rows named": {"resampling": np.zeros((10, 4), int), "rounds": 20},
    "as many rounds .* train_size 5": {"resampling": np.zeros((10, 4), int), "train_size": 5},
    "rounds: .* at least 3, got 1": {"resampling": np.zeros((1, 4), int)},
    r"at least one value per grid axis.* got .'alpha': 0.1": {"grid": {"alpha": 0.1}},
    r"at least one value per grid axis.* got .'alpha': 'ab'": {"grid": {"alpha": "ab"}},
    "finite targets": {"test": (np.zeros((3, 1)), np.array([1.0, np.nan, 2.0]))},
    "numbers as targets of squared loss": {"test": (np.zeros((3, 1)), np.array(["a", "b", "c"]))},
    "targets of shape alike in training and at test": {"test": (np.zeros((3, 1)), np.zeros((3, 1)))},
    "a loss among squared": {"loss": "0-1"},
    "at least one value per grid axis": {"grid": {"degree": []}},
    '"bootstrap", "disjoint" or an array': {"resampling": "jackknife"},
    "at least 100 rows for 100 disjoint parts": {"resampling": "disjoint"},
    "row numbers 0..37": {"resampling": np.array([[50]])},
    r"test = \(X, y\) with as many rows": {"test": (np.zeros(3), np.zeros(2))},
}


@pytest.mark.parametrize("message", WRONG)
@pytest.mark.usefixtures("types_unchecked")
def test_wrong_arguments(message):
    with pytest.raises(InputError, match=message):
        bias_variance(make_model_constant, regression_data()[0], **WRONG[message])


def test_wrong_shapes_and_grids():
    train = regression_data()[0]
    with pytest.raises(InputError, match=r"predictions of the targets' shape \(12,\), got \(3,\)"):
        bias_variance(lambda: lambda X, y: lambda inputs: np.zeros(3), train)
    with pytest.raises(InputError, match="at least 4 rows, of which a quarter is held out, got 3"):
        bias_variance(make_model_constant, (np.zeros(3), np.zeros(3)))
    with pytest.raises(InputError, match=r"targets of shape \(n,\) for 0-1 loss"):
        bias_variance(KNeighborsOfOne, (np.zeros(9), np.zeros((9, 1), int)), loss="zero_one_domingos")
    with pytest.raises(InputError, match="labels of one type"):
        bias_variance(KNeighborsOfOne, (np.zeros(8), np.array([1, "a"] * 4, object)), loss="zero_one_domingos")
    with pytest.raises(InputError, match="finite targets, got NaN"):
        bias_variance(polynomial_family((0, 1)), (np.zeros(9), np.full(9, np.nan)), grid={"degree": [1]})
    with pytest.raises(InputError, match="train_size"):
        bias_variance(make_model_constant, SINE)
    with pytest.raises(InputError, match="where predict is a function of X, got float from function"):
        bias_variance(lambda: lambda X, y: 1.0, train)


@pytest.mark.parametrize("loss", ALL_LOSSES)
def test_the_result_says_tabulates_draws_and_travels(loss):
    population = Population(target=lambda x: (x > 0.5) * 1, inputs=(0.0, 1.0))
    found = bias_variance(KNeighborsOfOne, population, rounds=4, train_size=8, loss=loss)
    assert "\n" not in found.headline() and f"{loss.replace('_', ' ')} loss" in found.headline()
    before = found.to_dict()
    again = BiasVariance.from_dict(before)
    assert again.to_dict() == before
    found.plot()
    assert found.to_dict() == before
    assert len(found.to_frame()) == 1


def test_the_picture_marks_the_best_and_bands_the_intervals():
    found = bias_variance(polynomial_family((0, 3)), SINE, grid={"degree": range(1, 6)}, train_size=20)
    axes = found.plot()
    assert axes.get_xlabel() == "degree"
    assert len(axes.collections) == 3
    assert np.asarray(axes.lines[-1].get_xdata())[0] == found.grid_points[found.best][0]


def test_heavy_tails_are_owned_up_to():
    found = bias_variance(polynomial_family((0, 3)), SINE, grid={"degree": [12]}, train_size=14)
    assert any("heavy tails" in caveat for caveat in found.caveats)


def test_a_model_that_diverges_is_an_outcome():
    def make_model(level):
        return lambda X, y: lambda inputs: np.full(len(inputs), level)

    found = bias_variance(make_model, SINE, grid={"level": [np.inf, 0.5]}, rounds=20, train_size=5)
    assert found.best == 1
    assert np.isfinite(found.error[1]) and not np.isfinite(found.error[0])
    assert any("not finite" in caveat for caveat in found.caveats)


def test_a_run_without_any_finite_error_says_so_and_draws():
    with np.errstate(invalid="ignore"):
        found = bias_variance(lambda: lambda X, y: lambda inputs: np.full(len(inputs), np.nan), SINE, train_size=5)
        assert "loss nan" in repr(found)
        assert any("not finite" in caveat for caveat in found.caveats)
        found.plot()


def test_classes_and_truth_values_along_the_grid_are_names():
    train = regression_data()[0]
    found = bias_variance(lambda kind: kind(), train, grid={"kind": [LinearRegression, Ridge]}, rounds=3)
    assert found.grid_points == (("LinearRegression",), ("Ridge",))
    assert BiasVariance.from_dict(found.to_dict()).to_dict() == found.to_dict()
    switched = bias_variance(lambda fit_intercept: LinearRegression(fit_intercept=fit_intercept), train, rounds=3,
                             grid={"fit_intercept": [True, False]})  # fmt: skip
    assert [label.get_text() for label in switched.plot().get_xticklabels()] == ["True", "False"]


def test_parts_that_miss_the_error_by_more_than_rounding_are_owned_up_to(monkeypatch):
    from leadline.generalization import loss_decomposition

    assert not any("rounding" in caveat for caveat in bias_variance(make_model_constant, SINE, train_size=5).caveats)
    monkeypatch.setattr(loss_decomposition, "_ROUNDING", -1.0)
    assert any("rounding" in caveat for caveat in bias_variance(make_model_constant, SINE, train_size=5).caveats)
