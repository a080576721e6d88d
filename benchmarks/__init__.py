"""Leadline beside its peers, one file per instrument; `python -m benchmarks` runs them all."""

import time
from collections.abc import Callable

_IN_A_ROW = 3


def quietest(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Seconds of processor time of each run, the least of several.

    They take turns, so that drift meets all alike, of a few runs each, so that each finds memory and caches as it left
    them itself, and not as a greedier one did.
    """
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            for _ in range(_IN_A_ROW):
                began = time.process_time()
                run()
                best[name] = min(best[name], time.process_time() - began)
    return best
