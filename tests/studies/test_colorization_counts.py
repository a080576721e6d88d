import pytest
import sympy

from leadline.claims import Verdict
from leadline.studies.colorization_counts import STUDY, read_formula
from leadline.studies.study import Settings

K, NIC, NF, NC, SIDE = sympy.symbols("K NIC NF NC side", integer=True, positive=True)


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


def test_formulas_by_hand(observation):
    def bare(formula):
        return formula.subs(K, 3)

    weights = K**2 * (NIC * NF + 2 * NF**2 + 2 * NF**2 + NF * NC + NC**2)
    biases, normalization = 4 * NF + 2 * NC, 2 * (4 * NF + NC)
    assert sympy.expand(observation.at("bare", "weights") - bare(weights)) == 0
    assert sympy.expand(observation.at("full", "weights") - weights - biases - normalization) == 0
    full, half, quarter = SIDE**2, (SIDE / 2) ** 2, (SIDE / 4) ** 2
    outputs = full * (NF + 2 * NC) + half * (NF + 2 * NF + NF + NC) + quarter * (2 * NF + NF)
    assert sympy.expand(observation.at("bare", "outputs") - outputs) == 0
    normalized = half * 2 * NF + quarter * 2 * NF + full * NC
    assert sympy.expand(observation.at("full", "outputs") - outputs - normalized) == 0
    products = K**2 * (full * (NIC * NF + NC**2) + half * (2 * NF**2 + NF * NC) + quarter * 2 * NF**2)
    links = 4 * (half * NF + quarter * 2 * NF) + half * NF + full * NC
    assert sympy.expand(observation.at("bare", "connections") - bare(products) - links) == 0
    assert sympy.expand(observation.at("full", "connections") - products - links - normalized) == 0


def test_a_formula_that_differs_gets_the_right_one(observation):
    check = next(check for check in STUDY.checks if check.claim == "csc413a.4.3.outputs")
    evidence = check.procedure(observation, "2240 NF")
    assert evidence.verdict == Verdict.FAILS
    assert evidence.found == "2304*NC + 2240*NF"
    assert evidence.details[-1] == "Stated minus right: -2304*NC."


def test_brackets_as_printed_are_right_for_kernel_one_alone(observation):
    check = next(check for check in STUDY.checks if check.claim == "csc413b.4.3.connections")
    assert check.evidence(observation).details[-1].endswith("it is right for kernel 1 alone.")


def test_formulas_are_read_as_written():
    assert read_formula("9 NIC NF + K^2 (NC + 2 NF)") == 9 * NIC * NF + K**2 * NC + 2 * K**2 * NF
