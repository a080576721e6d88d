"""Grid search of regularized linear regression by stochastic gradient descent, beside ridge regression."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from torch import nn

from leadline.core import DivergedError
from leadline.data import embedded_set
from leadline.generalization.lawful_numbers import numbers
from leadline.generalization.regression_rows import RegressionRows, Rows, regression_rows
from leadline.generalization.ridge_paths import RidgePath, ridge_path
from leadline.generalization.searched_settings import ChosenFit, LinearRegressionGrid, diverged, excess
from leadline.models import mlp
from leadline.training import Optimizer, Recipe, Trained, train_ensemble

_OPERATION = "linear_regression_grid"
_DEFAULT = "diabetes-regression"
BATCH_SIZES, EPOCHS, STRENGTHS = (8, 16, 32, 64), (3, 10, 30, 100), (0.001, 0.01, 0.1, 1.0)
_PATH = 10.0 ** np.linspace(-6, 3, 181)  # strengths of the finer ridge path
_SOURCES = ("CS/DS 541 Deep Learning, homework 2, problem 3 (fall 2023)",
            "Hoerl & Kennard 1970 (ridge regression)")  # fmt: skip


@dataclass(frozen=True)
class _BiasSpared(Optimizer):
    """The same update, with weight decay for all parameters but biases."""

    def update(self, parameters: Any, gradients: Any, memory: Any, hyper: Any, **options: Any) -> Any:
        moved = {}
        for name in parameters:
            own = {**hyper, "weight_decay": 0.0} if name.endswith("bias") else hyper
            one = ({name: parameters[name]}, {name: gradients[name]}, {})
            moved |= super().update(*one, own, **options)[0]
        return moved, memory


def linear_regression_grid(
    data: Rows | None = None,
    *,
    validation: Rows | float = 0.2,
    test: Rows | float = 0.2,
    batch_sizes: Sequence[int] | None = None,
    lrs: Sequence[float] | None = None,
    epochs: Sequence[int] = EPOCHS,
    l2: Sequence[float] = STRENGTHS,
    seed: int = 0,
    progress: bool = False,
) -> LinearRegressionGrid:
    """Half mean squared error of linear regression by SGD, for every setting of a grid; the best one is tested once.

    A setting's training makes 1/(2n) |X w + b - y|^2 + l2/2 |w|^2 small by plain SGD from w = 0, b = 0; the bias is
    not penalized. Inputs are standardized by the training rows. One ensemble trains all settings. At a constant
    learning rate a long run passes through the states at which shorter ones end, so one run, looked at after every
    epoch, serves all numbers of epochs. The setting with the least validation error is trained again alone, which
    gives the same bits, and meets the test rows. It is not fitted again on the validation rows.

    Args:
        data: (X, y): inputs (rows, features) or (rows, height, width) and real targets; None: the embedded diabetes
            regression.
        validation: the rows (X, y) to choose by, or which share of `data` less the test rows to set aside.
        test: the rows (X, y) to test on, or which share of `data`.
        batch_sizes: rows per step, none more than there are to train on; None: 8, 16, 32 and 64, where so many are.
        lrs: learning rates; None: four of ..., 0.01, 0.03, 0.1, ..., the last below the reciprocal of the mean squared
            length of a standardized input with its constant 1, beyond which single rows overshoot.
        epochs: passes over the training rows.
        l2: strengths of the penalty.
        seed: names the split and the order of the rows, which is the same for all settings.
        progress: show a progress bar on standard error.

    Returns:
        Validation error of every setting, NaN where it left the finite numbers, the chosen one's weights (in units of
        the inputs as given) and test error, and the same for ridge regression in closed form, its strength chosen from
        `l2` and from a finer path by the same validation rows.

    Raises:
        InputError: arrays that do not belong together, or an empty or unlawful axis.
        DivergedError: no setting is left to choose, as all of them diverged.

    Source: CS/DS 541 homework 2, problem 3; Hoerl & Kennard (1970).

    >>> X = np.random.default_rng(0).standard_normal((60, 2))
    >>> found = linear_regression_grid((X, X @ [1.0, 2.0] + 3), batch_sizes=[4], epochs=[30, 60], l2=[0.001])
    >>> found.settings, found.fit.weights.round(1).tolist(), round(found.fit.bias, 1)
    (8, [1.0, 2.0], 3.0)
    """
    if data is None:
        embedded = embedded_set(_DEFAULT)
        data = embedded.inputs, embedded.targets
        name = _DEFAULT
    else:
        name = "the data given"
    rows = regression_rows(data, validation, test, seed)
    problem = _Problem(rows, seed)
    count = len(rows.train[0])
    if batch_sizes is None:
        batch_sizes = [size for size in BATCH_SIZES if size <= count] or [count]
    axes = {"batch_sizes": batch_sizes, "lrs": problem.rates() if lrs is None else lrs, "l2": l2, "epochs": epochs}
    grid = _grid(axes, count)
    trained = problem.train(list(product(*grid[:3])), max(grid[3]), progress=progress)
    history = trained.history
    losses = np.full((max(grid[3]), history.members), np.nan)  # evaluations end where the last member does
    losses[: len(history.metrics)] = history.metrics[:, :, 0]
    losses = losses[np.array(grid[3]) - 1]
    errors = losses.T.reshape([len(axis) for axis in grid]) / 2  # the loss in training is the whole mean square
    steps = np.ceil(count / np.array(grid[0]))[:, None, None, None] * np.array(grid[3])
    lost_at = history.diverged_at.reshape(errors.shape[:3])[..., None]
    errors[((lost_at >= 0) & (lost_at < steps)) | ~np.isfinite(errors)] = np.nan
    untrained = float(np.square(rows.validation[1]).mean() / 2)
    lost = diverged(errors, untrained)
    if lost.all():
        raise DivergedError(_OPERATION, expected="a setting that does not diverge", got=f"{lost.size} that do",
                            remedy=f"pass lrs below {min(grid[1]):g}")  # fmt: skip
    places = np.unravel_index(int(np.where(lost, np.inf, errors).argmin()), errors.shape)
    size, rate, strength, passes = (axis[place] for axis, place in zip(grid, places, strict=True))
    alone = problem.train([(int(size), rate, strength)], int(passes)).parameters()
    path = problem.ridge(_PATH)
    return LinearRegressionGrid(
        data=name,
        rows=(count, len(rows.validation[0]), len(rows.test[0])),
        **dict(zip(("batch_sizes", "lrs", "l2", "epochs"), grid, strict=True)),
        half_mse=errors,
        untrained_half_mse=untrained,
        fit=problem.chosen(strength, alone["0.weight"].numpy()[0], alone["0.bias"].item()),
        ridge=problem.best_ridge(problem.ridge(np.array(grid[2]))),
        ridge_path=problem.best_ridge(path),
        path_l2=path.strengths,
        path_half_mse=path.half_mse(*problem.validation),
        objective_gap=problem.gaps(trained, np.array(grid[2])),
        seed=seed,
        caveats=(
            "Of many runs with noise the best on a few validation rows is in part lucky, and a run that ends early "
            "is no ridge fit: its validation error may be below every ridge's without its test error being so.",
        ),
        sources=_SOURCES,
    )


class _Problem:
    """Standardized rows, and what is fitted to them."""

    def __init__(self, rows: RegressionRows, seed: int) -> None:
        self.rows, self.seed = rows, seed
        self.fitted, self.validation = rows.standardized(rows.train), rows.standardized(rows.validation)

    def rates(self) -> tuple[float, ...]:
        """Four learning rates, the last about as large as single rows bear."""
        edge = 1 / (1 + np.square(self.fitted[0]).sum(1).mean())
        half_decades = int(np.floor(2 * np.log10(edge))) + np.arange(-3, 1)
        return tuple(float(f"{10.0 ** (half / 2):.0e}") for half in half_decades)

    def train(self, settings: Sequence[tuple[int, float, float]], epochs: int, *, progress: bool = False) -> Trained:
        """One ensemble of all settings (batch size, learning rate, strength)."""
        # Half the rate times twice the loss and penalty: the same steps, bit for bit, and twice as fast, since the
        # ensemble has the derivative of the mean square written out.
        recipes = [
            Recipe(lr=rate / 2, weight_decay=2 * strength, batch_size=size, epochs=epochs, loss="mse",
                   optimizer=_BiasSpared("sgd"), seed=self.seed)
            for size, rate, strength in settings
        ]  # fmt: skip
        (inputs, targets), (others, truth) = self.fitted, self.validation
        return train_ensemble(self._untrained, (inputs, targets[:, None]), recipes, progress=progress,
                              validation=(others, truth[:, None]))  # fmt: skip

    def ridge(self, strengths: np.ndarray) -> RidgePath:
        """In closed form."""
        return ridge_path(*self.fitted, strengths)

    def gaps(self, trained: Trained, strengths: np.ndarray) -> np.ndarray:
        """By strength: the penalized training loss of the best last state over its minimum, less one."""
        weights, biases = (np.stack([state.parameters[f"0.{name}"].numpy() for state in trained.states])
                           for name in ("weight", "bias"))  # fmt: skip
        every = np.tile(strengths, len(weights) // len(strengths))  # the last of the axes that members run along
        runs = RidgePath(strengths=every, weights=weights[:, 0], biases=biases[:, 0])
        with np.errstate(over="ignore", invalid="ignore"):  # of what diverged
            reached = runs.objective(*self.fitted).reshape(-1, len(strengths))
        best = np.where(np.isfinite(reached), reached, np.inf).min(0)
        return excess(best, self.ridge(strengths).objective(*self.fitted))

    def best_ridge(self, path: RidgePath) -> ChosenFit:
        """The strength with the least validation error."""
        best = int(path.half_mse(*self.validation).argmin())
        return self.chosen(float(path.strengths[best]), path.weights[best], float(path.biases[best]))

    def chosen(self, strength: float, weights: np.ndarray, bias: float) -> ChosenFit:
        """A fit in the units of the inputs; it meets the test rows here and nowhere else."""
        weights = weights / self.rows.scale
        bias -= float(self.rows.centre @ weights)
        errors, test_errors = (np.square(inputs @ weights + bias - targets) / 2
                               for inputs, targets in (self.rows.validation, self.rows.test))  # fmt: skip
        spread = test_errors.std(ddof=1) / np.sqrt(len(test_errors)) if len(test_errors) > 1 else np.nan
        return ChosenFit(l2=strength, weights=weights, bias=bias, validation_half_mse=float(errors.mean()),
                         test_half_mse=float(test_errors.mean()), test_standard_error=float(spread))  # fmt: skip

    def _untrained(self) -> nn.Sequential:
        model = mlp([self.fitted[0].shape[1], 1]).double()
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
        return model


def _grid(axes: dict[str, Sequence[Any]], rows: int) -> list[tuple[Any, ...]]:
    bounds = {"batch_sizes": {"least": 1, "most": rows, "whole": True}, "lrs": {"above": 0},
              "epochs": {"least": 1, "whole": True}, "l2": {"least": 0}}  # fmt: skip
    grid = []
    for name, values in axes.items():
        axis = np.unique(numbers(_OPERATION, name, values, **bounds[name]))
        grid.append(tuple(axis.astype(int).tolist() if "whole" in bounds[name] else axis.tolist()))
    return grid
