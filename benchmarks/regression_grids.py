"""`linear_regression_grid` beside scikit-learn's `GridSearchCV` over `SGDRegressor` and beside a plain torch loop.

    python -m benchmarks.regression_grids [--threads N] [--clock wall|cpu] [--rounds N]

256 settings of L2-regularized linear regression by SGD on the embedded diabetes regression: four batch sizes, learning
rates, strengths and numbers of epochs, chosen on the same validation rows. Contenders take turns; the quietest round
counts. Ours and the torch loop train the same settings. `SGDRegressor` steps row by row, so batch size does not exist
there; in its place it is given four seeds, which makes the number of fits the same, each of as many epochs, and every
fit takes as many steps as ours would at batch size 1. The last row is ours at that: the 64 settings of one seed, whose
time is multiplied by four.
"""

import argparse
import time
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import nn

from leadline.data import embedded_set
from leadline.generalization import linear_regression_grid
from leadline.generalization.grid_searches import BATCH_SIZES, EPOCHS, STRENGTHS
from leadline.generalization.regression_rows import RegressionRows, regression_rows

LRS = (0.001, 0.003, 0.01, 0.03)
SEEDS = range(4)


def ours(rows: RegressionRows) -> float:
    """One call; the least validation error, half the mean square."""
    found = linear_regression_grid(rows.train, validation=rows.validation, test=rows.test, lrs=LRS)
    return found.fit.validation_half_mse


def ours_by_rows(rows: RegressionRows) -> float:
    """The settings of `SGDRegressor` for one of its seeds: batch size 1."""
    found = linear_regression_grid(rows.train, validation=rows.validation, test=rows.test, lrs=LRS, batch_sizes=[1])
    return found.fit.validation_half_mse


def scikit_learn(rows: RegressionRows) -> float:
    """Its grid search over as many fits, with the same validation rows; no refit."""
    from sklearn.linear_model import SGDRegressor
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    (X, y), (X_val, y_val) = (rows.standardized(some) for some in (rows.train, rows.validation))
    fold = np.repeat([-1, 0], [len(X), len(X_val)])
    model = SGDRegressor(learning_rate="constant", tol=None)
    grid = {"eta0": LRS, "alpha": STRENGTHS, "max_iter": EPOCHS, "random_state": list(SEEDS)}
    search = GridSearchCV(model, grid, cv=PredefinedSplit(fold), scoring="neg_mean_squared_error", refit=False)
    search.fit(np.concatenate([X, X_val]), np.concatenate([y, y_val]))
    return -search.best_score_ / 2


def torch_loop(rows: RegressionRows) -> float:
    """Every setting in turn, as everyone writes it, over arrays in memory."""
    data = [torch.from_numpy(part) for some in (rows.train, rows.validation) for part in rows.standardized(some)]
    return min(trained(*data, *setting) for setting in product(BATCH_SIZES, LRS, STRENGTHS, EPOCHS))


def trained(X: torch.Tensor, y: torch.Tensor, X_val: torch.Tensor, y_val: torch.Tensor, size: int, lr: float,
            strength: float, epochs: int) -> float:  # fmt: skip
    """Half the mean squared error on the validation rows."""
    model = nn.Linear(X.shape[1], 1).double()
    parts = [{"params": [model.weight], "weight_decay": strength}, {"params": [model.bias]}]
    optimizer = torch.optim.SGD(parts, lr=lr)
    for _ in range(epochs):
        places = torch.randperm(len(X))
        for start in range(0, len(X), size):
            some = places[start : start + size]
            loss = (model(X[some])[:, 0] - y[some]).square().mean() / 2
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return float((model(X_val)[:, 0] - y_val).square().mean() / 2)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    diabetes = embedded_set("diabetes-regression")
    rows = regression_rows((diabetes.inputs, diabetes.targets), 0.2, 0.2, seed=0)
    runs: dict[str, Callable[[RegressionRows], float]] = {
        "leadline": ours, "GridSearchCV": scikit_learn, "torch loop": torch_loop, "leadline by rows": ours_by_rows,
    }  # fmt: skip
    best, errors = dict.fromkeys(runs, float("inf")), dict.fromkeys(runs, float("nan"))
    for _ in range(options.rounds):
        for name, run in runs.items():
            began = clock()
            errors[name] = run(rows)
            seconds = (clock() - began) * (len(SEEDS) if run is ours_by_rows else 1)
            best[name] = min(best[name], seconds)
    print(f"{options.clock} clock, {options.threads} threads; 256 settings each")
    print(f"{'':18}{'seconds':>9}{'/ ours':>8}{'least validation half MSE':>27}")
    for name, seconds in best.items():
        print(f"{name:18}{seconds:9.2f}{seconds / best['leadline']:8.1f}{errors[name]:27.1f}", flush=True)


if __name__ == "__main__":
    main()
