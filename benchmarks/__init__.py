"""Leadline beside its peers, one file per instrument; `python -m benchmarks` runs them all."""

import time
from collections.abc import Callable


def quietest(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of processor time of each run, the least of several; they take turns, so that drift meets all alike."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - began)
    return best
