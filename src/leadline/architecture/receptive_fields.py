"""The receptive field of every layer: per axis the exact interval of input indices that each output index sees."""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, kw_only=True)
class AxisField:
    """What a layer's output sees along one axis of the input.

    `lo[i]` and `hi[i]` are exact (but for the upper bounds that the caveats name), all channels and the output's other
    axes together; (0, -1) means that output i sees nothing. `size`, `jump` and `start` describe the
    interval far from the borders, padding included: output i sees `size` indices from `start + jump*i` on.

    `pattern` is "affine"; "periodic" (sizes differ or repeat by phase, `size` is the largest); "whole axis";
    "irregular" (`size`, `jump` and `start` are None); or "nothing" (the output does not depend on the input).
    """

    axis: int  # of the input
    output_axis: int | None  # the output's axis whose indices the intervals belong to; None: it is the same for all
    inputs: int  # indices along the axis of the input
    lo: Int[np.ndarray, " outputs"]
    hi: Int[np.ndarray, " outputs"]
    pattern: str
    size: int | None  # input indices
    jump: Fraction | None  # input indices per output index
    start: int | None  # first index that output 0 would see of an input without borders
    phase_sizes: tuple[int, ...]  # input indices seen by outputs 0, 1, ... of one period
    regular_border: bool  # do the intervals at the borders follow from cutting the pattern at the borders?

    @property
    def largest(self) -> int:
        """The most input indices between borders that any output sees."""
        return int((self.hi - self.lo).max()) + 1


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerField:
    """One call of one module."""

    path: str  # of calls; the model itself is ""
    kind: str
    depth: int
    call: int  # the how manieth call by this path
    is_leaf: bool  # called no other module
    output_size: tuple[int, ...]
    axes: tuple[AxisField, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Disagreement:
    """An output index whose gradient says another interval than was computed."""

    path: str
    call: int
    axis: int
    output_index: int
    computed: tuple[int, int]
    measured: tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurement:
    """The comparison with the support of gradients."""

    layers: int  # compared
    positions: int  # output indices compared, over all layers and axes
    disagreements: tuple[Disagreement, ...]  # at most one per layer and axis


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ReceptiveField(Result):
    """Receptive fields of all layers, in the order in which they were entered; the model itself comes first."""

    model: str
    input_size: tuple[int, ...]
    layers: tuple[LayerField, ...]
    measurement: Measurement | None = None

    @property
    def output(self) -> LayerField:
        """The model itself."""
        return self.layers[0]

    def layer(self, path: str, *, call: int = 1) -> LayerField:
        """The layer that was called by this path."""
        for one in self.layers:
            if (one.path, one.call) == (path, call):
                return one
        known = ", ".join(one.path for one in self.layers if one.path)
        raise InputError("ReceptiveField.layer", expected=f"one of {known}", got=f"{path!r}, call {call}",
                         remedy="take a path from to_frame()")  # fmt: skip

    def headline(self) -> str:
        """Size along each axis, and whether the gradients agree."""
        axes = self.output.axes
        if all(one.pattern == "whole axis" for one in axes):
            text = f"every output of {self.model} sees all {_by(one.inputs for one in axes)} input positions"
            local = [one for one in self.layers if all(axis.pattern in ("affine", "periodic") for axis in one.axes)]
            if local:
                text += f"; {local[-1].path or 'the last local layer'} sees {_sizes(local[-1])}"
        else:
            text = (
                f"an output of {self.model} sees {_sizes(self.output)} of {_by(one.inputs for one in axes)} positions"
            )
        return text + self._agreement()

    def _agreement(self) -> str:
        if self.measurement is None:
            return ""
        wrong = self.measurement.disagreements
        if not wrong:
            return f"; gradients agree in all {self.measurement.layers} layers"
        return f"; gradients disagree first in {wrong[0].path or 'the model'} ({len(wrong)} layer axes differ)"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per layer and axis."""
        import pandas as pd

        rows = []
        for one in self.layers:
            for axis in one.axes:
                rows.append({
                    "layer": one.path or "(model)", "call": one.call, "kind": one.kind,
                    "output_size": "x".join(map(str, one.output_size)), "axis": axis.axis, "pattern": axis.pattern,
                    "size_positions": axis.size if axis.size is not None else "",
                    "jump_positions": str(axis.jump) if axis.jump is not None else "",
                    "start_index": axis.start if axis.start is not None else "",
                    "phase_sizes_positions": "/".join(map(str, axis.phase_sizes)),
                    "largest_positions": axis.largest, "border": "cut" if axis.regular_border else "differs",
                })  # fmt: skip
        return pd.DataFrame(rows)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Per layer a bar over the input positions that the middle output sees, one lane per axis."""
        rows = [one for one in self.layers if one.is_leaf] or list(self.layers)
        lanes = len(self.output.axes)
        for lane in range(lanes):
            fields = [one.axes[lane] for one in rows]
            middles = [int(np.abs(np.arange(len(one.lo)) - (len(one.lo) - 1) / 2).argmin()) for one in fields]
            starts = [one.lo[middle] for one, middle in zip(fields, middles, strict=True)]
            widths = [one.hi[middle] - one.lo[middle] + 1 for one, middle in zip(fields, middles, strict=True)]
            heights = [row + 0.8 * (lane + 0.5) / lanes - 0.4 for row in range(len(rows))]
            label = f"axis {fields[0].axis}"
            ax.barh(heights, widths, left=starts, height=0.8 / lanes, color=f"C{lane}", label=label)
        ax.set_yticks(range(len(rows)), [one.path or self.model for one in rows])
        ax.invert_yaxis()
        ax.set_xlim(0, max(one.inputs for one in self.output.axes))
        ax.set_xlabel("input positions seen by the middle output (index)")
        if lanes > 1:
            ax.legend()


def _by(numbers) -> str:
    return " x ".join(map(str, numbers))


def _sizes(layer: LayerField) -> str:
    return _by(one.largest if one.size is None else one.size for one in layer.axes)
