"""What every instrument returns: the numbers, their units, what was not covered, and where the theory stands."""

import html
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from leadline.core.encoding import from_plain, to_plain
from leadline.core.fitted_tables import FittedTable

if TYPE_CHECKING:  # drawing and tables load only when asked for; full dotted names let beartype find them in tests
    import matplotlib.axes
    import pandas

_Kind = TypeVar("_Kind", bound="Result")  # not typing.Self: beartype refuses it on methods checked one by one


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Result(ABC):
    """A frozen record that can say itself in one line, as a table, as a plot and as plain JSON values.

    Subclasses add fields (plain numbers, strings, NumPy arrays, tuples and nested frozen dataclasses; never
    tensors) and the three methods `headline`, `to_frame` and `draw`. Equality is identity: fields may be arrays.
    """

    caveats: tuple[str, ...] = ()  # what was not counted, did not converge or was assumed
    sources: tuple[str, ...] = ()  # where the quantity is defined: paper, section

    @abstractmethod
    def headline(self) -> str:
        """The result in one line."""

    @abstractmethod
    def to_frame(self) -> "pandas.DataFrame":
        """The result as a table, units in the column names."""

    @abstractmethod
    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Put the picture on `ax`; axes labelled with units."""

    def plot(self, ax: "matplotlib.axes.Axes | None" = None) -> "matplotlib.axes.Axes":
        """Draw on `ax` (a new figure's where none is given) and return it; the result stays as it is."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(layout="constrained").subplots()
        self.draw(ax)
        return ax

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON values; `from_dict` undoes it."""
        return to_plain(self)

    @classmethod
    def from_dict(cls: type[_Kind], plain: dict[str, Any]) -> _Kind:
        """The result whose `to_dict` is `plain`."""
        return from_plain(plain, cls)

    def __repr__(self) -> str:
        return self.headline()

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(caveat)}</li>" for caveat in self.caveats)
        table = self.to_frame().to_html(border=0, max_rows=60)
        return f"<p><b>{html.escape(self.headline())}</b></p>{table}" + (f"<ul>{notes}</ul>" if notes else "")

    def __rich__(self) -> Any:
        return self.for_terminal(self.to_frame())

    def for_terminal(self, frame: "pandas.DataFrame") -> Any:
        """The headline, a table of the result and the caveats, for rich to print."""
        from rich.console import Group
        from rich.text import Text

        numeric = [column.dtype.kind in "iuf" for _, column in frame.items()]
        rows = [tuple(map(_cell, row)) for row in frame.itertuples(index=False)]
        table = FittedTable([str(name) for name in frame.columns], numeric, rows)
        notes = [Text(f"note: {caveat}", style="dim") for caveat in self.caveats]
        return Group(Text(self.headline(), style="bold"), table, *notes)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
