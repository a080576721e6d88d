"""Orders of growth are read and fitted right."""

import pytest

from leadline.studies.hypergradient_memory import FORWARD, GRAPH, REVERSE, Growth, descend, orders, slope


def test_a_power_law_is_fitted():
    assert slope((2, 4, 8), (12, 48, 192)) == pytest.approx(2.0)


def test_orders_are_read():
    assert orders("O(t d^2)") == {"t": 1, "d": 2}
    assert orders("O(t^2)") == {"t": 2}
    assert orders("O(1)") == {"t": 0}


def test_memory_of_a_run_by_what_it_keeps():
    assert descend(40, 512, keep_graph=False, back=False) == descend(4, 512, keep_graph=False, back=False)
    kept = [descend(steps, 512, keep_graph=True, back=False) for steps in (20, 40, 60)]
    assert kept[2] - kept[1] == kept[1] - kept[0] > 20 * 512 * 4  # at least the weights of every step
    assert descend(40, 512, keep_graph=True, back=True) >= kept[1]


def test_exponents_are_those_of_the_peaks():
    growth = Growth((1, 2, 4, 8), (10, 40, 160, 640))
    assert growth.exponents == pytest.approx({"t": 1.0, "d": 2.0})
    assert len({FORWARD, GRAPH, REVERSE}) == 3
