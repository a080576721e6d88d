"""Losses of the outputs, with their derivatives, written as they are written by hand."""

import math
from collections.abc import Callable

from leadline.optimization.derivation import Worksheet, derivative

Examples = list[tuple[str, ...]]  # names of outputs (or targets): one tuple per example


def half_squared_error(sheet: Worksheet, loss: str, outputs: Examples, targets: Examples) -> None:
    """E = 1/2 of the sum of squared errors over outputs and examples."""
    pairs = _pairs(outputs, targets)
    value = sum((sheet.values[o] - sheet.values[t]) ** 2 for o, t in pairs) / 2
    sheet.work(
        "forward", loss, value,
        " + ".join(f"1/2 · (⟨{o}⟩ - ⟨{t}⟩)^2" for o, t in pairs),
        " + ".join(rf"\frac{{1}}{{2}} (⟨{o}⟩ - ⟨{t}⟩)^2" for o, t in pairs),
    )  # fmt: skip
    for o, t in pairs:
        sheet.work("backward", derivative(loss, o), sheet.values[o] - sheet.values[t], f"⟨{o}⟩ - ⟨{t}⟩")


def mean_squared_error(sheet: Worksheet, loss: str, outputs: Examples, targets: Examples) -> None:
    """E = mean of squared errors over outputs and examples."""
    pairs = _pairs(outputs, targets)
    n = len(pairs)
    value = sum((sheet.values[o] - sheet.values[t]) ** 2 for o, t in pairs) / n
    squares = " + ".join(f"(⟨{o}⟩ - ⟨{t}⟩)^2" for o, t in pairs)
    sheet.work("forward", loss, value, f"1/{n} · ({squares})", rf"\frac{{1}}{{{n}}} ({squares})")
    for o, t in pairs:
        difference = f"(⟨{o}⟩ - ⟨{t}⟩)"
        sheet.work(
            "backward", derivative(loss, o), 2 * (sheet.values[o] - sheet.values[t]) / n,
            f"2/{n} · {difference}", rf"\frac{{2}}{{{n}}} {difference}",
        )  # fmt: skip


def cross_entropy(sheet: Worksheet, loss: str, outputs: Examples, targets: Examples) -> None:
    """E = mean over examples of - sum of t log p; p is the softmax of the outputs, the t of an example add up to 1."""
    n, logarithms, pairs = len(outputs), {}, []
    for example, (outs, wanted) in enumerate(zip(outputs, targets, strict=True), 1):
        peak = max(sheet.values[o] for o in outs)
        total = peak + math.log(sum(math.exp(sheet.values[o] - peak) for o in outs))
        below = " + ".join(f"exp(⟨{o}⟩)" for o in outs), " + ".join(f"e^{{⟨{o}⟩}}" for o in outs)
        for place, (o, t) in enumerate(zip(outs, wanted, strict=True), 1):
            p = f"p{place}" if n == 1 else f"p{place}[{example}]"
            logarithms[p] = sheet.values[o] - total  # log p from the outputs: p itself may be too small for a float
            sheet.work("forward", p, math.exp(logarithms[p]), f"exp(⟨{o}⟩)/({below[0]})",
                       rf"\frac{{e^{{⟨{o}⟩}}}}{{{below[1]}}}")  # fmt: skip
            pairs.append((o, t, p))
    value = -sum(sheet.values[t] * logarithms[p] for _, t, p in pairs) / n
    text = " + ".join(f"⟨{t}⟩ · log(⟨{p}⟩)" for _, t, p in pairs)
    latex = " + ".join(rf"⟨{t}⟩ \log ⟨{p}⟩" for _, t, p in pairs)
    over = ("", "") if n == 1 else (f"1/{n} · ", rf"\frac{{1}}{{{n}}} ")
    sheet.work("forward", loss, value, f"-{over[0]}({text})", f"-{over[1]}({latex})")
    for o, t, p in pairs:
        difference = f"⟨{p}⟩ - ⟨{t}⟩" if n == 1 else f"(⟨{p}⟩ - ⟨{t}⟩)"
        sheet.work(
            "backward", derivative(loss, o), (sheet.values[p] - sheet.values[t]) / n,
            over[0] + difference, over[1] + difference,
        )  # fmt: skip


def _pairs(outputs: Examples, targets: Examples) -> list[tuple[str, str]]:
    return [pair for outs, wanted in zip(outputs, targets, strict=True) for pair in zip(outs, wanted, strict=True)]


LOSSES: dict[str, Callable[[Worksheet, str, Examples, Examples], None]] = {
    "half_squared_error": half_squared_error,
    "mean_squared_error": mean_squared_error,
    "cross_entropy": cross_entropy,
}
