"""What 1x1 convolutions save in an Inception block, and which of them does what."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from torch import nn

from leadline.architecture import Profile, profile
from leadline.claims import Check, Evidence, Table, agrees, value_check
from leadline.models import NaiveInception, ReducedInception
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

_IN, _SIDE = 256, 32
_BRANCHES = {"ones": 128, "threes": 192, "fives": 96}
_PRINTED_DIGITS = 3  # to which the source cuts each convolution's multiplications


@dataclass(frozen=True)
class Reductions:
    """Output channels of the block's 1x1 convolutions before the 3x3, before the 5x5 and after the pool."""

    reduced_threes: int = 128
    reduced_fives: int = 32
    projection: int = 64

    def block(self) -> ReducedInception:
        """The block with these reductions."""
        return ReducedInception(_IN, **_BRANCHES, **vars(self))


@dataclass(frozen=True)
class Observation:
    """Costs of the naive and of the reduced block, and the groups of the reduced block's 1x1 reductions."""

    naive: Profile
    reduced: Profile
    reductions: dict[str, tuple[int, int, int]]  # branch -> (in channels, out channels, groups)


def observe(settings: Settings) -> Observation:
    size = (1, _IN, _SIDE, _SIDE)
    block = Reductions().block()
    firsts = {"before the 3x3": block.threes[0], "before the 5x5": block.fives[0]}
    return Observation(
        naive=profile(lambda: NaiveInception(_IN, **_BRANCHES), input_size=size),
        reduced=profile(block, input_size=size),
        reductions={name: (layer.in_channels, layer.out_channels, layer.groups) for name, layer in firsts.items()
                    if isinstance(layer, nn.Conv2d)},
    )  # fmt: skip


def output_of(cost: Profile) -> list[int]:
    """Height, width and channels of the block's output."""
    _, channels, height, width = cost.modules[0].output_shapes[0]
    return [height, width, channels]


def cut_to(digits: int, count: int) -> int:
    """The count with all but so many leading digits cut off.

    >>> cut_to(3, 452984832)
    452000000
    """
    unit = 10 ** max(len(str(count)) - digits, 0)
    return count // unit * unit


def depth_with(reductions: Reductions) -> int:
    """Channels of the output of the block with these reductions."""
    return output_of(profile(reductions.block, input_size=(1, _IN, _SIDE, _SIDE)))[2]


def _terms(cost: Profile) -> dict[str, int]:
    return {row.path: row.own.macs for row in cost.modules if row.own.macs}


def _operations_check(claim: str, block: str, altered: Decimal) -> Check:
    def procedure(observation: Observation, stated: Any) -> Evidence:
        cost = getattr(observation, block)
        cut = sum(cut_to(_PRINTED_DIGITS, term) for term in _terms(cost).values())
        return Evidence(
            as_stated=agrees(cost.macs, stated),
            amended=agrees(cut, stated),
            condition=f"every convolution's count cut to {_PRINTED_DIGITS} digits before adding",
            found=cost.macs,
            how=f"Multiply-accumulates of the {block} block's convolutions, added exactly.",
            details=(f"Each cut to {_PRINTED_DIGITS} digits first, they add up to {cut:,}.",),
        )

    return Check(claim=claim, procedure=procedure, altered=altered)


def _decide_saving(observation: Observation, stated: str) -> Evidence:
    sign, bound = stated.split()
    saving = 1 - observation.reduced.macs / observation.naive.macs
    share = float(bound.rstrip("%")) / 100
    return Evidence(
        as_stated=saving > share if sign == ">" else saving < share,
        found=f"{saving:.2%}",
        how="One minus the ratio of the two blocks' multiply-accumulates.",
    )


def _decide_cause(observation: Observation, layer: str) -> Evidence:
    """A reduction is the cause if undoing it alone gives the naive depth, and undoing the others changes nothing."""
    naive, reduced = output_of(observation.naive)[2], output_of(observation.reduced)[2]
    undone = {name: depth_with(replace(Reductions(), **{name: _IN})) for name in vars(Reductions())}
    return Evidence(
        as_stated=undone[layer] == naive and all(depth == reduced for name, depth in undone.items() if name != layer),
        found={f"depth with {name} widened to {_IN}": depth for name, depth in undone.items()},
        how=f"Output depth ({reduced} channels, naive {naive}) with one 1x1 reduction at a time undone.",
    )


