"""How many claims came out how."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from leadline.claims import Entry, Verdict

PHRASES = {
    Verdict.HOLDS: "hold as printed",
    Verdict.QUALIFIED: "hold under a condition",
    Verdict.FAILS: "fail",
    Verdict.UNDECIDABLE: "cannot be decided",
    Verdict.PENDING: "pending",
}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts by verdict, every verdict present, in the order in which verdicts are shown."""

    counts: dict[Verdict, int]

    @property
    def total(self) -> int:
        """The number of claims."""
        return sum(self.counts.values())

    def sentence(self) -> str:
        """The counts in words; verdicts that no claim has are left out.

        >>> Tally(counts={Verdict.HOLDS: 2, Verdict.FAILS: 1}).sentence()
        '3 statements: 2 hold as printed, 1 fail'
        """
        parts = [f"{count} {PHRASES[verdict]}" for verdict, count in self.counts.items() if count]
        noun = "statement" if self.total == 1 else "statements"
        return f"{self.total} {noun}: {', '.join(parts)}" if parts else "no statements"


def tally(entries: Iterable[Entry]) -> Tally:
    """The counts of some ledger entries."""
    counts = Counter(entry.verdict for entry in entries)
    return Tally(counts={verdict: counts[verdict] for verdict in Verdict})
