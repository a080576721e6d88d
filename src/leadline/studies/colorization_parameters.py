"""Which of the colorization nets has more parameters, and can that be why one is better?"""

from collections.abc import Callable
from dataclasses import dataclass

import sympy
import torch
from jaxtyping import Float
from torch import nn

from leadline.architecture import CountFormula, count_formula
from leadline.claims import Check, Evidence, Table
from leadline.models import PoolUpsampleNet, StridedTransposedNet, UNet
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.study import Exhibits, Settings, Study

_RANGES = {"K": (1, 9, 2), "NIC": (1, 4), "NF": (1, 6), "NC": (1, 5)}
_COURSE = {"K": 3, "NIC": 1, "NF": 32, "NC": 24}
_MAPS = {"NIC": (1, 4), "NF": (1, 6), "side": (8, 40, 4)}
_NEEDS = "trainings of both nets at equal numbers of parameters"


class AddedSkip(StridedTransposedNet):
    """The strided/transposed net whose first layer's output is added to the third's, where a U-Net concatenates."""

    def forward(self, grey: Float[torch.Tensor, "n c h w"]) -> Float[torch.Tensor, "n colours h w"]:
        """Scores of each colour at each pixel."""
        half = self.first(grey)
        return self.last(self.fourth(self.third(self.second(half)) + half))


NETS: dict[str, Callable[..., nn.Module]] = {
    "pool/upsample": PoolUpsampleNet,
    "strided/transposed": StridedTransposedNet,
    "U-Net": UNet,
    "strided/transposed, skip added": AddedSkip,
}


@dataclass(frozen=True)
class More:
    """The assertion that one net has more parameters than another, as a fact or as the reason that it is better."""

    net: str
    than: str


@dataclass(frozen=True)
class Observation:
    """Formulas of each net's parameters, and of what its second convolution costs after a pool and without it."""

    parameters: dict[str, CountFormula]
    next_layer: dict[tuple[str, bool], CountFormula]  # (quantity, pooled) -> formula

    def difference(self, assertion: More) -> sympy.Expr:
        """How many parameters the one net has more than the other."""
        one, other = (self.parameters[name].expression for name in (assertion.net, assertion.than))
        return sympy.expand(one - other)


def observe(settings: Settings) -> Observation:
    return Observation(
        parameters={name: _parameters(net) for name, net in NETS.items()},
        next_layer={(quantity, pooled): _next_layer(quantity, pooled=pooled)
                    for quantity in ("parameters", "connections") for pooled in (True, False)},
    )  # fmt: skip


def _parameters(net: Callable[..., nn.Module]) -> CountFormula:
    return count_formula(
        lambda K, NIC, NF, NC: net(K, in_channels=NIC, filters=NF, colours=NC),
        _RANGES,
        quantity="parameters",
        input_size=lambda K, NIC, NF, NC: (1, NIC, 8, 8),
    )


def _next_layer(quantity: str, *, pooled: bool) -> CountFormula:
    """What the pool/upsample net's second convolution adds to its first, with or without the pool between them."""

    def layers(NF: int) -> nn.Sequential:
        between = nn.MaxPool2d(2) if pooled else nn.Identity()
        return nn.Sequential(between, nn.Conv2d(NF, 2 * NF, 3, padding=1))

    return count_formula(
        layers, {"NF": _MAPS["NF"], "side": _MAPS["side"]}, quantity=quantity,
        input_size=lambda NF, side: (1, NF, side, side),
    )  # fmt: skip


def _decide_fact(observation: Observation, assertion: More) -> Evidence:
    difference = observation.difference(assertion)
    added = observation.difference(More("strided/transposed, skip added", "strided/transposed"))
    return Evidence(
        as_stated=bool(difference.is_positive),
        found=f"{assertion.net} minus {assertion.than}: {difference}",
        how="Formulas of the parameters by exact interpolation; the sign of their difference for positive symbols.",
        details=(
            _counts(observation, assertion),
            f"A skip connection that adds, where these concatenate, brings {added} parameters.",
        ),
    )


def _decide_reason(observation: Observation, assertion: More) -> Evidence:
    """A reason that is not so decides against the claim; one that is so would still have to be told from others."""
    difference = observation.difference(assertion)
    return Evidence(
        as_stated=None if difference.is_positive else False,
        found=f"{assertion.net} minus {assertion.than}: {difference} parameters",
        how="Formulas of the parameters by exact interpolation: a net cannot be better for more parameters that it "
        "has not.",
        details=(_counts(observation, assertion),),
        needs=_NEEDS if difference.is_positive else "",
    )


def _decide_next_layer(observation: Observation, quantity: str) -> Evidence:
    with_pool, without = (observation.next_layer[quantity, pooled].expression for pooled in (True, False))
    fewer = bool(sympy.expand(without - with_pool).is_positive)
    nets = observation.difference(More("strided/transposed", "pool/upsample"))
    return Evidence(
        as_stated=None if fewer else False,
        found={f"{quantity} of the next layer after a pool": str(with_pool), "without the pool": str(without)},
        how="Formulas in the filters and the side of the maps: what a convolution has after a 2x2 max-pool and "
        "without it.",
        details=(
            f"A convolution's {quantity} {'depend' if _depends_on_side(with_pool) else 'do not depend'} on the size of "
            "the maps, which is all that pooling changes.",
            f"The strided/transposed net minus the pool/upsample net: {nets} parameters.",
        ),
        needs=_NEEDS if fewer else "",
    )


def _depends_on_side(formula: sympy.Expr) -> bool:
    return any(str(symbol) == "side" for symbol in formula.free_symbols)


def _counts(observation: Observation, assertion: More) -> str:
    counts = [f"{name} {observation.parameters[name](**_COURSE):,}" for name in (assertion.net, assertion.than)]
    values = ", ".join(f"{name} = {value}" for name, value in _COURSE.items())
    return f"For {values}: {', '.join(counts)}."


CHECKS = (
    Check(claim="csc413a.5.3.parameters", procedure=_decide_reason,
          asserted=More("strided/transposed", "pool/upsample"), altered=More("U-Net", "strided/transposed")),
    Check(claim="csc413b.5.3.why", procedure=_decide_next_layer, asserted="parameters", altered="connections"),
    Check(claim="csc413b.6.3.parameters", procedure=_decide_fact,
          asserted=More("U-Net", "strided/transposed"), altered=More("strided/transposed", "pool/upsample")),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple((name, str(formula.expression), f"{formula(**_COURSE):,}")
                 for name, formula in observation.parameters.items())  # fmt: skip
    table = Table(
        title="Parameters of the nets",
        columns=("net", "formula (odd K)", "in the course's net"),
        rows=rows,
        caption="Biases and batch norm included; the course's net: K = 3, one grey channel, 32 filters, 24 colours.",
    )
    return Exhibits(tables=(stated_against_found(CHECKS, observation), table))


STUDY = Study(
    name="colorization-parameters",
    title="More parameters?",
    question="Do strided and transposed convolutions, or skip connections, bring more parameters than pools?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
