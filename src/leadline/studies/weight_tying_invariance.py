"""Which first-layer weights must be equal for a network to ignore a mirror image?"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from leadline.claims import Check, Evidence, Table
from leadline.claims.arithmetic import Symbols
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.identities import DisagreementError
from leadline.claims.notation import parse
from leadline.claims.vanishing import vanishes
from leadline.core import InputError, numpy_generator
from leadline.studies.study import Exhibits, Settings, Study

WIDTHS = range(3, 10)
SAME_OUTPUT = 1e-10  # two outputs of a random network that differ by less are the same
_INDEX = re.compile(r"w\[row,\s*col\]\s*==\s*w\[row,\s*(?P<mirror>[^\]]+)\]")

Pairs = list[tuple[int, int]]  # positions, from 0, whose weights are tied


@dataclass(frozen=True)
class Reading:
    """How an index formula comes out when columns are counted from `first`."""

    first: int
    invariant: bool
    breaks: dict[str, Any] | None  # the narrowest input at which it is not


def tied_classes(size: int, pairs: Pairs) -> list[int]:
    """For each position the smallest position that it is tied to."""
    classes = list(range(size))
    for one, other in pairs:
        kept, dropped = sorted((classes[one], classes[other]))
        classes = [kept if label == dropped else label for label in classes]
    return classes


def invariant_by_algebra(classes: list[int]) -> bool:
    """Does w'x = w'(x reversed) for all x and all weights with these ties?"""
    x = sympy.symbols(f"x0:{len(classes)}")
    weights = [sympy.Symbol(f"w{label}") for label in classes]
    difference = sum(w * (one - other) for w, one, other in zip(weights, x, reversed(x), strict=True))
    return vanishes(difference)


def invariant_by_numbers(classes: list[int]) -> bool:
    """Does a random two-layer ReLU network with tied first-layer weights ignore the reversal of its input?"""
    generator = numpy_generator("tied network", *classes)
    first = generator.normal(size=(16, len(classes)))[:, classes]
    second, inputs = generator.normal(size=16), generator.normal(size=(50, len(classes)))
    outputs, mirrored = (np.maximum(images @ first.T, 0) @ second for images in (inputs, inputs[:, ::-1]))
    return bool(np.max(np.abs(outputs - mirrored)) < SAME_OUTPUT)


def is_invariant(classes: list[int]) -> bool:
    """Both ways of asking, which must agree."""
    proven = invariant_by_algebra(classes)
    if proven != invariant_by_numbers(classes):
        raise DisagreementError("is_invariant", expected=f"one outcome for the ties {classes}", got=f"algebra {proven}",
                                remedy="compare the two ways")  # fmt: skip
    return proven


def mirror_pairs(formula: str, width: int, first: int) -> Pairs:
    """The ties that `w[row, col] == w[row, formula]` makes over the first half of the columns, counted from `first`."""
    tree, pairs = parse(formula, frozenset({"d", "col"})), []
    for col in range(first, first + width // 2):
        values = {"d": sympy.Integer(width), "col": sympy.Integer(col)}
        pairs.append((col - first, int(evaluate(tree, Scope(values, {}, Symbols({})))) - first))
    return pairs


def read_index(formula: str, first: int) -> Reading:
    """Try an index formula at every width."""
    for width in WIDTHS:
        pairs = mirror_pairs(formula, width, first)
        outside = [other + first for _, other in pairs if not 0 <= other < width]
        if outside:
            return Reading(first, False, {"d": width, "column that does not exist": outside[0]})
        if not is_invariant(tied_classes(width, pairs)):
            return Reading(first, False, {"d": width, "ties": [[one + first, other + first] for one, other in pairs]})
    return Reading(first, True, None)


def right_indices() -> dict[int, str]:
    """For columns counted from 0 and from 1, the index of the form d + s - col that works at every width."""
    shifts = {"d-1-col": -1, "d-col": 0, "d+1-col": 1}
    return {first: formula for first in (0, 1) for formula in shifts if read_index(formula, first).invariant}


def decide_index(observation: dict[int, str], asserted: str) -> Evidence:
    """Does the asserted tie make the layer blind to mirroring, with columns counted from 0 or from 1?"""
    match = _INDEX.fullmatch(asserted)
    if match is None:
        raise InputError("decide_index", expected="w[row,col] == w[row, formula]", got=asserted, remedy="write a tie")
    readings = [read_index(match["mirror"], first) for first in (0, 1)]
    breaks = {f"columns from {reading.first}": reading.breaks or "invariant" for reading in readings}
    return Evidence(
        as_stated=any(reading.invariant for reading in readings),
        found={"right": {f"columns from {first}": formula for first, formula in observation.items()}, **breaks},
        how=f"Ties enumerated for d = {WIDTHS[0]} to {WIDTHS[-1]}; w'x = w'(x mirrored) by SymPy, and a ReLU network.",
        details=(
            "Equal first-layer pre-activations make all that follows equal; the middle column of an odd d is free.",
        ),
    )


def decide_rows(observation: dict[int, str], pairs: tuple[tuple[int, int], ...]) -> Evidence:
    """Does tying these rows (from 1) of a 4-row input make the network blind to a top-bottom flip?"""
    classes = tied_classes(4, [(one - 1, other - 1) for one, other in pairs])
    return Evidence(
        as_stated=is_invariant(classes),
        found={"tied rows": [list(pair) for pair in pairs], "needed": [[1, 4], [2, 3]]},
        how="w'x = w'(x flipped) by SymPy for each column of the input, and on a random ReLU network.",
    )


CHECKS = (
    Check(claim="dlhw2.5.2", procedure=decide_index, altered="w[row,col] == w[row, d-1-col]"),
    Check(claim="dlhw2.5.3", procedure=decide_rows, asserted=((1, 4), (2, 3)), altered=((1, 2), (3, 4))),
)


def observe(settings: Settings) -> dict[int, str]:
    """The index that works, for columns counted from 0 and from 1."""
    return right_indices()


def exhibit(observation: dict[int, str]) -> Exhibits:
    """Every candidate index at both ways of counting."""
    readings = [
        (formula, read_index(formula, first)) for formula in ("d-1-col", "d-col", "d+1-col") for first in (0, 1)
    ]
    rows = tuple(
        (formula, one.first, "yes" if one.invariant else "no", str(one.breaks or "")) for formula, one in readings
    )
    columns = ("tied to column", "columns counted from", "mirror image ignored", "where it breaks")
    return Exhibits(tables=(Table(title="Which column is the mirror image?", columns=columns, rows=rows),))


STUDY = Study(
    name="weight-tying-invariance",
    title="Tied weights and mirror images",
    question="Which ties among first-layer weights make a network ignore left-right and top-bottom flips?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
