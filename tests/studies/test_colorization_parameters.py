import pytest
import sympy

from leadline.claims import Verdict
from leadline.studies.colorization_parameters import STUDY, More
from leadline.studies.study import Settings

K, NIC, NF, NC = sympy.symbols("K NIC NF NC", integer=True, positive=True)


@pytest.fixture(scope="module")
def observation():
    return STUDY.observe(Settings())


def test_differences_by_hand(observation):
    assert observation.difference(More("strided/transposed", "pool/upsample")) == 0
    assert observation.difference(More("strided/transposed, skip added", "strided/transposed")) == 0
    # the fourth layer reads as many channels again, the last convolution the grey ones too
    added = observation.difference(More("U-Net", "strided/transposed"))
    assert sympy.expand(added - K**2 * (NF * NC + NIC * NC)) == 0


def test_a_pool_takes_connections_from_the_next_layer_and_no_parameters(observation):
    def value(quantity, *, pooled):
        return observation.next_layer[quantity, pooled](NF=3, side=16)

    assert value("parameters", pooled=True) == value("parameters", pooled=False) == 9 * 3 * 6 + 6
    assert value("connections", pooled=False) == 4 * value("connections", pooled=True) == 9 * 3 * 6 * 16**2


def test_a_reason_that_is_so_remains_to_be_tested(observation):
    check = next(check for check in STUDY.checks if check.claim == "csc413a.5.3.parameters")
    assert check.evidence(observation).verdict == Verdict.FAILS
    assert check.evidence_if_altered(observation).verdict == Verdict.UNDECIDABLE
    assert check.procedure(observation, More("pool/upsample", "U-Net")).verdict == Verdict.FAILS
