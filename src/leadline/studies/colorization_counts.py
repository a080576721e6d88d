"""Formulas for the weights, outputs and connections of the pool/upsample colorization net, under two conventions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy

from leadline.architecture import Convention, CountFormula, count_formula, profile
from leadline.claims import Check, Evidence, Table, agrees
from leadline.claims.arithmetic import Symbols
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.notation import parse
from leadline.models import PoolUpsampleNet, StridedTransposedNet, UNet
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

# The first source counts convolutions, pools and upsampling, without biases, for kernel 3; the second also biases and
# batch norm, for any kernel.
CONVENTIONS = {
    "bare": Convention(biases=False, normalization=False, outputs=("convolution", "pooling", "upsampling"),
                       connects=("convolution", "pooling", "upsampling")),
    "full": Convention(outputs=("convolution", "pooling", "upsampling", "normalization"),
                       connects=("convolution", "pooling", "upsampling", "normalization")),
}  # fmt: skip
_QUANTITIES = {"weights": "parameters", "outputs": "activations", "connections": "connections"}
_RANGES = {"K": (1, 9, 2), "NIC": (1, 4), "NF": (1, 6), "NC": (1, 5), "side": (8, 40, 4)}
KERNELS = range(1, 10, 2)
_SYMBOLS = {name: sympy.Symbol(name, integer=True, positive=True) for name in _RANGES}
_COURSE = {"K": 3, "NIC": 1, "NF": 32, "NC": 24, "side": 32}  # the net that the courses train


@dataclass(frozen=True)
class Observation:
    """(convention, quantity) -> its formula in NIC, NF, NC, the side (a multiple of 4) and, where full, K (odd)."""

    formulas: dict[tuple[str, str], CountFormula]

    def at(self, convention: str, quantity: str, **values: int) -> sympy.Expr:
        """The formula where some symbols have values."""
        found = self.formulas[convention, quantity].expression
        return sympy.expand(found.subs({_SYMBOLS[name]: value for name, value in values.items()}))


def observe(settings: Settings) -> Observation:
    return Observation(
        {
            (name, quantity): count_formula(
                _net,
                {symbol: _RANGES[symbol] for symbol in _RANGES if symbol != "K" or name == "full"},
                quantity=field,
                input_size=lambda NIC, side, **others: (1, NIC, side, side),
                convention=convention,
            )
            for name, convention in CONVENTIONS.items()
            for quantity, field in _QUANTITIES.items()
        }
    )


def _net(NIC: int, NF: int, NC: int, K: int = _COURSE["K"]) -> PoolUpsampleNet:
    return PoolUpsampleNet(K, in_channels=NIC, filters=NF, colours=NC)


def read_formula(text: str) -> sympy.Expr:
    """A formula as the sources write it, "9 NIC NF + 36 NF^2", expanded.

    >>> read_formula("K^2 (NIC NF + NC^2)")
    K**2*NC**2 + K**2*NF*NIC
    """
    return sympy.expand(evaluate(parse(text, frozenset(_SYMBOLS)), Scope(_SYMBOLS, {}, Symbols({}))))


def _formula_check(claim: str, convention: str, quantity: str, altered: str, literal: str = "", **values: int) -> Check:
    def procedure(observation: Observation, stated: str) -> Evidence:
        formula = observation.formulas[convention, quantity]
        right = observation.at(convention, quantity, **values)
        difference = sympy.expand(read_formula(stated) - right)
        details = [
            f"The formula follows from {formula.points_used} profiles and predicted {formula.points_confirmed} more.",
            f"At {_named(_COURSE | values)} it gives {_number(right, _COURSE | values):,}.",
        ]
        if difference != 0:
            details.append(f"Stated minus right: {difference}.")
        return Evidence(
            as_stated=difference == 0,
            found=str(right),
            how=f"Exact interpolation of the {quantity} counted by profiles, compared symbol by symbol.",
            details=(*details, *_read_literally(literal, right)),
        )

    return Check(claim=claim, procedure=procedure, altered=altered)


def _read_literally(literal: str, right: sympy.Expr) -> tuple[str, ...]:
    """For which kernels a formula would be right with the brackets exactly as printed."""
    if not literal:
        return ()
    difference = read_formula(literal) - right
    kernels = [kernel for kernel in KERNELS if sympy.expand(difference.subs(_SYMBOLS["K"], kernel)) == 0]
    right_for = f"kernel {' and '.join(map(str, kernels))} alone" if kernels else "no kernel"
    return (f"With the brackets exactly as printed, {literal}, it is right for {right_for}.",)


def _decide_doubling(observation: Observation, stated: dict[str, int]) -> Evidence:
    side = _SYMBOLS["side"]
    found: dict[str, Any] = {}
    for quantity in stated:
        formula = observation.at("full", quantity)
        ratio = sympy.cancel(formula.subs(side, 2 * side) / formula)
        found[quantity] = int(ratio) if ratio.is_Integer else str(ratio)
    return Evidence(
        as_stated=agrees(found, stated),
        found=found,
        how="Formulas in the side as well (a multiple of 4): value at twice the side over value at the side.",
    )


def _named(values: dict[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _number(formula: sympy.Expr, values: dict[str, int]) -> int:
    return int(formula.subs({_SYMBOLS[name]: value for name, value in values.items()}))


CHECKS = (
    _formula_check("csc413a.4.3.weights", "bare", "weights", "9 NIC NF + 18 NF^2 + 9 NF NC + 9 NC^2", side=32),
    _formula_check("csc413a.4.3.outputs", "bare", "outputs", "2240 NF + 2305 NC", side=32),
    _formula_check("csc413a.4.3.connections", "bare", "connections",
                   "9216 NIC NF + 5760 NF^2 + 2304 NF NC + 9216 NC^2", side=32),
    _formula_check("csc413a.4.3.outputs64", "bare", "outputs", "4480 NF + 4608 NC", side=64),
    _formula_check("csc413a.4.3.connections64", "bare", "connections",
                   "18432 NIC NF + 11520 NF^2 + 3584 NF + 4608 NF NC + 2048 NC + 18432 NC^2", side=64),
    _formula_check("csc413b.4.3.weights", "full", "weights", "K^2 (NIC NF + NF NC + NC^2 + 4 NF^2) + 4 NF + 2 NC",
                   side=32),
    _formula_check("csc413b.4.3.outputs", "full", "outputs", "2304 NC + 2880 NF", side=32),
    _formula_check("csc413b.4.3.connections", "full", "connections",
                   "K^2 (1024 NIC NF + 256 NF NC + 1024 NC^2 + 640 NF^2) + 1024 NC + 1792 NF", side=32,
                   literal="1024 K^2 NIC NF + 256 NF NC + 1024 NC^2 + 640 NF^2 + 2048 NC + 2432 NF"),
    Check(claim="csc413b.4.3.double", procedure=_decide_doubling,
          altered={"weights": 4, "outputs": 4, "connections": 4}),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple((convention, quantity, str(observation.at(convention, quantity)), str(observation.at(convention,
                  quantity, side=32)), f"{_number(formula.expression, _COURSE):,}")
                 for (convention, quantity), formula in observation.formulas.items())  # fmt: skip
    formulas = Table(
        title="The formulas",
        columns=("convention", "quantity", "for any side", "for side 32", "in the course's net"),
        rows=rows,
        caption=f"bare: kernel 3, no biases, no batch norm; full: with both. The course's net: {_named(_COURSE)}.",
    )
    return Exhibits(
        tables=(stated_against_found(CHECKS, observation), formulas),
        figures=(picture("Three colorization nets under the full convention", _draw, size=(6.4, 2.8)),),
    )


def _draw(ax: "matplotlib.axes.Axes") -> None:
    for place, net in enumerate((PoolUpsampleNet, StridedTransposedNet, UNet)):
        model = net(_COURSE["K"], in_channels=_COURSE["NIC"], filters=_COURSE["NF"], colours=_COURSE["NC"])
        cost = profile(model, input_size=(1, 1, 32, 32), convention=CONVENTIONS["full"])
        heights = [index + (place - 1) * 0.27 for index in range(3)]
        counts = [getattr(cost, field) for field in _QUANTITIES.values()]
        bars = ax.barh(heights, counts, height=0.25, label=net.__name__)
        ax.bar_label(bars, labels=[f"{count:,}" for count in counts], padding=3, fontsize=8)
    ax.set_yticks(range(3), list(_QUANTITIES))
    ax.set_xscale("log")
    ax.set_xlim(1e4, 1e9)
    ax.set_xlabel("count")
    ax.invert_yaxis()
    ax.legend(fontsize=8)


STUDY = Study(
    name="colorization-counts",
    title="Formulas of a colorization net",
    question="How many weights, outputs and connections has the pool/upsample net, as formulas in its parameters?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
