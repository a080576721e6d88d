"""Curves beside their peers: time as a ratio to one scikit-learn `roc_curve` call and to a bare `np.argsort`.

Every round runs all contestants one after the other on the same arrays; the minimum over the rounds counts, so load
from outside weighs on all alike. Run: python -m benchmarks.curves [--rows 10000000] [--rounds 5]
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn import metrics

from leadline.evaluation import bootstrap_intervals, count_confusion, score_curves

KINDS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "float64, 10% positive": lambda labels, generator: generator.normal(size=labels.size) + labels,
    "probabilities, float64": lambda labels, generator: 1 / (1 + np.exp(-generator.normal(size=labels.size) - labels)),
    "float32": lambda labels, generator: (generator.normal(size=labels.size) + labels).astype(np.float32),
    "tied to 0.01": lambda labels, generator: np.round(generator.normal(size=labels.size) + labels, 2),
    "random scorer": lambda labels, generator: generator.random(labels.size),
}
PEER_ROWS = 100_000  # the published algorithm takes minutes beyond this on random scores


def all_curves(labels: np.ndarray, scores: np.ndarray, *, drop_collinear: bool) -> tuple[np.ndarray, ...]:
    """All three curves as arrays, and all areas."""
    found = score_curves(labels, scores, drop_collinear=drop_collinear)
    roc, precision_recall, gain = found.roc, found.precision_recall, found.precision_recall_gain
    return roc.fpr, roc.tpr, precision_recall.precision, gain.precision_gain, gain.recall_gain


def fastest(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Least seconds and least processor seconds of so many rounds, for each contestant."""
    best = dict.fromkeys(contestants, (np.inf, np.inf))
    for _ in range(rounds):
        for name, run in contestants.items():
            started, used = time.perf_counter(), time.process_time()
            run()
            least, least_used = best[name]
            best[name] = min(least, time.perf_counter() - started), min(least_used, time.process_time() - used)
    return best


def measure_speed(rows: int, rounds: int) -> None:
    """Print seconds and ratios for every kind of score."""
    print(f"{rows:,} rows, fastest of {rounds} interleaved rounds")
    print(f"{'scores':26}{'contestant':42}{'s':>7}{'x argsort':>13}{'x roc_curve':>13}   (processor time)")
    for kind, make in KINDS.items():
        generator = np.random.default_rng(0)
        labels = (generator.random(rows) < 0.1).astype(np.int64)
        scores = make(labels, generator)
        found = fastest(
            {
                "np.argsort": partial(np.argsort, scores),
                "scikit-learn roc_curve": partial(metrics.roc_curve, labels, scores),
                "leadline counts": partial(count_confusion, labels, scores),
                "leadline counts and areas": partial(score_curves, labels, scores),
                "leadline all areas, arrays of corners": partial(all_curves, labels, scores, drop_collinear=True),
                "leadline all areas, arrays of all points": partial(all_curves, labels, scores, drop_collinear=False),
            },
            rounds,
        )
        for name, times in found.items():
            to_sort, to_curve = (
                tuple(one / other for one, other in zip(times, found[peer], strict=True))
                for peer in ("np.argsort", "scikit-learn roc_curve")
            )
            ratios = "".join(f"{wall:6.2f} ({used:.2f})" for wall, used in (to_sort, to_curve))
            print(f"{kind:26}{name:42}{times[0]:7.3f}{ratios}")


def measure_memory(rows: int) -> None:
    """Print the peak of traced bytes per row."""
    generator = np.random.default_rng(0)
    labels = generator.random(rows) < 0.1
    scores = generator.normal(size=rows) + labels
    for name, run in (("leadline counts", count_confusion), ("scikit-learn roc_curve", metrics.roc_curve)):
        tracemalloc.start()
        run(labels, scores)
        print(f"{name:40}{tracemalloc.get_traced_memory()[1] / rows:8.1f} bytes per row at the peak")
        tracemalloc.stop()


def measure_published_gain_curve() -> None:
    """Print the published package's time beside ours, where it is installed (pip install pyprg)."""
    try:
        from prg import prg
    except ImportError:
        print("published gain curve: not installed (pip install pyprg)")
        return
    if not hasattr(np, "alen"):
        setattr(np, "alen", lambda values: len(values) if hasattr(values, "__len__") else 1)  # noqa: B010 - gone since
    generator = np.random.default_rng(0)
    labels = (generator.random(PEER_ROWS) < 0.1).astype(np.int64)
    for kind, scores in (
        ("random scorer", generator.random(PEER_ROWS)),
        ("good scorer", generator.normal(size=PEER_ROWS) + labels),
    ):
        found = fastest(
            {
                "published": lambda scores=scores: prg.calc_auprg(prg.create_prg_curve(labels, scores)),
                "leadline": lambda scores=scores: score_curves(labels, scores).areas.auprg,
            },
            2,
        )
        published, ours = found["published"][0], found["leadline"][0]
        print(f"gain curve, {kind}, {PEER_ROWS:,} rows: published {published:.3f} s, "
              f"leadline {ours:.4f} s: {published / ours:.0f}x")  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args([] if __name__ != "__main__" else None)
    measure_speed(options.rows, options.rounds)
    measure_memory(min(options.rows, 1_000_000))
    measure_published_gain_curve()
    generator = np.random.default_rng(0)
    labels = generator.random(10_000) < 0.1
    scores = generator.normal(size=labels.size) + labels
    seconds = fastest({"bootstrap": lambda: bootstrap_intervals(labels, scores)}, 2)["bootstrap"][0]
    print(f"bootstrap, 1000 replicates of 10,000 rows, all areas and bands: {seconds:.2f} s")


if __name__ == "__main__":
    main()
