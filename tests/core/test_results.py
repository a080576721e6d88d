import io
from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float
from rich.console import Console

from leadline.core import Result
from leadline.core.fitted_tables import FittedTable


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Sounding(Result):
    depths_m: Float[np.ndarray, " n"]
    place: tuple[str, int | None] = ("fjord", None)

    def headline(self):
        return f"deepest {self.depths_m.max():g} m"

    def to_frame(self):
        import pandas as pd

        return pd.DataFrame({"depth_m": self.depths_m})

    def draw(self, ax):
        ax.plot(self.depths_m)


@pytest.fixture
def sounding():
    return Sounding(depths_m=np.array([1.0, np.inf]), caveats=("tide < 1 m",))


def test_plain_round_trip(sounding):
    again = Sounding.from_dict(sounding.to_dict())
    assert again.to_dict() == sounding.to_dict()
    assert again.depths_m.dtype == np.float64
    assert again.place == ("fjord", None)


def test_html_escapes_caveats(sounding):
    assert "tide &lt; 1 m" in sounding._repr_html_()


def test_plot_draws_on_the_given_axes(sounding):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert sounding.plot(ax) is ax
    assert len(ax.lines) == 1


def test_shape_checks_are_on_in_tests():
    from jaxtyping import TypeCheckError

    from leadline.core import choose_device

    with pytest.raises(TypeCheckError, match="name"):
        choose_device(3)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("width", [30, 60, 200])
def test_numbers_are_never_cut(width):
    names = [f"column_{number}" for number in range(6)]
    rows = [["a layer", *(f"{10**number:,}" for number in range(5))] for _ in range(2)]
    page = io.StringIO()
    Console(width=width, file=page).print(FittedTable(names, [False] + [True] * 5, rows))
    printed = page.getvalue()
    assert all(text in printed for text in [*names, *rows[0]])
    assert max(map(len, printed.splitlines())) <= width
