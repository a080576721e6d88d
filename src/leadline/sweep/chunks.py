"""The computation of chunks, where a worker does it: nothing a job does gets out except as an outcome."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from leadline.sweep.jobs import function_of, travel_of
from leadline.sweep.outcomes import Outcome, failure_of, outcome_of


def compute(name: str, chunks: Sequence[Sequence[str]], budget_s: float) -> list[list[Outcome]]:
    """The outcomes of the first chunks, one at least, as many as begin within the budget.

    Args:
        name: the function.
        chunks: the arguments of the members of each chunk, as JSON text.
        budget_s: no further chunk begins when these seconds have passed.
    """
    function = function_of(name)
    each = _one_by_one if travel_of(function) is None else _batch
    began, outcomes = time.perf_counter(), []
    for chunk in chunks:
        outcomes.append(each(function, chunk))
        if time.perf_counter() - began > budget_s:
            break
    return outcomes


def _one_by_one(function: Callable[..., Any], members: Sequence[str]) -> list[Outcome]:
    return [_outcome(lambda text=text: function(**json.loads(text))) for text in members]


def _batch(function: Callable[..., Any], members: Sequence[str]) -> list[Outcome]:
    began = time.perf_counter()
    try:
        results = list(function([json.loads(text) for text in members]))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a job raises is a row
        if len(members) == 1:
            return [failure_of(error, time.perf_counter() - began)]
        # Alone, each shows whether it is the one at fault.
        return [outcome for member in members for outcome in _batch(function, [member])]
    if len(results) != len(members):
        lacking = ValueError(f"the function returned {len(results)} results for {len(members)} members")
        results = [lacking] * len(members)
    share = (time.perf_counter() - began) / len(members)
    return [_outcome(lambda result=result: result)._replace(seconds=share) for result in results]


def _outcome(call: Callable[[], Any]) -> Outcome:
    began = time.perf_counter()
    try:
        returned = call()
        return outcome_of(returned, time.perf_counter() - began)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a job raises is a row
        return failure_of(error, time.perf_counter() - began)
