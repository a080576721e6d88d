"""`bias_variance` beside mlxtend's `bias_variance_decomp`, on the same bootstrap draws.

    python -m benchmarks.bias_variance [--rounds N]

Polynomial degrees 1..10, 200 bootstrap rounds, 50 training points, 1000 test points. The two take turns, and every
ratio is between neighbours in time; processor time of one thread. mlxtend is given scikit-learn's pipeline of
`PolynomialFeatures` and `LinearRegression`, ours first the polynomial family (one batched solve), then the same
pipeline as a factory.
"""

import argparse
import importlib
import statistics
import time
from collections.abc import Callable

import numpy as np

DEGREES, ROUNDS, POINTS, TEST_POINTS = range(1, 11), 200, 50, 1000
TARGET, AGREEMENT = 150.0, 1e-10

Totals = np.ndarray  # (degrees, 3): loss, bias^2, variance


def data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Noisy training and test rows of a sine on [-1, 1]."""
    generator = np.random.default_rng(0)
    X, X_test = (generator.uniform(-1, 1, (count, 1)) for count in (POINTS, TEST_POINTS))
    y, y_test = (np.sin(4 * x[:, 0]) + 0.3 * generator.standard_normal(len(x)) for x in (X, X_test))
    return (X, y), (X_test, y_test)


def rows_of_mlxtend(count: int, seed: int) -> np.ndarray:
    """The rows that mlxtend draws for a seed."""
    generator = np.random.RandomState(seed)  # mlxtend's generator
    return np.stack([generator.choice(np.arange(count), size=count, replace=True) for _ in range(ROUNDS)])


def pipeline(degree: int) -> object:
    """A polynomial regression of scikit-learn."""
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    return make_pipeline(PolynomialFeatures(degree), LinearRegression())


def theirs(train: tuple, test: tuple) -> Totals:
    """mlxtend, one call per degree."""
    decompose = importlib.import_module("mlxtend.evaluate").bias_variance_decomp
    return np.array([
        decompose(pipeline(degree), *train, *test, loss="mse", num_rounds=ROUNDS, random_seed=0) for degree in DEGREES
    ])  # fmt: skip


def ours(make_model: Callable) -> Callable[[tuple, tuple], Totals]:
    """One call for all degrees."""

    def run(train: tuple, test: tuple) -> Totals:
        from leadline.generalization import bias_variance

        split = bias_variance(make_model, train, test=test, grid={"degree": DEGREES},
                              resampling=rows_of_mlxtend(POINTS, 0))  # fmt: skip
        return np.stack([split.error, split.bias2_plugin, split.variance_plugin], axis=1)

    return run


def seconds(run: Callable, train: tuple, test: tuple, repeats: int = 1) -> tuple[float, Totals]:
    """Processor time of one run, and what it returns."""
    started = time.process_time()
    totals = run(train, test)
    for _ in range(repeats - 1):
        run(train, test)
    return (time.process_time() - started) / repeats, totals


def main() -> None:
    """Print the table of ratios."""
    from threadpoolctl import threadpool_limits

    from leadline.generalization import polynomial_family

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns that each contender gets")
    turns = parser.parse_args().rounds
    train, test = data()
    contenders = {"batched solve": (ours(polynomial_family((-1, 1))), 20), "same pipeline": (ours(pipeline), 1)}
    try:
        importlib.import_module("mlxtend")
    except ImportError:
        print("mlxtend is not installed: no ratios")
    else:
        contenders = {"mlxtend": (theirs, 1), **contenders}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    found: dict[str, Totals] = {}
    with threadpool_limits(1):
        for _ in range(turns):
            for name, (run, repeats) in contenders.items():
                spent, found[name] = seconds(run, train, test, repeats)
                times[name].append(spent)
    first = next(iter(times))
    print(f"{'':16s} {'ms (least)':>11s} {first + ' / it':>14s} {'largest relative difference':>28s}")
    for name, spent in times.items():
        ratio = statistics.median(np.divide(times[first], spent))
        apart = np.max(np.abs(found[name] / found[first] - 1))
        print(f"{name:16s} {1e3 * min(spent):11.2f} {ratio:14.1f} {apart:28.2e}")
    print(f"target for the batched solve: {TARGET:g} and {AGREEMENT:g}")


if __name__ == "__main__":
    main()
