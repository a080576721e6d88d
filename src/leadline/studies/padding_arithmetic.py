"""The paddings with which strided convolutions halve a size and transposed ones double it again."""

from dataclasses import dataclass
from typing import Any

from leadline.architecture import ConvolutionSolution, solve_convolution
from leadline.claims import Check, Evidence, Table
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

_STRIDE = 2
_SIDES = ((32, 16), (16, 8))  # the net halves twice on the way down
KERNELS = range(2, 8)


@dataclass(frozen=True)
class Observation:
    """Per kernel the solutions of every halving and of every doubling, and of the last convolution, which keeps 32."""

    halving: dict[int, tuple[ConvolutionSolution, ...]]
    doubling: dict[int, tuple[ConvolutionSolution, ...]]
    keeping: dict[int, ConvolutionSolution]

    def common(self, kernel: int) -> list[list[int]]:
        """All pairs of padding and output padding that serve every layer of the net, down and up."""
        down = set.intersection(*({padding for padding, _ in one.paddings} for one in self.halving[kernel]))
        up = set.intersection(*(set(one.paddings) for one in self.doubling[kernel]))
        return sorted([padding, extra] for padding, extra in up if padding in down)


def observe(settings: Settings) -> Observation:
    return Observation(
        halving={kernel: tuple(solve_convolution(large, small, kernel, stride=_STRIDE) for large, small in _SIDES)
                 for kernel in KERNELS},
        doubling={kernel: tuple(solve_convolution(small, large, kernel, stride=_STRIDE, transposed=True)
                                for large, small in _SIDES) for kernel in KERNELS},
        keeping={kernel: solve_convolution(_SIDES[0][0], _SIDES[0][0], kernel) for kernel in KERNELS},
    )  # fmt: skip


def _decide(observation: Observation, stated: dict[int, list[int]]) -> Evidence:
    found = {f"kernel {kernel}": observation.common(kernel) for kernel in stated}
    right = all(pair in observation.common(kernel) for kernel, pair in stated.items())
    return Evidence(
        as_stated=right,
        found=found,
        how="All pairs (padding, output padding) with which 32 goes to 16 to 8 at stride 2, and back by transposed "
        "convolutions.",
        details=tuple(_remark(observation, kernel) for kernel in stated),
    )


def _remark(observation: Observation, kernel: int) -> str:
    pairs = observation.common(kernel)
    number = "the only pair is " if len(pairs) == 1 else f"{len(pairs)} pairs: "
    return f"Kernel {kernel}: {number}{_pairs(pairs)}. The last layer, {observation.keeping[kernel].headline()}."


def _pair_check(claim: str, kernel: int, altered: dict[str, int]) -> Check:
    def procedure(observation: Observation, stated: dict[str, int]) -> Evidence:
        return _decide(observation, {kernel: [stated["padding"], stated["output_padding"]]})

    return Check(claim=claim, procedure=procedure, altered=altered)


def _decide_both(observation: Observation, stated: dict[str, Any]) -> Evidence:
    return _decide(observation, {int(name.removeprefix("k")): list(pair) for name, pair in stated.items()})


CHECKS = (
    _pair_check("csc413a.5.4.k4", 4, {"padding": 1, "output_padding": 1}),
    _pair_check("csc413a.5.4.k5", 5, {"padding": 2, "output_padding": 0}),
    Check(claim="csc413b.5.4", procedure=_decide_both, altered={"k4": [2, 1], "k5": [2, 1]}),
)


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple((kernel, _pairs(observation.common(kernel)), observation.keeping[kernel].headline())
                 for kernel in KERNELS)  # fmt: skip
    solutions = Table(
        title="Paddings of the colorization net",
        columns=("kernel", "(padding, output padding)", "last layer, stride 1"),
        rows=rows,
        caption="Pairs that serve both strided and both transposed convolutions.",
    )
    return Exhibits(
        tables=(stated_against_found(CHECKS, observation), solutions),
        figures=(picture("Doubling 16 with kernel 5", observation.doubling[5][0].draw, size=(6.4, 3.0)),),
    )


def _pairs(pairs: list[list[int]]) -> str:
    return ", ".join(f"({padding}, {extra})" for padding, extra in pairs) or "none"


STUDY = Study(
    name="padding-arithmetic",
    title="Paddings that halve and double",
    question="Which padding and output padding keep the shapes of the strided/transposed net for other kernels?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
