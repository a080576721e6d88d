"""Ties of mirrored columns and rows."""

import pytest

from leadline.core import InputError
from leadline.studies import Settings
from leadline.studies.weight_tying_invariance import (
    decide_index,
    invariant_by_algebra,
    invariant_by_numbers,
    mirror_pairs,
    observe,
    tied_classes,
)


@pytest.mark.parametrize(
    ("pairs", "classes"),
    [([], [0, 1, 2, 3]), ([(3, 0), (1, 2)], [0, 1, 1, 0]), ([(0, 1), (2, 3), (1, 3)], [0, 0, 0, 0])],
)
def test_ties_join_classes(pairs: list[tuple[int, int]], classes: list[int]) -> None:
    assert tied_classes(4, pairs) == classes


@pytest.mark.parametrize(("classes", "invariant"), [([0, 1, 1, 0], True), ([0, 1, 0], True), ([0, 0, 1, 1], False)])
def test_both_ways_of_asking(classes: list[int], invariant: bool) -> None:
    assert invariant_by_algebra(classes) is invariant
    assert invariant_by_numbers(classes) is invariant


def test_columns_counted_from_0_and_from_1() -> None:
    assert observe(Settings()) == {0: "d-1-col", 1: "d+1-col"}
    assert mirror_pairs("d-1-col", 5, 0) == mirror_pairs("d+1-col", 5, 1) == [(0, 4), (1, 3)]


def test_a_text_that_is_no_tie_is_refused() -> None:
    with pytest.raises(InputError, match="got w = 0"):
        decide_index({}, "w = 0")
