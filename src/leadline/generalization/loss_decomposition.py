"""Bias, variance and noise of whatever a factory makes."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from leadline.core import random_state_kept, refuse, seed_of
from leadline.generalization.decomposed_error import BiasVariance
from leadline.generalization.grid_rows import GridRow, domingos_row, kohavi_wolpert_row, squared_row
from leadline.generalization.learners import fitted, made, refuse_shared_models
from leadline.generalization.linear_families import LinearFamily, nested_fits
from leadline.generalization.populations import Population
from leadline.generalization.squared_loss import FeatureSpace, terms_of_predictions
from leadline.generalization.training_sets import TrainingSets, drawn_from_population, resampled
from leadline.generalization.zero_one_loss import encoded

LOSSES = {
    "squared": "Geman, Bienenstock & Doursat (1992), Neural networks and the bias/variance dilemma",
    "zero_one_domingos": "Domingos (2000), A unified bias-variance decomposition",
    "zero_one_kohavi_wolpert": "Kohavi & Wolpert (1996), Bias plus variance decomposition for zero-one loss functions",
}
_OPERATION = "bias_variance"
_ROUNDING = 1e-12  # of the largest square in play


def bias_variance(
    make_model: Callable[..., Any],
    data: Population | tuple[Any, Any],
    *,
    grid: Mapping[str, Sequence[Any]] | None = None,
    test: Any = None,
    rounds: int | None = None,
    train_size: int | None = None,
    loss: str = "squared",
    resampling: Any = "bootstrap",
    fit: Callable[[Any, np.ndarray, np.ndarray], Any] | None = None,
    seed: int = 0,
) -> BiasVariance:
    """Split a model's error on new data into noise, squared bias and variance, in squared target units (or 0-1 loss).

    Every round trains a fresh model on its own training set; all grid points see the same training sets. That the
    parts add up to the error is checked in every run.

    Args:
        make_model: a function that makes a new, untrained model at every call, called with a grid point's values by
            name: any scikit-learn estimator (which is cloned), a torch module, or a function (X, y) -> predict. Inputs
            of shape (n,) reach estimators and modules as one column, functions as they are. A `LinearFamily` is solved
            for all sizes and ridge strengths together, several hundred times faster.
        data: a `Population` (fresh draws from a known target), or (X, y): rows of a data set.
        grid: argument name -> values; all combinations are run.
        test: with a population the test inputs (points, ...); with a data set (X_test, y_test). By default the
            population's interval or draws; a random quarter of the data set.
        rounds: number of training sets, at least 3, by default 100 or the rows named; for 0-1 loss a few hundred.
        train_size: points per training set; by default as many as the data set has, or its disjoint parts allow.
        loss: "squared" (several outputs: their mean), "zero_one_domingos" or "zero_one_kohavi_wolpert" (labels of any
            type, shape (n,)). Label noise goes with 0-1 loss, noise variance with squared loss.
        resampling: of a data set: "bootstrap", "disjoint", or row numbers (rounds, size).
        fit: trains what the factory made, (model, X, y) -> None or a predicting function; needed for torch modules.
        seed: names all random numbers, global generators included while models train.

    Returns:
        Per grid point and per test point the terms, their plug-in values and intervals, and the training error.

    Raises:
        InputError: a shared model instead of a factory, or arguments that do not fit together.
        ModelError: a model raised while it was made, trained or predicted.

    Source: Geman, Bienenstock & Doursat (1992), section 3; Domingos (2000); Kohavi & Wolpert (1996).

    >>> from leadline.generalization import Population, bias_variance, polynomial_family
    >>> sine = Population(target=np.sin, inputs=(0.0, 3.0), noise_variance=0.01)
    >>> split = bias_variance(polynomial_family((0, 3)), sine, grid={"degree": range(1, 6)}, train_size=30)
    >>> split.grid_points[split.best], bool(split.bias2[0] > split.variance[0])
    ((2,), True)
    """
    points, names = _grid_points(grid)
    _check(loss, data)
    if isinstance(data, Population):
        sets = drawn_from_population(data, test=test, rounds=rounds, train_size=train_size, seed=seed)
    else:
        sets = resampled(data, test=test, rounds=rounds, train_size=train_size, resampling=resampling, seed=seed)
    _check_targets(sets, loss)
    if isinstance(make_model, LinearFamily) and loss == "squared":
        rows = list(_linear_rows(make_model, sets, points))
    else:
        population = data if isinstance(data, Population) else None
        with random_state_kept(), np.errstate(over="ignore", invalid="ignore"):  # models that diverge are outcomes
            refuse_shared_models(make_model, points[0])
            rows = []
            for point in points:
                predictions, training_error = _all_predictions(make_model, point, fit, sets, loss, seed)
                rows.append(_row(predictions, training_error, sets, population, loss, seed))
    return _assembled(rows, sets, loss, names, points, noise_known=isinstance(data, Population))


def _grid_points(grid: Any) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    try:
        axes = {name: [_plain(value) for value in values] for name, values in dict(grid or {}).items()}
    except (TypeError, ValueError):  # no mapping, or a single value
        axes = {"": []}
    if not all(axes.values()) or any(isinstance(values, str) for values in (grid or {}).values()):
        refuse(_OPERATION, "at least one value per grid axis: {name: [values]}", grid, "leave the axis out, or list it")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())], tuple(axes)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _check(loss: str, data: Any) -> None:
    if loss not in LOSSES:
        refuse(_OPERATION, f"a loss among {', '.join(LOSSES)}", repr(loss),
               "name one; the two splits of 0-1 loss differ")  # fmt: skip
    if not isinstance(data, Population):
        return
    strange, own = ("label_noise", "noise_variance") if loss == "squared" else ("noise_variance", "label_noise")
    if getattr(data, strange):
        refuse(_OPERATION, f"no {strange} with {loss} loss", getattr(data, strange),
               f"pass {own}, or a loss for the other kind of target")  # fmt: skip


def _check_targets(sets: TrainingSets, loss: str) -> None:
    outputs = sets.targets.shape[2:]
    if outputs != sets.test_targets.shape[1:] or (outputs and loss != "squared"):
        wanted = "(n,) for 0-1 loss" if loss != "squared" else "alike in training and at test"
        refuse(_OPERATION, f"targets of shape {wanted}", f"(n, {outputs}) and {sets.test_targets.shape}",
               "pass e.g. y.ravel()")  # fmt: skip
    for targets in (sets.targets, sets.test_targets):
        if targets.dtype.kind == "f" and not np.isfinite(targets).all():
            refuse(_OPERATION, "finite targets", "NaN or infinity", "drop these rows or correct the target function")
        if loss != "squared" and targets.dtype == object and len({type(label) for label in targets.flat}) > 1:
            refuse(_OPERATION, "labels of one type", "several", "let all be text, or all numbers")
        if loss == "squared" and targets.dtype.kind not in "fiub":
            refuse(_OPERATION, "numbers as targets of squared loss", f"type {targets.dtype}",
                   'pass numbers, or loss="zero_one_domingos"')  # fmt: skip


def _linear_rows(family: LinearFamily, sets: TrainingSets, points: list[dict[str, Any]]) -> Iterator[GridRow]:
    sizes, ridges = family.axes(points)
    rounds, size = sets.targets.shape[:2]
    features = family.matrix(sets.inputs.reshape(rounds * size, *sets.inputs.shape[2:]), sizes[-1])
    space = FeatureSpace(family.matrix(sets.test_inputs, sizes[-1]), _columns(sets.test_targets))
    fits = nested_fits(
        features.reshape(rounds, size, -1),
        sets.targets.reshape(rounds, size, -1).astype(float),
        columns=[family.columns(one) for one in sizes],
        ridges=ridges,
        root=family.penalty_root(sizes[-1]),
    )
    found = {}
    for key, fit in zip(itertools.product(sizes, ridges), fits, strict=True):
        notes = ()
        if fit.deficient:
            notes = (f"{family.size_name} {key[0]}: {fit.deficient} training sets with fewer independent rows than "
                     "columns, fitted with the least norm of coefficients",)  # fmt: skip
        found[key] = squared_row(
            space.terms(fit.coefficients), noise=sets.noise_variance or 0.0,
            training_error=float(fit.training_error.mean()), notes=notes,
        )  # fmt: skip
    for point in points:
        yield found[point[family.size_name], float(point.get("ridge", 0.0))]


def _row(
    predictions: np.ndarray, training_error: float, sets: TrainingSets, population: Population | None, loss: str,
    seed: int,
) -> GridRow:  # fmt: skip
    if loss == "squared":
        terms = terms_of_predictions(predictions.astype(float), _columns(sets.test_targets))
        return squared_row(terms, noise=sets.noise_variance or 0.0, training_error=training_error)
    known = np.asarray(population.classes) if population and population.classes else np.unique(sets.targets)
    label_noise = float(population.label_noise) if population else 0.0
    labels = encoded(predictions, sets.test_targets, known, label_noise)
    if loss == "zero_one_kohavi_wolpert":
        return kohavi_wolpert_row(labels, training_error=training_error)
    return domingos_row(labels, training_error=training_error, seed=seed)


def _columns(targets: np.ndarray) -> np.ndarray:
    return targets.reshape(len(targets), -1).astype(float)


def _all_predictions(
    make_model: Callable[..., Any], point: dict[str, Any], fit: Any, sets: TrainingSets, loss: str, seed: int
) -> tuple[np.ndarray, float]:
    predictions, errors = [], []
    for place in range(sets.rounds):
        _seed_globals(seed_of("bias_variance", seed, "round", place))
        X, y = sets.inputs[place], sets.targets[place]
        predict = fitted(made(make_model, point), fit, X, y)
        predictions.append(_shaped(predict(sets.test_inputs), sets.test_targets, loss))
        seen = _shaped(predict(X), y, loss)
        errors.append(np.mean(np.square(seen - y.reshape(seen.shape)) if loss == "squared" else seen != y))
    return np.stack(predictions), float(np.mean(errors))


def _seed_globals(seed: int) -> None:
    """Models may draw their first weights from the global generators; the caller's states are kept elsewhere."""
    import random
    import sys

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - scikit-learn's default source
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _shaped(predicted: np.ndarray, targets: np.ndarray, loss: str) -> np.ndarray:
    if predicted.size != targets.size or not predicted.ndim or len(predicted) != len(targets):
        refuse(_OPERATION, f"predictions of the targets' shape {targets.shape}", predicted.shape,
               "predict one value or label per target")  # fmt: skip
    if loss == "squared" and predicted.dtype.kind not in "fiub":
        refuse(_OPERATION, "predictions that are numbers", f"type {predicted.dtype}", "predict numbers")
    return predicted.reshape(len(targets), -1) if loss == "squared" else predicted.reshape(targets.shape)


