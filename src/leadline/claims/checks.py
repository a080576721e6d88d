"""Checks: a claim made formal, the procedure that decides it, and an assertion that must come out otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leadline.claims.evidence import Evidence
from leadline.claims.statements import statements


@dataclass(frozen=True, kw_only=True)
class Check:
    """Decides one claim from what a study observed.

    `procedure(observation, asserted)` returns the evidence for the assertion it is given, whichever that is, so the
    same procedure can be fed the claim as published and a claim that says something else.

    Args:
        claim: id of the claim.
        procedure: (observation, asserted) -> Evidence.
        asserted: the claim in the procedure's terms; None takes the value that the source states.
        altered: an assertion for which the verdict must come out otherwise; every check is tested with it.
    """

    claim: str
    procedure: Callable[[Any, Any], Evidence]
    altered: Any
    asserted: Any = None

    def evidence(self, observation: Any) -> Evidence:
        """The evidence on the claim as published."""
        asserted = statements()[self.claim].stated if self.asserted is None else self.asserted
        return self.procedure(observation, asserted)

    def evidence_if_altered(self, observation: Any) -> Evidence:
        """The evidence on the altered assertion."""
        return self.procedure(observation, self.altered)


def agrees(found: Any, stated: Any) -> bool:
    """Is a found value the stated one, to the precision with which it is stated?

    Integers are exact counts; a decimal number allows one unit of its last printed digit (sources round or cut).

    >>> agrees(0.7895, Decimal("0.79")), agrees(0.78, Decimal("0.790")), agrees([1, 2], [1, 2])
    (True, False, True)
    """
    if isinstance(stated, dict):
        return set(found) == set(stated) and all(agrees(found[key], stated[key]) for key in stated)
    if isinstance(stated, list | tuple):
        return len(found) == len(stated) and all(agrees(one, other) for one, other in zip(found, stated, strict=True))
    if isinstance(stated, Decimal):
        return abs(Decimal(float(found)) - stated) <= last_digit(stated)
    return bool(found == stated)


def last_digit(stated: Decimal) -> Decimal:
    """One unit of the last printed digit: 0.01 for 0.79, 10^4 for 1.648e7."""
    return Decimal(1).scaleb(int(stated.as_tuple().exponent))


def value_check(
    claim: str, find: Callable[[Any], Any], how: str, *, altered: Any, details: tuple[str, ...] = ()
) -> Check:
    """The check of a claim that states a value: does `find(observation)` agree with it?"""

    def procedure(observation: Any, stated: Any) -> Evidence:
        found = find(observation)
        return Evidence(as_stated=agrees(found, stated), found=found, how=how, details=details)

    return Check(claim=claim, procedure=procedure, altered=altered)
