"""What was computed about a claim, and the one rule that turns it into a verdict."""

import enum
from dataclasses import dataclass
from typing import Any

from leadline.core import InputError


class Verdict(enum.StrEnum):
    """How a claim came out; PENDING is the absence of a verdict."""

    HOLDS = "holds"
    QUALIFIED = "qualified"
    FAILS = "fails"
    UNDECIDABLE = "undecidable"
    PENDING = "pending"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an instrument found about one claim.

    Args:
        as_stated: is it true exactly as the source says it? None: the source does not contain what would decide it.
        amended: is it true under `condition`, where it is not true as stated?
        condition: the amendment, in words ("for c >= 0").
        found: the right value, or a counterexample; plain JSON values.
        how: the method, in one sentence.
        details: further findings, a sentence each.
        needs: what would decide it, where `as_stated` is None.
    """

    as_stated: bool | None
    how: str
    found: Any = None
    amended: bool = False
    condition: str = ""
    details: tuple[str, ...] = ()
    needs: str = ""

    def __post_init__(self) -> None:
        missing = [
            (self.as_stated is None and not self.needs, "what would decide it (needs=...)"),
            (self.amended and not self.condition, "the amended condition in words (condition=...)"),
            (self.as_stated is False and self.found is None, "the right value or a counterexample (found=...)"),
        ]
        for is_missing, what in missing:
            if is_missing:
                raise InputError("Evidence", expected=what, got="nothing", remedy="let the study compute and pass it")

    @property
    def verdict(self) -> Verdict:
        """The only place where verdicts are made.

        >>> Evidence(as_stated=False, amended=True, condition="c >= 0", found=-1, how="algebra").verdict
        <Verdict.QUALIFIED: 'qualified'>
        """
        if self.as_stated is None:
            return Verdict.UNDECIDABLE
        if self.as_stated:
            return Verdict.HOLDS
        return Verdict.QUALIFIED if self.amended else Verdict.FAILS
