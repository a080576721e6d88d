"""What every check of every study must do: decide the claim as published, and come out otherwise for another claim."""

from functools import cache
from typing import Any

import pytest

from leadline.claims import Check, Evidence, Verdict, statements
from leadline.core import from_plain, to_plain
from leadline.studies import Settings, studies

CHECKS = [(name, check) for name, study in studies().items() for check in study.checks]


@cache
def observation(study: str) -> Any:
    """What a study sees at the quick scale, observed once for all its checks."""
    return studies()[study].observe(Settings())


@pytest.mark.parametrize(("study", "check"), [pytest.param(*pair, id=pair[1].claim) for pair in CHECKS])
def test_an_altered_claim_gets_another_verdict(study: str, check: Check) -> None:
    evidence, altered = check.evidence(observation(study)), check.evidence_if_altered(observation(study))
    if evidence.verdict == altered.verdict == Verdict.UNDECIDABLE:
        pytest.skip(evidence.needs)
    assert evidence.verdict != altered.verdict
    assert evidence.how and altered.how
    for one in (evidence, altered):
        plain = to_plain(one)
        back = from_plain(plain, Evidence)
        assert to_plain(back) == plain
        assert back.verdict == one.verdict


@pytest.mark.parametrize("study", list(studies()))
def test_exhibits_are_plain_and_rectangular(study: str) -> None:
    exhibits = studies()[study].exhibit(observation(study))
    to_plain(exhibits)
    for table in exhibits.tables:
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    for figure in exhibits.figures:
        assert figure.svg.startswith("<svg"), figure.title


def test_every_claim_is_known_and_decided_once() -> None:
    claims = [check.claim for _, check in CHECKS]
    assert len(claims) == len(set(claims))
    assert set(claims) <= set(statements())


def test_every_algebra_claim_is_decided() -> None:
    algebra = {name for name, claim in statements().items() if claim.decide == "algebra"}
    assert algebra - {check.claim for _, check in CHECKS} == set()
