"""How a quantity grows with the width of a network: the slope of its logarithm on the logarithm of the width."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WIDE_ENOUGH = 2  # widths that a slope needs


@dataclass(frozen=True, kw_only=True)
class WidthSlope:
    """One layer: `size` is proportional to width ** `slope`; `passes` if the slope is 0 within the tolerance."""

    layer: str
    slope: float
    standard_error: float  # of the slope, from the scatter over draws
    passes: bool

    @property
    def verdict(self) -> str:
        """In words."""
        if self.passes:
            return "is independent of width"
        if not np.isfinite(self.slope):
            return "is not finite"
        return "grows with width" if self.slope > 0 else "shrinks with width"


def width_slopes(
    layers: Sequence[str], widths: Sequence[int], sizes: Float[np.ndarray, "widths draws layers"], tolerance: float
) -> tuple[WidthSlope, ...]:
    """The slope of every layer, by least squares over widths and draws.

    >>> sizes = np.array([[[1.0, 2.0]], [[1.0, 4.0]]])
    >>> [one.slope for one in width_slopes(["a", "b"], [8, 16], sizes, 0.1)]
    [0.0, 1.0]
    """
    draws = sizes.shape[1]
    x = np.repeat(np.log(np.asarray(widths, dtype=float)), draws)
    x = x - x.mean()
    found = []
    for place, layer in enumerate(layers):
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.log(sizes[:, :, place].ravel())
            slope = float(x @ y / (x @ x))
            rest = y - y.mean() - slope * x
            spread = float(np.sqrt(rest @ rest / max(1, len(x) - 2) / (x @ x)))
        is_flat = bool(np.isfinite(slope) and abs(slope) <= tolerance)
        found.append(WidthSlope(layer=layer, slope=round(slope, 12), standard_error=spread, passes=is_flat))
    return tuple(found)
