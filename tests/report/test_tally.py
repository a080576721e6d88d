"""Counts add up."""

from leadline.claims import Ledger, Verdict, statements
from leadline.report import tally


def test_every_claim_is_counted_once(ledger: Ledger) -> None:
    counted = tally(ledger.entries())
    assert counted.total == len(statements())
    assert counted.counts == {
        Verdict.HOLDS: 2, Verdict.QUALIFIED: 2, Verdict.FAILS: 2, Verdict.UNDECIDABLE: 1,
        Verdict.PENDING: len(statements()) - 7,
    }  # fmt: skip


def test_nothing_is_said_of_nothing() -> None:
    assert tally([]).sentence() == "no statements"
