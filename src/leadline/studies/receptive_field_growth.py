"""What enlarges the receptive field of a stack of convolutions: depth, kernels, strides, pools."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy
from torch import nn

from leadline.architecture import receptive_field
from leadline.claims import Check, Evidence, Table
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

DEPTH = 4
KERNELS, STRIDES, WINDOWS = (1, 2, 3, 5), (1, 2, 3), (2, 3)
_LENGTH = 600  # of the input, more than any stack here sees
_BEYOND_ONE = "every kernel is larger than 1"


@dataclass(frozen=True, order=True)
class Stack:
    """Convolutions of one kernel and stride, each followed by a max-pool where `pool` is larger than 1."""

    kernel: int
    stride: int = 1
    pool: int = 1

    def layers(self) -> list[nn.Module]:
        """The deepest stack; shallower ones are its beginnings."""
        layers: list[nn.Module] = []
        for _ in range(DEPTH):
            layers.append(nn.Conv1d(1, 1, self.kernel, stride=self.stride))
            layers += [nn.MaxPool1d(self.pool)] if self.pool > 1 else []
        return layers


@dataclass(frozen=True)
class Observation:
    """Per stack the receptive fields, in positions, after its first, second, ... convolution."""

    sizes: dict[Stack, tuple[int, ...]]

    def steps(self, factor: str, *, smallest_kernel: int = 1) -> Iterator[tuple[int, int]]:
        """Sizes before and after one factor is raised and nothing else changes."""
        stacks = [stack for stack in self.sizes if stack.kernel >= smallest_kernel]
        if factor == "depth":
            for stack in stacks:
                yield from zip(self.sizes[stack], self.sizes[stack][1:], strict=False)
            return
        for one in stacks:
            for other in stacks:
                same = all(getattr(one, name) == getattr(other, name) for name in vars(one) if name != factor)
                if same and getattr(one, factor) < getattr(other, factor):
                    yield from zip(self.sizes[one], self.sizes[other], strict=True)


def observe(settings: Settings) -> Observation:
    stacks = [Stack(kernel, stride) for kernel in KERNELS for stride in STRIDES]
    stacks += [Stack(kernel, pool=window) for kernel in KERNELS for window in WINDOWS]
    return Observation({stack: _sizes(stack) for stack in stacks})


def _sizes(stack: Stack) -> tuple[int, ...]:
    fields = receptive_field(nn.Sequential(*stack.layers()), (1, 1, _LENGTH)).layers
    return tuple(int(one.axes[0].size or 0) for one in fields if one.kind == "Conv1d")


def closed_form(layers: Sequence[tuple[Any, Any]]) -> Any:
    """The receptive field of layers given as (kernel, stride): 1 + sum of (kernel - 1) times the strides before it.

    >>> closed_form([(3, 1), (2, 2), (3, 1)])
    8
    """
    size, jump = 1, 1
    for kernel, stride in layers:
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size


def pooling_gain(convolutions: int) -> sympy.Expr:
    """What pools between convolutions add to the receptive field, in kernels, windows and strides less one.

    All symbols are then >= 0 in any network, so a formula without a negative coefficient is never negative.
    """
    names = ("k", "s", "p", "q")
    by_layer = [sympy.symbols(" ".join(f"{name}{place}" for name in names)) for place in range(convolutions)]
    plain = [(1 + k, 1 + s) for k, s, _, _ in by_layer]
    pooled = [layer for k, s, p, q in by_layer for layer in ((1 + k, 1 + s), (1 + p, 1 + q))][:-1]
    return sympy.expand(closed_form(pooled) - closed_form(plain))


_OUTCOMES = {
    "larger": lambda steps: all(after > before for before, after in steps),
    "smaller": lambda steps: all(after < before for before, after in steps),
    "can change": lambda steps: any(after != before for before, after in steps),
    "can shrink": lambda steps: any(after < before for before, after in steps),
    "can grow": lambda steps: any(after > before for before, after in steps),
}


def _decide_growth(observation: Observation, asserted: dict[str, str]) -> Evidence:
    """Asserted: factor -> what raising it alone does to the receptive field."""

    def holds(smallest_kernel: int) -> bool:
        return all(_OUTCOMES[outcome](list(observation.steps(factor, smallest_kernel=smallest_kernel)))
                   for factor, outcome in asserted.items())  # fmt: skip

    return Evidence(
        as_stated=holds(min(KERNELS)),
        amended=holds(min(KERNELS) + 1),
        condition=_BEYOND_ONE,
        found={factor: _tally(list(observation.steps(factor))) for factor in asserted},
        how=f"Receptive fields of all stacks of up to {DEPTH} convolutions with kernels {_list(KERNELS)}, strides "
        f"{_list(STRIDES)} and pools of {_list(WINDOWS)}, raising one factor at a time.",
        details=(
            f"Convolutions of kernel 1 see {observation.sizes[Stack(1)][-1]} position at depth {DEPTH}.",
            f"The last of {DEPTH} convolutions of kernel 3 sees {observation.sizes[Stack(3)][-1]} positions, with "
            f"stride 2 {observation.sizes[Stack(3, stride=2)][-1]}.",
        ),
    )


def _decide_pooling(observation: Observation, outcome: str) -> Evidence:
    gain = pooling_gain(DEPTH)
    coefficients = sympy.Poly(gain).coeffs()
    never = "no" if min(coefficients) >= 0 else "a"
    plain, pooled = observation.sizes[Stack(3)], observation.sizes[Stack(3, pool=2)]
    return Evidence(
        as_stated=_OUTCOMES[outcome](list(observation.steps("pool"))),
        found={"convolutions of kernel 3": list(plain), "with 2x2 pools between them": list(pooled)},
        how="Receptive fields after each convolution, with pools between the convolutions and without.",
        details=(
            f"With and without pools, or with larger ones: {_told(_tally(list(observation.steps('pool'))))}.",
            f"In general, what pools add to {DEPTH} convolutions is a polynomial in kernels, windows and strides less "
            f"one with {len(coefficients)} terms and {never} negative coefficient.",
        ),
    )


def _tally(steps: list[tuple[int, int]]) -> dict[str, int]:
    signs = [(after > before) - (after < before) for before, after in steps]
    return {"larger": signs.count(1), "equal": signs.count(0), "smaller": signs.count(-1)}


def _told(tally: dict[str, int]) -> str:
    return ", ".join(f"{count} times {name}" for name, count in tally.items())


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


CHECKS = (
    Check(
        claim="csc413b.3.2.depth",
        procedure=_decide_growth,
        asserted={"depth": "larger", "kernel": "larger", "stride": "can change", "pool": "can change"},
        altered={"depth": "smaller", "kernel": "larger"},
    ),
    Check(claim="csc413b.3.2.pooling", procedure=_decide_pooling, asserted="can shrink", altered="can grow"),
)


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple((stack.kernel, stack.stride, stack.pool if stack.pool > 1 else "none", *sizes)
                 for stack, sizes in sorted(observation.sizes.items()))  # fmt: skip
    sizes = Table(
        title="Receptive fields (positions)",
        columns=("kernel", "stride", "pool", *(f"convolution {place}" for place in range(1, DEPTH + 1))),
        rows=rows,
    )
    return Exhibits(
        tables=(stated_against_found(CHECKS, observation), sizes),
        figures=(picture("Growth with depth, kernel 3", lambda ax: _draw(ax, observation)),),
    )


def _draw(ax: "matplotlib.axes.Axes", observation: Observation) -> None:
    shown = {"stride 1": Stack(3), "stride 2": Stack(3, stride=2), "stride 1, 2x2 pools between": Stack(3, pool=2)}
    for label, stack in shown.items():
        ax.plot(range(1, DEPTH + 1), observation.sizes[stack], marker="o", label=label)
    ax.set_xticks(range(1, DEPTH + 1))
    ax.set_xlabel("convolutions")
    ax.set_ylabel("receptive field (positions)")
    ax.legend()


STUDY = Study(
    name="receptive-field-growth",
    title="What enlarges a receptive field",
    question="How do depth, kernel size, stride and pooling change the receptive field of stacked convolutions?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
