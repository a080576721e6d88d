"""A small network as circles and lines, with values and derivatives written on them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import matplotlib.axes

_MOST_LABELLED = 40  # connections; beyond this colour and width must do
_RADIUS = 0.3


@dataclass(frozen=True, kw_only=True)
class Connection:
    """`source` feeds `target` by `parameter`; a bias has no source, a bare activation no parameter."""

    source: str
    target: str
    parameter: str


def draw_network(
    ax: "matplotlib.axes.Axes",
    units: tuple[tuple[str, ...], ...],
    connections: tuple[Connection, ...],
    values: Mapping[str, float],
    gradients: Mapping[str, float],
    loss: str,
) -> None:
    """Layers from left to right; a line's colour tells the sign of its derivative, its width the size."""
    tallest = max(len(layer) for layer in units)
    across = max(3.2, 0.9 * tallest)
    places = {name: (column * across, -_height(row, len(layer), tallest))
              for column, layer in enumerate(units) for row, name in enumerate(layer)}  # fmt: skip
    largest = max((abs(value) for value in gradients.values()), default=1.0) or 1.0
    labelled = len(connections) <= _MOST_LABELLED
    for connection in connections:
        slope = gradients.get(connection.parameter, 0.0)
        label = _label(connection.parameter, values, slope) if labelled and connection.parameter else ""
        if connection.source:
            line = (places[connection.source], places[connection.target])
            _draw_line(ax, *line, label, slope, 0.6 + 3 * (abs(slope) / largest) ** 0.5)
        elif label:
            x, y = places[connection.target]
            ax.annotate(label.replace(" (", "\n("), (x, y - _RADIUS), xytext=(0, -3), textcoords="offset points",
                        ha="center", va="top", fontsize=7.5)  # fmt: skip
    for name, (x, y) in places.items():
        text = f"{name}\n{values[name]:.4g}" if name in values else name  # a batch has no one value
        ax.plot(x, y, "o", markersize=34, markerfacecolor="none", color="C0", markeredgewidth=1.4)
        ax.annotate(text, (x, y), ha="center", va="center", fontsize=8)
    note = f"weight = value (d{loss}/dweight)" if labelled else "derivatives as colour and width"
    _explain(ax, f"{loss} = {values[loss]:.6g}; {note}", across * (len(units) - 1), -_height(tallest - 1, tallest, 0))


def _height(row: int, rows: int, tallest: int) -> float:
    return 1.6 * (row + (max(tallest, rows) - rows) / 2)


def _label(parameter: str, values: Mapping[str, float], slope: float) -> str:
    return f"{parameter} = {values[parameter]:.4g} ({slope:.3g})"


def _draw_line(ax: "matplotlib.axes.Axes", start: tuple[float, float], end: tuple[float, float], label: str,
               slope: float, width: float) -> None:  # fmt: skip
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    x0, y0, x1, y1 = x0 + dx * _RADIUS, y0 + dy * _RADIUS, x1 - dx * _RADIUS, y1 - dy * _RADIUS
    angle = math.degrees(math.atan2(dy, dx))
    colour = "C1" if slope > 0 else "C2" if slope < 0 else "C0"
    ax.plot([x0, x1], [y0, y1], color=colour, linewidth=width, solid_capstyle="round", alpha=0.75)
    if label:
        # Behind the source the lines of one fan lie apart and have not yet crossed those of the others.
        ax.annotate(label, (x0 + 0.1 * dx, y0 + 0.1 * dy), xytext=(0, 2), textcoords="offset points", rotation=angle,
                    rotation_mode="anchor", transform_rotates_text=True, ha="left", va="bottom",
                    fontsize=7.5)  # fmt: skip


def _explain(ax: "matplotlib.axes.Axes", title: str, right: float, bottom: float) -> None:
    from matplotlib.lines import Line2D

    ax.set_title(title)
    ax.legend(handles=[Line2D([], [], color="C1", label="derivative > 0: the step lowers the weight"),
                       Line2D([], [], color="C2", label="derivative < 0: the step raises it"),
                       Line2D([], [], color="C0", label="0")],
              loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, fontsize=8, frameon=False)  # fmt: skip
    ax.set(xlim=(-0.6, right + 0.6), ylim=(bottom - 0.9, 0.6), aspect="equal")
    ax.axis("off")
