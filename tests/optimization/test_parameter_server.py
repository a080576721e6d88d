import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.core import InputError
from leadline.optimization import Staleness, staleness


def simulated(order: list[str]) -> list[int]:
    """Let learners keep copies of the server's list of applied gradients, and compare lengths at each push."""
    server: list[str] = []
    copies = {learner: list(server) for learner in order}
    late = []
    for learner in order:
        late.append(len(server) - len(copies[learner]))
        server.append(f"gradient of {learner}")
        copies[learner] = list(server)
    return late


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=30))
def test_equals_a_simulated_server(order):
    assert list(staleness(order).values) == simulated(order)


def test_the_order_that_speeds_make():
    speeds = {"L1": 1.0, "L2": 0.4, "L3": 3}
    moments = sorted((k / speed, list(speeds).index(learner), learner)
                     for learner, speed in speeds.items() for k in range(1, 40))  # fmt: skip
    expected = [learner for _, _, learner in moments[:30]]
    result = staleness(speeds=speeds, pushes=30)
    assert [push.learner for push in result.pushes] == expected
    assert list(result.values) == simulated(expected)
    assert [push.time for push in result.pushes] == pytest.approx([moment for moment, *_ in moments[:30]])


def test_pushes_at_the_same_moment_are_served_in_the_mappings_order():
    # 3 / 0.3 and 1 / 0.1 are the same moment, though not the same float.
    result = staleness(speeds={"slow": 0.1, "quick": 0.3}, pushes=4)
    assert [push.learner for push in result.pushes] == ["quick", "quick", "slow", "quick"]


def test_equal_learners_in_turn_are_late_by_all_the_others():
    result = staleness(speeds=dict.fromkeys("ABCDE", 2), pushes=50)
    assert result.values == (0, 1, 2, 3) + (4,) * 46
    assert result.histogram == {0: 1, 1: 1, 2: 1, 3: 1, 4: 46}
    assert result.largest == 4
    assert result.mean == (1 + 2 + 3 + 4 * 46) / 50


def test_forms_of_the_result():
    result = staleness(["L1", "L1", "L2"])
    frame = result.to_frame()
    assert frame.to_dict("list") == {
        "update": [1, 2, 3], "learner": ["L1", "L1", "L2"], "gradient": [1, 2, 1], "read_update": [0, 1, 0],
        "staleness_updates": [0, 0, 2], "time": [1.0, 2.0, 3.0],
    }  # fmt: skip
    assert result.headline() == "3 gradients from 2 learners: staleness 0.667 updates in the mean, 2 at most"
    assert Staleness.from_dict(result.to_dict()).to_dict() == result.to_dict()


def test_timeline_has_a_lane_per_learner_and_changes_nothing():
    import matplotlib.pyplot as plt

    result = staleness(speeds={"fast": 2, "slow": 0.5}, pushes=5)
    before = result.to_dict()
    ax = result.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["fast", "slow"]
    assert [text.get_text() for text in ax.texts if text.get_text().isdigit()] == ["0", "0", "0", "0", "4"]
    assert result.to_dict() == before
    assert not any(text.get_text() for text in staleness(["A"] * 41).plot().texts)  # too many to be read
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "either push_order, or speeds"),
        ({"push_order": ["A"], "speeds": {"A": 1.0}, "pushes": 1}, "either push_order, or speeds"),
        ({"speeds": {"A": 1.0}}, "pushes=None"),
        ({"push_order": []}, "at least one push"),
        ({"speeds": {"A": 0.0}, "pushes": 3}, "positive speeds"),
        ({"speeds": {"A": float("nan")}, "pushes": 3}, "positive speeds"),
        ({"speeds": {}, "pushes": 3}, "positive speeds"),
        ({"speeds": {"A": 1.0}, "pushes": 0}, "at least one push"),
    ],
)
def test_refuses(arguments, match):
    with pytest.raises(InputError, match=match):
        staleness(**arguments)
