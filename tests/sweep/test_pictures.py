"""The picture, by what is on the axes."""

import matplotlib.pyplot as plt
import pytest

from leadline.sweep import Job, grid, sweep


@pytest.fixture
def axes():
    """Fresh axes."""
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_the_metric_over_the_first_axis_with_a_colour_for_the_second(store, axes):
    settings = [{"x": x, "pause": pause} for x in (1, 10, 100) for pause in (0.0, 0.001)]
    sweep("errands.square", settings, store=store).plot(axes)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "square")
    assert [line.get_label() for line in axes.get_lines()] == ["pause 0.0", "pause 0.001"]
    for line in axes.get_lines():
        assert line.get_xydata().tolist() == [[1, 1], [10, 100], [100, 10000]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_what_failed_is_marked(store, axes):
    sweep("errands.mixed", grid(x=[5, 6, 7]), store=store).plot(axes)
    points, lost = axes.get_lines()
    assert points.get_xdata().tolist() == [5, 6]
    assert list(lost.get_xdata()) == [7]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["failed or diverged"]


@pytest.mark.parametrize("jobs", [[Job({"x": 1}), Job({"x": 2})], [Job({"x": 0})]])
def test_without_a_number_to_draw_the_outcomes_are_counted(store, axes, jobs):
    sweep("errands.varied", jobs, store=store).plot(axes)
    assert axes.get_ylabel() == "jobs (count)"
    assert sum(bar.get_height() for bar in axes.patches) == len(jobs)
