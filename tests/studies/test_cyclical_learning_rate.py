from dataclasses import replace

import pytest

from leadline.claims import Verdict
from leadline.studies import Settings
from leadline.studies import cyclical_learning_rate as study
from leadline.studies.clothing_images import Pictures, enlarged_digits
from leadline.studies.learning_rate_bounds import Effort


def few_digits() -> Pictures:
    digits = enlarged_digits()
    return replace(digits, training=tuple(part[:320] for part in digits.training))


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    empty = tmp_path_factory.mktemp("no data")
    small = study.Scale(0, 0, Effort(steps=60, seeds=2, epochs=1, fixed_seeds=1, fixed_batch=64), 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "_STAND_IN", small)
        patch.setattr(study, "enlarged_digits", few_digits)
        return study.observe(Settings(data=empty))


def test_without_the_data_both_claims_say_which_command_decides_them(stand_in):
    for check in study.CHECKS:
        evidence = check.evidence(stand_in)
        assert evidence.verdict == Verdict.UNDECIDABLE
        assert "leadline data fetch fashion-mnist" in evidence.needs
        assert "stand-in" in evidence.how


def test_without_the_data_the_page_shows_the_stand_in_and_says_so(stand_in):
    exhibits = study.exhibit(stand_in)
    assert "stand-in" in exhibits.notes[0]
    assert all("stand-in" in figure.caption for figure in exhibits.figures if "by " in figure.title)
    bounds, runs = exhibits.tables
    assert len(bounds.rows) == 4
    assert [row[1] for row in runs.rows] == ["cyclical", "growing", "cyclical", "growing", "decaying"]
    stated, found = runs.rows[0][0], runs.rows[2][0]
    assert stated == "adam, stated bounds 1e-06 to 0.0001"
    assert found != stated
    assert len(exhibits.figures) == 3 + 2 * 4 + 2


def test_on_the_real_images_the_same_observation_decides(stand_in):
    real = replace(stand_in, real=True)
    for check in study.CHECKS:
        assert check.evidence(real).verdict != Verdict.UNDECIDABLE
    details = study.range_evidence(real, (1e-6, 1e-4)).details
    assert len(details) == 2  # the direct check: cycling between either bounds
    assert "stated bounds" in details[0]
    assert "found bounds" in details[1]
