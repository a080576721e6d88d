"""Checks of claims that are identities, and the table that shows how each assertion was decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from leadline.claims.checks import Check
from leadline.claims.evidence import Evidence
from leadline.claims.identities import Decision, DisagreementError, decide
from leadline.claims.ledger import Table
from leadline.claims.premises import Premises
from leadline.claims.statements import statements

_COLUMNS = ("claim", "left side", "right side", "decided", "where it breaks")


@dataclass(frozen=True)
class Amendment:
    """Other premises under which an assertion that is false as it stands may be true."""

    condition: str
    premises: Premises


@dataclass(frozen=True)
class Remark:
    """A further equation, decided on the way and told with its outcome."""

    text: str
    equation: str
    premises: Premises

    def told(self) -> str:
        """The remark as a sentence."""
        decision = decide(self.equation, self.premises)
        outcome = "true" if decision.holds else f"false ({broken(decision)})"
        return f"{self.text}: {decision.left} = {decision.right} is {outcome}."


@dataclass(frozen=True, kw_only=True)
class IdentityProcedure:
    """Decides whatever formulas it is handed, one for each pair of braces in `templates`.

    Args:
        premises: what the formulas are about.
        templates: equations in which `{}` stands for an asserted formula; the default takes whole equations.
        correct: the right formulas; they are decided like any other and must come out true.
        amendment: premises to try where the assertion is false.
        remarks: further findings.
    """

    premises: Premises
    templates: tuple[str, ...] = ()
    correct: tuple[str, ...] = ()
    amendment: Amendment | None = None
    remarks: tuple[Remark, ...] = ()

    def __call__(self, observation: Any, asserted: Any) -> Evidence:
        decisions = self.decisions(asserted)
        remarks = tuple(remark.told() for remark in self.remarks)
        if all(decision.holds for decision in decisions):
            found = [decision.right for decision in decisions] if not self.templates else list(_formulas(asserted))
            return Evidence(as_stated=True, found=_unwrapped(found), how=_method(decisions), details=remarks)
        amended = self.amendment is not None and all(
            decision.holds for decision in self.decisions(asserted, self.amendment.premises)
        )
        return Evidence(
            as_stated=False,
            amended=amended,
            condition=self.amendment.condition if amended and self.amendment else "",
            found=self._found(decisions),
            how=_method(decisions),
            details=remarks,
        )

    def decisions(self, asserted: Any, premises: Premises | None = None) -> list[Decision]:
        """How each asserted equation comes out."""
        formulas = _formulas(asserted)
        equations = self._equations(formulas)
        return [decide(equation, premises or self.premises) for equation in equations]

    def _equations(self, formulas: tuple[str, ...]) -> list[str]:
        if not self.templates:
            return list(formulas)
        return [template.format(*formulas) for template in self.templates]

    def _found(self, decisions: list[Decision]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.correct:
            for decision in self.decisions(self.correct):
                if not decision.holds:
                    raise DisagreementError(
                        "IdentityProcedure", expected=f"a true formula, {decision.right}", got=broken(decision),
                        remedy="correct the formula given as the right one")  # fmt: skip
            found["right"] = _unwrapped(list(self.correct))
        false = next(decision for decision in decisions if not decision.holds)
        if false.reason:
            found["no value"] = false.reason
        if false.counterexample:
            found["counterexample"] = false.counterexample
        return found or {"false": f"{false.left} = {false.right}"}


def identity_check(
    claim: str, procedure: IdentityProcedure, *, altered: str | tuple[str, ...], asserted: Any = None
) -> Check:
    """The check of a claim that is one identity or several; None asserts the formula that the source states."""
    return Check(claim=claim, procedure=procedure, altered=altered, asserted=asserted)


def decided(checks: Iterable[Check]) -> list[tuple[str, Decision]]:
    """Every equation asserted by the identity checks among these, with its decision."""
    found = []
    for check in checks:
        if isinstance(check.procedure, IdentityProcedure):
            asserted = statements()[check.claim].stated if check.asserted is None else check.asserted
            found += [(check.claim, decision) for decision in check.procedure.decisions(asserted)]
    return found


def decisions_table(title: str, decisions: Iterable[tuple[str, Decision]], *, caption: str = "") -> Table:
    """One row per asserted equation."""
    rows = tuple(
        (claim, one.left, one.right, "true" if one.holds else "false", broken(one)) for claim, one in decisions
    )
    return Table(title=title, columns=_COLUMNS, rows=rows, caption=caption)


def broken(decision: Decision) -> str:
    """Where an identity breaks, in one line; empty where it holds."""
    if decision.reason:
        return decision.reason
    return ", ".join(f"{name} = {value}" for name, value in (decision.counterexample or {}).items())


def _formulas(asserted: Any) -> tuple[str, ...]:
    return tuple(map(str, asserted)) if isinstance(asserted, list | tuple) else (str(asserted),)


def _unwrapped(found: list[str]) -> Any:
    return found[0] if len(found) == 1 else found


def _method(decisions: list[Decision]) -> str:
    false = [decision for decision in decisions if not decision.holds]
    return (false or decisions)[0].how[:1].upper() + (false or decisions)[0].how[1:] + "."
