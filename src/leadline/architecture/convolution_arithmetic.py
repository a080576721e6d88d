"""Which padding makes a convolution of given kernel, stride and dilation turn one size into another.

Sizes count indices along one axis. With total padding P a convolution or pooling of stride s, dilation d and kernel k
turns n into floor((n + P - d(k-1) - 1)/s) + 1, and a transposed one into (n-1)s - P + d(k-1) + output_padding + 1
(Dumoulin and Visin, A Guide to Convolution Arithmetic for Deep Learning, 2016, relationships 6 and 14).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_SOURCE = "Dumoulin and Visin, A Guide to Convolution Arithmetic for Deep Learning, arXiv:1603.07285"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ConvolutionSolution(Result):
    """All paddings that give the wanted size; where there are none, the nearest sizes that can be reached."""

    input_size: int
    output_size: int
    kernel: int
    stride: int
    dilation: int
    transposed: bool
    paddings: tuple[tuple[int, int], ...]  # (padding, output_padding); output_padding is 0 unless transposed
    asymmetric: tuple[tuple[int, int], ...]  # (before, after) for F.pad, where no symmetric padding exists
    nearest: tuple[int, ...]  # reachable output sizes next to the wanted one, where it cannot be reached

    @property
    def solved(self) -> bool:
        """Is there any padding, symmetric or not?"""
        return bool(self.paddings or self.asymmetric)

    @property
    def pooling_paddings(self) -> tuple[int, ...]:
        """The paddings that pooling layers accept too: at most half the kernel."""
        return tuple(padding for padding, _ in self.paddings if not self.transposed and padding <= self.kernel // 2)

    def headline(self) -> str:
        """The first solution, or what can be reached."""
        task = f"{self.input_size} -> {self.output_size} with kernel {self.kernel}, stride {self.stride}"
        task += f", dilation {self.dilation}" if self.dilation > 1 else ""
        task += ", transposed" if self.transposed else ""
        if self.paddings:
            padding, output_padding = self.paddings[0]
            text = f"padding {padding}" + (f", output padding {output_padding}" if self.transposed else "")
            others = len(self.paddings) - 1
            return f"{task}: {text}" + (f" (and {others} more)" if others else "")
        if self.asymmetric:
            before, after = self.asymmetric[0]
            return f"{task}: no symmetric padding; F.pad by ({before}, {after})"
        verb = "are" if len(self.nearest) > 1 else "is"
        return f"{task}: no integer solution, nearest {verb} {' and '.join(map(str, self.nearest))}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per solution; amounts in indices."""
        import pandas as pd

        rows = [(padding, padding, output_padding) for padding, output_padding in self.paddings]
        rows += [(before, after, 0) for before, after in self.asymmetric]
        frame = pd.DataFrame(rows, columns=["before_indices", "after_indices", "output_padding_indices"], dtype=int)
        return frame.assign(symmetric=[place < len(self.paddings) for place in range(len(rows))])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Output size over total padding, the wanted size as a line; for transposed ones per output padding."""
        widest = 2 * max([padding for padding, _ in self.paddings] or [self.dilation * (self.kernel - 1)]) + self.stride
        extras = range(max(self.stride, self.dilation)) if self.transposed else [0]
        for extra in extras:
            sizes = [self.size_with(total, extra) for total in range(widest + 1)]
            label = f"output padding {extra}" if self.transposed else None
            ax.step(range(widest + 1), sizes, where="mid", label=label)
        ax.axhline(self.output_size, linestyle="--", linewidth=1)
        ax.set_xlabel("total padding (indices)")
        ax.set_ylabel("output size (indices)")
        if self.transposed and len(extras) > 1:
            ax.legend()

    def size_with(self, total_padding: int, output_padding: int = 0) -> int:
        """The output size with this much padding on both sides together."""
        return _output_size(self.input_size, self.kernel, self.stride, self.dilation, self.transposed, total_padding,
                            output_padding)  # fmt: skip


def solve_convolution(
    input_size: int,
    output_size: int,
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    transposed: bool = False,
) -> ConvolutionSolution:
    """All paddings with which a convolution turns `input_size` indices into `output_size`.

    They hold for pooling too, whose padding PyTorch limits to half the kernel (`pooling_paddings`). That there is no
    solution is an outcome, not an error.

    Args:
        input_size, output_size: indices along one axis, at least 1.
        kernel: the kernel's size along it.
        stride: step of the windows; of a transposed convolution, the step of its inputs.
        dilation: step within a window.
        transposed: solve for a transposed convolution, with pairs of padding and output padding; PyTorch demands
            an output padding below the larger of stride and dilation.

    Returns:
        Symmetric paddings; else asymmetric amounts for `torch.nn.functional.pad` in front of an unpadded convolution
        (behind a transposed one PyTorch has no such thing); else the nearest sizes that can be reached.

    Raises:
        InputError: an argument below 1.

    >>> solve_convolution(32, 16, 5, stride=2)
    32 -> 16 with kernel 5, stride 2: padding 2
    >>> solve_convolution(8, 16, 3, stride=2, transposed=True).paddings
    ((1, 1),)
    >>> solve_convolution(8, 9, 3, transposed=True)
    8 -> 9 with kernel 3, stride 1, transposed: no integer solution, nearest are 8 and 10

    References:
        Dumoulin and Visin, A Guide to Convolution Arithmetic for Deep Learning (2016), relationships 6 and 14.
    """
    names = ("input_size", "output_size", "kernel", "stride", "dilation")
    for name, value in zip(names, (input_size, output_size, kernel, stride, dilation), strict=True):
        if value < 1:
            raise InputError("solve_convolution", expected=f"{name} of at least 1", got=str(value),
                             remedy="sizes count indices along one axis")  # fmt: skip
    setting = (input_size, kernel, stride, dilation)
    paddings, asymmetric = _transposed(output_size, *setting) if transposed else _forward(output_size, *setting)
    return ConvolutionSolution(
        input_size=input_size,
        output_size=output_size,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        transposed=transposed,
        paddings=paddings,
        asymmetric=asymmetric,
        nearest=() if paddings or asymmetric else _nearest(output_size, *setting, transposed),
        sources=(_SOURCE,),
    )


_Pairs = tuple[tuple[int, int], ...]


def _forward(output_size: int, input_size: int, kernel: int, stride: int, dilation: int) -> tuple[_Pairs, _Pairs]:
    least = stride * (output_size - 1) + dilation * (kernel - 1) + 1 - input_size
    totals = range(max(least, 0), least + stride)  # the floor leaves a window of `stride` totals
    paddings = tuple((total // 2, 0) for total in totals if total % 2 == 0)
    # Without a symmetric one the window holds a single odd total at most, and either side may have the larger half.
    asymmetric = tuple((before, total - before) for total in totals for before in (total // 2, total // 2 + 1))
    return paddings, () if paddings else asymmetric


def _transposed(output_size: int, input_size: int, kernel: int, stride: int, dilation: int) -> tuple[_Pairs, _Pairs]:
    unpadded = stride * (input_size - 1) + dilation * (kernel - 1) + 1
    extras = range(max(stride, dilation))
    totals = [(unpadded + extra - output_size, extra) for extra in extras]
    return tuple((total // 2, extra) for total, extra in totals if total >= 0 and total % 2 == 0), ()


def _nearest(
    output_size: int, input_size: int, kernel: int, stride: int, dilation: int, transposed: bool
) -> tuple[int, ...]:
    if not transposed:  # padding only enlarges, and every larger size can be reached
        return (_output_size(input_size, kernel, stride, dilation, False, 0, 0),)
    largest = _output_size(input_size, kernel, stride, dilation, True, 0, max(stride, dilation) - 1)

    def reachable(size: int) -> bool:
        return bool(_transposed(size, input_size, kernel, stride, dilation)[0])

    below = next(filter(reachable, range(min(output_size - 1, largest), 0, -1)), None)
    above = next(filter(reachable, range(output_size + 1, largest + 1)), None)
    return tuple(size for size in (below, above) if size is not None)


def _output_size(
    input_size: int, kernel: int, stride: int, dilation: int, transposed: bool, padding: int, output_padding: int
) -> int:
    span = dilation * (kernel - 1)
    if transposed:
        return (input_size - 1) * stride - padding + span + output_padding + 1
    return (input_size + padding - span - 1) // stride + 1