def _named(value: Any) -> Any:
    """Classes, functions and other objects by name, since a result holds what can be stored."""
    if value is None or isinstance(value, bool | int | float | str | tuple | list):
        return value
    return getattr(value, "__name__", str(value))


def _assembled(
    rows: list[GridRow], sets: TrainingSets, loss: str, names: tuple[str, ...], points: list[dict[str, Any]],
    *, noise_known: bool,
) -> BiasVariance:  # fmt: skip
    gap = max((row.gap for row in rows if np.isfinite(row.gap)), default=0.0)
    replicates = [np.stack([row.replicates[place] for row in rows]) for place in range(3)]
    point = {name: np.stack([row.point[name] for row in rows]) for name in rows[0].point}
    caveats = () if noise_known else ("the noise of the data set is unknown and part of the bias",)
    if gap > _ROUNDING:
        caveats += (f"the parts miss the measured error by {gap:.1g} of the largest square: rounding",)
    return BiasVariance(
        loss=loss,
        sampling=sets.sampling,
        rounds=sets.rounds,
        train_size=sets.size,
        noise_known=noise_known,
        grid_names=names,
        grid_points=tuple(tuple(_named(value) for value in one.values()) for one in points),
        error=replicates[0].mean(1),
        noise=np.array([row.noise for row in rows]),
        bias2=replicates[1].mean(1),
        variance=replicates[2].mean(1),
        bias2_plugin=np.array([row.bias2_plugin for row in rows]),
        variance_plugin=np.array([row.variance_plugin for row in rows]),
        training_error=np.array([row.training_error for row in rows], dtype=float),
        error_replicates=replicates[0],
        bias2_replicates=replicates[1],
        variance_replicates=replicates[2],
        test_inputs=sets.test_inputs,
        point_prediction=point["prediction"],
        point_error=point["noise"] + point["bias2"] + point["variance"],
        point_noise=point["noise"],
        point_bias2=point["bias2"],
        point_variance=point["variance"],
        point_c1=point.get("c1"),
        point_c2=point.get("c2"),
        identity_gap=gap,
        caveats=(*sets.caveats, *caveats, *dict.fromkeys(note for row in rows for note in row.notes)),
        sources=(LOSSES[loss],),
    )
