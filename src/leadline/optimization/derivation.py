"""A worksheet: named numbers, each obtained from earlier ones by a formula that is kept in symbols and in numbers."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from leadline.core import InputError

_SLOT = re.compile("⟨([^⟩]*)⟩")
_DOUBLE = re.compile(r"\((\([^()]*\))\)")  # sigmoid((-1))


@dataclass(frozen=True, kw_only=True)
class DerivationStep:
    """One line of a worked derivation.

    Args:
        part: "forward", "backward" or "update".
        name: the quantity, such as "dE/dw7".
        formula: what it is, in symbols.
        with_numbers: the formula with the numbers put in, six digits each.
        value: the result, from unrounded numbers.
        latex: name, formula, numbers and value as one LaTeX equation without delimiters; `&` stands before the first =.
    """

    part: str
    name: str
    formula: str
    with_numbers: str
    value: float
    latex: str

    def __str__(self) -> str:
        sides = (self.name, self.formula, self.with_numbers, number(self.value))
        return " = ".join(side for place, side in enumerate(sides) if place == 0 or side != sides[place - 1])


class Worksheet:
    """Collects steps; a formula's text names earlier quantities in angle brackets, as in "⟨w1⟩ · ⟨x1⟩ + ⟨b1⟩"."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.steps: list[DerivationStep] = []

    def give(self, name: str, value: float) -> None:
        """A number that is given, not derived."""
        if name in self.values:
            raise InputError(
                "worked_backprop",
                expected="a name of its own for every quantity (only weights and biases can share one)",
                got=f"two quantities named {name!r}",
                remedy="rename one of them in `names`",
            )
        self.values[name] = value

    def work(self, part: str, name: str, value: float, text: str, latex: str = "") -> None:
        """A number with its formula; `latex` where it is not the text's own."""
        self.give(name, value)
        latex = latex or text.replace(" · ", r" \cdot ")
        within = not _SLOT.fullmatch(text)  # a number by itself needs no parentheses
        sides = (
            _fill(latex, latex_name),
            _fill(latex, lambda used: latex_number(self.values[used], within=within)),
            latex_number(value),
        )
        equation = " = ".join(side for place, side in enumerate(sides) if place == 0 or side != sides[place - 1])
        self.steps.append(
            DerivationStep(
                part=part,
                name=name,
                formula=_fill(text, lambda used: used),
                with_numbers=_fill(text, lambda used: number(self.values[used], within=within)),
                value=value,
                latex=f"{latex_name(name)} &= {equation}",
            )
        )

    def work_sum(self, part: str, name: str, terms: Iterable[tuple[str, ...]]) -> None:
        """A sum of products of earlier numbers; formula and value come from the same terms."""
        terms = list(terms)
        value = sum(math.prod(self.values[factor] for factor in term) for term in terms)
        self.work(part, name, value, " + ".join(" · ".join(f"⟨{factor}⟩" for factor in term) for term in terms))


def derivative(of: str, by: str) -> str:
    """The name of a derivative.

    >>> derivative("E", "w7")
    'dE/dw7'
    """
    return f"d{of}/d{by}"


def number(value: float, *, within: bool = False) -> str:
    """Six significant digits; negative ones in parentheses where they stand within a formula.

    >>> number(-0.25), number(-0.25, within=True)
    ('-0.25', '(-0.25)')
    """
    text = f"{value:.6g}"
    return f"({text})" if within and text.startswith("-") else text


def latex_number(value: float, *, within: bool = False) -> str:
    r"""The same in LaTeX, with a power of ten where Python writes an e.

    >>> print(latex_number(1.5e-7))
    1.5 \times 10^{-7}
    """
    text = number(value, within=within)
    return re.sub(r"e([+-]\d+)", lambda power: rf" \times 10^{{{int(power[1])}}}", text)


def latex_name(name: str) -> str:
    r"""A quantity's name in LaTeX: trailing digits become a subscript, a bracketed example a superscript.

    >>> print(latex_name("dE/dw10"), latex_name("h1_2[3]"), latex_name("net_h1"), latex_name("b2'"))
    \frac{\partial E}{\partial w_{10}} h_{1,2}^{(3)} \mathrm{net}_{h_{1}} b_{2}'
    """
    if quotient := re.fullmatch(r"d([^/]+)/d([^/]+)", name):
        above, below = (latex_name(part) for part in quotient.groups())
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if name.endswith("'"):
        return latex_name(name[:-1]) + "'"
    if name == "lr":
        return r"\eta"
    if of_example := re.fullmatch(r"(.+)\[(\d+)\]", name):
        return f"{latex_name(of_example[1])}^{{({of_example[2]})}}"
    if name.startswith("net_"):
        return rf"\mathrm{{net}}_{{{latex_name(name.removeprefix('net_'))}}}"
    if indexed := re.fullmatch(r"([^\W\d_]+)_?(\d+(?:_\d+)*)?", name):
        letters, index = indexed.groups()
        letters = letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"
        return letters + (f"_{{{index.replace('_', ',')}}}" if index else "")
    return r"\mathrm{" + name.replace("_", r"\_") + "}"


def _fill(template: str, render: Callable[[str], str]) -> str:
    return _DOUBLE.sub(r"\1", _SLOT.sub(lambda slot: render(slot[1]), template))
