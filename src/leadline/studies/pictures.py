"""Matplotlib figures as SVG text that follows the page's light and dark colours."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from leadline.claims import Figure

if TYPE_CHECKING:
    import matplotlib.axes

# Colours that no one would choose, replaced afterwards by the page's CSS variables.
INK, FAINT, GRID = "#010203", "#040506", "#070809"
SERIES = ("#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06")
_VARIABLES = {INK: "--ink", FAINT: "--faint", GRID: "--grid"} | {
    colour: f"--series-{place}" for place, colour in enumerate(SERIES, 1)
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "leadline", "font.family": "sans-serif", "font.size": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": FAINT, "ytick.color": FAINT,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": GRID, "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.facecolor": "none", "figure.facecolor": "none",
    "savefig.facecolor": "none", "legend.frameon": False, "axes.titlesize": 11, "lines.linewidth": 1.8,
}  # fmt: skip


@contextmanager
def page_style() -> Iterator[None]:
    """Matplotlib settings under which everything drawn takes the page's colours."""
    import matplotlib as mpl
    from cycler import cycler

    with mpl.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=SERIES)}):
        yield


def picture(
    title: str,
    draw: "Callable[[matplotlib.axes.Axes], Any]",
    *,
    caption: str = "",
    size: tuple[float, float] = (6.4, 3.6),
) -> Figure:
    """The picture that `draw(ax)` makes, as a `Figure` of the ledger; `size` in inches."""
    from matplotlib.figure import Figure as Canvas

    with page_style():
        canvas = Canvas(figsize=size, layout="constrained")
        draw(canvas.subplots())
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return Figure(title=title, svg=_themed(stream.getvalue()), caption=caption)


def _themed(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = re.sub(colour, f"var({variable})", svg, flags=re.IGNORECASE)
    return svg
