from decimal import Decimal

import pytest
import torch
from tolerances import ALGEBRA

from leadline.claims import Verdict
from leadline.studies.hand_slips import prints_as, slips_that_print
from leadline.studies.study import Settings
from leadline.studies.worked_backpropagation import STUDY


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


@pytest.fixture(scope="module")
def by_autograd() -> dict[str, float]:
    """The network from its written formulas, one scalar per weight, differentiated by autograd."""
    weights = {f"w{i}": w for i, w in enumerate([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.1], 1)}
    p = weights | {"b1": 0.5, "b2": 0.5}
    p = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in p.items()}
    h1 = torch.sigmoid(1 * p["w1"] + 4 * p["w3"] + 5 * p["w5"] + p["b1"])
    h2 = torch.sigmoid(1 * p["w2"] + 4 * p["w4"] + 5 * p["w6"] + p["b1"])
    o1 = torch.sigmoid(p["w7"] * h1 + p["w9"] * h2 + p["b2"])
    o2 = torch.sigmoid(p["w8"] * h1 + p["w10"] * h2 + p["b2"])
    mse = (o1 - 0.1) ** 2 / 2 + (o2 - 0.05) ** 2 / 2
    slopes = dict(zip(p, torch.autograd.grad(mse, list(p.values()), retain_graph=True), strict=True))
    found = {"h1": h1, "h2": h2, "o1": o1, "o2": o2, "mse": mse, **slopes}
    found["do1"], found["do2"] = torch.autograd.grad(mse, [o1, o2], retain_graph=True)
    for name, o in (("do1", o1), ("do2", o2)):
        found[f"{name}dh1"], found[f"{name}dh2"] = torch.autograd.grad(o, [h1, h2], retain_graph=True)
    found |= {f"step.{name}": p[name] - 0.01 * slope for name, slope in slopes.items()}
    return {f"dlhw2.2.{name}": value.item() for name, value in found.items()}


@pytest.fixture(scope="module")
def evidence(observation):
    return {check.claim: check.evidence(observation) for check in STUDY.checks}


def test_every_number_equals_autograds(evidence, by_autograd):
    assert set(evidence) == {*by_autograd, "dlhw2.2.o1.formula"}
    assert len(evidence) == 36
    for claim, value in by_autograd.items():
        assert evidence[claim].found == pytest.approx(value, rel=ALGEBRA)


def test_the_printed_numbers_are_the_sigmoid_outputs(observation, evidence):
    formula = evidence["dlhw2.2.o1.formula"]
    assert formula.verdict == Verdict.FAILS
    assert formula.found["output_units"] == ["sigmoid"]
    assert observation.by_output["linear"]["o1"] == pytest.approx(observation.result["net_o1"], rel=ALGEBRA)


@pytest.mark.parametrize(
    ("value", "stated", "reads"),
    [(0.69235, "0.6923", True), (0.69226, "0.6923", True), (0.6921, "0.6923", False), (0.0992, "0.099", True)],
)
def test_prints_as_stated_when_rounded_or_cut(value, stated, reads):
    assert prints_as(value, Decimal(stated)) is reads


@pytest.mark.parametrize(
    ("quantity", "stated", "slip"),
    [
        ("w7'", "0.6923", "Learning rate 0.1 "),
        ("dE/dw5", "0.099", "one place to the right"),
        ("dE/db2", "0.12", "comes through o2"),
        ("dE/db2", "0.078", "comes through o1"),
        ("b2'", "0.4988", "comes through o2"),
        ("dE/db1", "0.00292", "as if w10 were 1"),
        ("dE/dw6", "0.00474", "other factors as printed"),
        ("dE/dw9", "0.074", "One digit apart"),
    ],
)
def test_slips_are_found_by_calculating_with_them(observation, quantity, stated, slip):
    assert slip in " ".join(slips_that_print(Decimal(stated), observation.result, quantity))


def test_no_slip_is_named_for_a_number_that_none_gives(observation):
    assert slips_that_print(Decimal("0.05555"), observation.result, "dE/dw9") == ()
