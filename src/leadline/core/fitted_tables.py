"""Tables for a terminal of any width: no number is cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.console
    import rich.table

_WORDS = 32  # characters of a column of text, longer ones are broken
_GAP = 2  # between columns


@dataclass(frozen=True)
class FittedTable:
    """Columns that do not fit beside the others follow below, next to the first column again.

    >>> from rich.console import Console
    >>> table = FittedTable(("layer", "parameters", "macs"), (False, True, True), [("fc", "884,736", "1,769,472")])
    >>> Console(width=24).print(table)
     layer  parameters
     fc        884,736
    <BLANKLINE>
     layer       macs
     fc     1,769,472
    """

    names: Sequence[str]
    numeric: Sequence[bool]  # by column
    rows: Sequence[Sequence[str]]

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "Iterator[rich.console.RenderableType]":
        for number, columns in enumerate(self._blocks(options.max_width)):
            if number:
                yield ""
            yield self._table(columns)

    def _blocks(self, width: int) -> list[list[int]]:
        widths = [self._width(column) for column in range(len(self.names))]
        blocks = [[0]] if widths else []
        for column in range(1, len(widths)):
            if sum(widths[one] for one in blocks[-1]) + widths[column] > width and len(blocks[-1]) > 1:
                blocks.append([0])
            blocks[-1].append(column)
        return blocks

    def _width(self, column: int) -> int:
        longest = max([len(self.names[column]), *(len(row[column]) for row in self.rows)])
        return (longest if self.numeric[column] else min(longest, _WORDS)) + _GAP

    def _table(self, columns: Sequence[int]) -> "rich.table.Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", padding=(0, 1))
        for column in columns:
            numeric = self.numeric[column]
            table.add_column(
                Text(self.names[column]), justify="right" if numeric else "left", no_wrap=numeric,
                overflow="fold", min_width=self._width(column) - _GAP,
            )  # fmt: skip
        for row in self.rows:
            table.add_row(*(Text(row[column]) for column in columns))
        return table
