"""The picture of a sweep: a metric over a parameter, one colour per value of the next parameter."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from leadline.sweep.outcomes import OUTCOMES
from leadline.sweep.reading import Row

if TYPE_CHECKING:
    import matplotlib.axes

_COLOURS = 8  # more values of the second parameter than this share one colour
_DECADES = 50.0  # a ratio of largest to smallest value from which an axis is logarithmic


def draw_sweep(rows: Sequence[Row], ax: "matplotlib.axes.Axes") -> None:
    """Points of the first number returned over the first number varied; a bar per outcome where there is none."""
    done = [row for row in rows if row.outcome == "done"]
    metric = next((name for name in (done[0].value if done else {}) if _is_number(done[0].value[name])), None)
    varied = _varied(rows)
    across = next((name for name in varied if all(_is_number(row.arguments.get(name)) for row in rows)), None)
    if metric is None or across is None:
        counts = Counter(row.outcome for row in rows)
        ax.bar(OUTCOMES, [counts[name] for name in OUTCOMES])
        ax.set(xlabel="outcome", ylabel="jobs (count)")
        return
    _draw_points(done, across, metric, next((name for name in varied if name != across), None), ax)
    if lost := [row.arguments[across] for row in rows if row.outcome != "done"]:
        ax.plot(lost, [0.02] * len(lost), "x", color="tab:red", label="failed or diverged",
                transform=ax.get_xaxis_transform())  # fmt: skip
    if ax.get_legend_handles_labels()[0]:
        ax.legend()
    if _spans([row.arguments[across] for row in rows]):
        ax.set_xscale("log")
    if _spans([row.value.get(metric) for row in done]):
        ax.set_yscale("log")
    ax.set(xlabel=across, ylabel=metric)


def _draw_points(done: Sequence[Row], across: str, metric: str, beside: str | None, ax: "matplotlib.axes.Axes") -> None:
    kinds: dict[str, list[tuple[float, float]]] = {}
    for row in done:
        if _is_number(row.value.get(metric)):
            kind = f"{beside} {row.arguments.get(beside)}" if beside else ""
            kinds.setdefault(kind, []).append((row.arguments[across], row.value[metric]))
    if not 1 < len(kinds) <= _COLOURS:
        kinds = {"": [point for points in kinds.values() for point in points]}
    for kind, points in kinds.items():
        ax.plot(*zip(*points, strict=True), "o", markersize=4, label=kind or None)


def _varied(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row.arguments)
    return [name for name in names if len({str(row.arguments.get(name)) for row in rows}) > 1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spans(values: Sequence[Any]) -> bool:
    numbers = [value for value in values if _is_number(value) and value == value]
    return bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) > _DECADES
