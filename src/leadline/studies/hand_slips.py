"""Slips of a calculation by hand: what the 3-2-2 network's numbers would be with one, and which print as stated."""

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from leadline.claims import last_digit
from leadline.optimization import WorkedBackpropagation


def prints_as(value: float, stated: Decimal) -> bool:
    """Does the value, rounded or cut to as many digits, read as stated?

    >>> prints_as(0.69235, Decimal("0.6923")), prints_as(0.6921, Decimal("0.6923"))
    (True, False)
    """
    unit = last_digit(stated)
    return any(Decimal(value).quantize(unit, way) == stated for way in (ROUND_HALF_UP, ROUND_DOWN))


def slips_that_print(stated: Decimal, result: WorkedBackpropagation, quantity: str) -> tuple[str, ...]:
    """The slips, a sentence each, with which the quantity would read as stated."""
    matching = [f"{slip}: {value:.6g}." for slip, value in _candidates(result, quantity) if prints_as(value, stated)]
    if not matching and _one_digit_apart(result[quantity], stated):
        matching.append("One digit apart from the right value rounded.")
    return tuple(matching)


def _candidates(result: WorkedBackpropagation, quantity: str) -> Iterator[tuple[str, float]]:
    yield "Decimal point one place to the right", 10 * result[quantity]
    yield "Decimal point one place to the left", result[quantity] / 10
    weight = quantity.removesuffix("'")
    if weight != quantity:
        yield "Learning rate 0.1 in place of 0.01", result[weight] - 0.1 * result[f"dE/d{weight}"]
    for output in ("o1", "o2"):
        part = result[f"dE/dnet_{output}"]
        slip = f"Only the part of dE/db2 that comes through {output}, without that of the other output"
        yield from ((slip, value) for name, value in (("dE/db2", part), ("b2'", result["b2"] - result["lr"] * part))
                    if name == quantity)  # fmt: skip
    inputs = {"dE/dw2": "x1", "dE/dw4": "x2", "dE/dw6": "x3"}
    for slip, from_h1, from_h2 in _with_do2dh2_ten_times_too_large(result):
        if quantity in inputs:
            yield slip, from_h2 * result[inputs[quantity]]
        elif quantity == "dE/db1":
            yield slip, from_h1 + from_h2


def _with_do2dh2_ten_times_too_large(result: WorkedBackpropagation) -> Iterator[tuple[str, float, float]]:
    """The slip, dE/dnet_h1 and dE/dnet_h2 under it."""
    wrong = 10 * result["do2/dh2"]
    yield (
        "0.16 for do2/dh2 = 0.016, as if w10 were 1",
        result["dE/dnet_h1"],
        (result["dE/do1"] * result["do1/dh2"] + result["dE/do2"] * wrong) * result["dh2/dnet_h2"],
    )
    yield (
        "0.16 for do2/dh2 = 0.016, as if w10 were 1, with the other factors as printed and 0.005 for h2 (1 - h2)",
        (0.79 * 0.068 + 0.75 * 0.128) * result["dh1/dnet_h1"],
        (0.79 * 0.088 + 0.75 * round(wrong, 2)) * round(result["dh2/dnet_h2"], 3),
    )


def _one_digit_apart(value: float, stated: Decimal) -> bool:
    right = Decimal(value).quantize(last_digit(stated), ROUND_HALF_UP)
    digits = str(right), str(stated)
    return len(digits[0]) == len(digits[1]) and sum(a != b for a, b in zip(*digits, strict=True)) == 1