def _decide_kind(observation: Observation, kind: str) -> Evidence:
    """Depthwise: every output channel sees one input channel (as many groups as inputs); pointwise: 1x1, sees all."""
    groups = {name: number for name, (_, _, number) in observation.reductions.items()}
    is_kind = {
        "depthwise": all(number == inputs for inputs, _, number in observation.reductions.values()),
        "pointwise": all(number == 1 for number in groups.values()),
    }
    kinds = [name for name, holds in is_kind.items() if holds]
    weights = [f"{name}: {inputs} to {outputs} channels takes {inputs * outputs // number:,} weights in {number} "
               f"group(s), each output reading {inputs // number} channel(s)"
               for name, (inputs, outputs, number) in observation.reductions.items()]  # fmt: skip
    impossible = [name for name, (inputs, outputs, _) in observation.reductions.items() if outputs % inputs]
    return Evidence(
        as_stated=is_kind[kind],
        found={"kind": " and ".join(kinds), "groups": groups},
        how="Groups of the 1x1 convolutions: as many as input channels in a depthwise one, one in a pointwise one.",
        details=(
            "; ".join(weights) + ".",
            "A depthwise convolution's outputs are a multiple of its inputs, so it cannot be what reduces the depth "
            f"{' or '.join(impossible)}.",
        ),
    )


CHECKS = (
    value_check("e6998.4.2b.naive", lambda seen: output_of(seen.naive), "Shape of the naive block's output.",
                altered=[32, 32, 480]),
    value_check("e6998.4.2b.reduced", lambda seen: output_of(seen.reduced), "Shape of the reduced block's output.",
                altered=[32, 32, 672]),
    Check(claim="e6998.4.2b.why", procedure=_decide_cause, asserted="projection", altered="reduced_threes"),
    _operations_check("e6998.4.2c.naive", "naive", Decimal("1.1157e+9")),
    _operations_check("e6998.4.2c.reduced", "reduced", Decimal("4.10e+8")),
    Check(claim="e6998.4.2d.saving", procedure=_decide_saving, altered="> 70%"),
    Check(claim="e6998.4.2d.depthwise", procedure=_decide_kind, asserted="depthwise", altered="pointwise"),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    rows = [
        (block, path, f"{macs:,}", f"{cut_to(_PRINTED_DIGITS, macs):,}")
        for block, cost in (("naive", observation.naive), ("reduced", observation.reduced))
        for path, macs in _terms(cost).items()
    ]
    return Exhibits(
        tables=(
            stated_against_found(CHECKS, observation),
            Table(title="Multiplications of each convolution", rows=tuple(rows),
                  columns=("block", "layer", "multiply-accumulates", f"cut to {_PRINTED_DIGITS} digits")),
        ),
        figures=(picture("Multiplications per branch", lambda ax: _draw(ax, observation), size=(6.4, 2.8)),),
    )  # fmt: skip


def _draw(ax: "matplotlib.axes.Axes", observation: Observation) -> None:
    blocks = {"naive": observation.naive, "with reductions": observation.reduced}
    started = dict.fromkeys(blocks, 0.0)
    for branch in ("ones", "threes", "fives", "pool"):
        sums = {name: sum(macs for path, macs in _terms(cost).items() if path.split(".")[0] == branch) / 1e6
                for name, cost in blocks.items()}  # fmt: skip
        ax.barh(list(blocks), list(sums.values()), left=list(started.values()), label=branch)
        started = {name: started[name] + sums[name] for name in blocks}
    ax.set_xlabel("multiply-accumulates (millions)")
    ax.invert_yaxis()
    ax.legend(title="branch", loc="lower right")


STUDY = Study(
    name="inception-counts",
    title="What reductions save in an Inception block",
    question="How deep is the output of an Inception block, how many multiplications does it take, and what do its 1x1 "
    "convolutions do?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
