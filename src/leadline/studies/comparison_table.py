"""The table that opens many studies' exhibits: what was stated, what was found, how it came out."""

from collections.abc import Iterable
from typing import Any

from leadline.claims import Check, Table, statements


def stated_against_found(checks: Iterable[Check], observation: Any, *, title: str = "Stated and found") -> Table:
    """One row per claim that the checks decide."""
    rows = []
    for check in checks:
        stated, evidence = statements()[check.claim].stated, check.evidence(observation)
        rows.append((check.claim, _cell(stated), _cell(evidence.found), str(evidence.verdict), evidence.condition))
    return Table(title=title, columns=("claim", "stated", "found", "verdict", "condition"), rows=tuple(rows))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_cell(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return " ".join(_cell(one) for one in value) if all(isinstance(one, int) for one in value) else "; ".join(
            map(_cell, value))  # fmt: skip
    return str(value)
