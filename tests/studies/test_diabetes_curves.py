from dataclasses import replace

import pytest
from data_folders import folder_with

from leadline.claims import Verdict
from leadline.studies import Settings
from leadline.studies import diabetes_curves as study


@pytest.fixture(scope="module")
def observation():
    folder = folder_with("diabetes.arff")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(study.SPLITS, "quick", 12)
        return study.observe(Settings(data=folder))


def verdicts(observation):
    return {check.claim.removeprefix("e6998.2.3."): check.evidence(observation).verdict for check in study.STUDY.checks}


def test_one_split_gives_both_published_gain_areas_to_every_printed_digit(observation):
    assert observation.used.gain_areas_by_cut_ratios == pytest.approx(
        {"ada": 0.3798403064460848, "logreg": 0.37224450918910745}, abs=1e-12
    )
    truth_counts = observation.comparison.curves[0].counts
    assert (truth_counts.positives, truth_counts.negatives) == (55, 99)


def test_verdicts_follow_the_measured_areas(observation):
    found = verdicts(observation)
    assert found["auprg.ada"] == found["auprg.logreg"] == Verdict.FAILS
    assert found["auroc.ada"] == found["auroc.logreg"] == Verdict.HOLDS
    assert found["rank"] == Verdict.FAILS


def test_other_measurements_give_other_verdicts(observation):
    areas = observation.used.areas
    swapped = {"ada": replace(areas["ada"], auprg=0.9), "logreg": replace(areas["logreg"], auroc=0.7)}
    found = verdicts(replace(observation, used=replace(observation.used, areas=swapped)))
    assert found["rank"] == Verdict.HOLDS
    assert found["auroc.logreg"] == Verdict.FAILS


def test_without_the_data_every_claim_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.delenv("LEADLINE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # where downloads go
    for folder in (tmp_path, None):
        observation = study.observe(Settings(data=folder))
        assert set(verdicts(observation).values()) == {Verdict.UNDECIDABLE}
        assert all("LEADLINE_DATA=DIR" in check.evidence(observation).needs for check in study.STUDY.checks)
        assert "needs the data" in study.exhibit(observation).notes[0]


def test_where_no_split_is_identified_rank_stays_open_and_areas_are_weighed_over_all(observation):
    unknown = replace(observation, used=None, comparison=None, readings=())
    found = verdicts(unknown)
    assert found["rank"] == Verdict.UNDECIDABLE
    assert found["auroc.ada"] == Verdict.HOLDS
    assert len(study.exhibit(unknown).tables) == 1


def test_the_exhibit_shows_three_plots_and_where_the_figures_come_from(observation):
    exhibits = study.exhibit(observation)
    assert len(exhibits.figures) == 3
    readings = exhibits.tables[1]
    assert [round(row[1], 4) for row in readings.rows][-1] == 0.3798
