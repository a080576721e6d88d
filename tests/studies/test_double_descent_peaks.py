from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from leadline.claims import Verdict
from leadline.generalization import double_descent
from leadline.studies.double_descent_peaks import (
    RECIPE,
    SMALL,
    Observation,
    decide_critical,
    decide_large,
    decide_peak,
    decide_small,
)

WIDTHS = {40: [5, 10, 20, 40, 80, 400], 60: [5, 10, 20, 60, 120, 600]}


def epochs(*curve):
    template = double_descent(axis="epochs", values=[len(curve)], width=2, samples=20, seeds=2)
    return replace(template, test_error=np.tile(np.array(curve), (2, 1)), smoothing=1)


FALLS, BUMPS = epochs(0.9, 0.5, 0.4, 0.3), epochs(0.9, 0.3, 0.6, 0.2)


@pytest.fixture(scope="module")
def observed():
    return Observation(
        widths={samples: double_descent(values=values, samples=samples, seeds=3) for samples, values in WIDTHS.items()},
        samples=double_descent(axis="samples", values=[5, 20, 60], width=20, seeds=2),
        ridge=double_descent(axis="ridge", samples=20, seeds=2),
        teacher=double_descent(axis="epochs", model="two-scale teacher", seeds=3),
        networks={RECIPE: BUMPS, (RECIPE[0], 0.0, RECIPE[2]): BUMPS}
        | {(hidden, *RECIPE[1:]): FALLS for hidden in SMALL},
    )


def with_networks(observed, large, small):
    networks = {setting: small if setting[0] in SMALL else large for setting in observed.networks}
    return replace(observed, networks=networks)


def test_how_high_the_peak_must_be_decides(observed):
    assert decide_peak(observed, {"ridge": "no", "ratio": Decimal("1.2")}).verdict == Verdict.HOLDS
    assert decide_peak(observed, {"ridge": "no", "ratio": Decimal(50)}).verdict == Verdict.FAILS
    assert decide_peak(observed, {"ridge": "best", "ratio": Decimal("1.5")}).verdict == Verdict.FAILS


def test_positions_are_decided_only_with_the_number_of_samples(observed):
    def verdict(between, samples):
        return decide_critical(observed, {"between": between, "samples": samples}).verdict

    assert verdict(((40, 40), (60, 60)), ()) == Verdict.UNDECIDABLE
    assert verdict(((40, 40), (60, 60)), (40, 60)) == Verdict.HOLDS
    assert verdict(((40, 40), (61, 80)), (40, 60)) == Verdict.FAILS


def test_a_peak_at_the_asserted_epochs_in_every_setting_would_hold(observed):
    large = RECIPE[0]
    assert decide_large(observed, {"hidden": large, "epochs": (2, 4)}).verdict == Verdict.HOLDS
    assert decide_large(observed, {"hidden": large, "epochs": (70, 90)}).verdict == Verdict.QUALIFIED
    none = with_networks(observed, FALLS, FALLS)
    assert decide_large(none, {"hidden": large, "epochs": (2, 4)}).verdict == Verdict.FAILS


def test_one_small_model_with_a_peak_is_a_counterexample(observed):
    assert decide_small(observed, {"hidden": SMALL}).verdict == Verdict.QUALIFIED
    falling = replace(observed.teacher, test_loss=np.cumsum(observed.teacher.test_loss, 1)[:, ::-1].copy())
    assert decide_small(replace(observed, teacher=falling), {"hidden": SMALL}).verdict == Verdict.HOLDS
    assert decide_small(with_networks(observed, BUMPS, BUMPS), {"hidden": SMALL}).verdict == Verdict.FAILS
