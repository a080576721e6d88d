"""A 5x5 convolution worked by hand, against convolution and cross-correlation computed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.signal import convolve2d

from leadline.claims import Check, Evidence, Table, agrees
from leadline.core import numpy_generator
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

IMAGE = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]])
KERNEL = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])


@dataclass(frozen=True)
class Observation:
    """The image under true convolution (kernel turned by 180 degrees) and under cross-correlation (not turned).

    Args:
        is_turned_alike: is the kernel its own turn by 180 degrees?
        random_differ: do the two differ for a random kernel, so that the question matters at all?
    """

    convolution: np.ndarray
    correlation: np.ndarray
    is_turned_alike: bool
    random_differ: bool


def observe(settings: Settings) -> Observation:
    other = numpy_generator("convolution-by-hand").integers(-5, 6, (3, 3))
    return Observation(
        convolve2d(IMAGE, KERNEL, mode="same"),
        correlation(IMAGE, KERNEL),
        bool((np.rot90(KERNEL, 2) == KERNEL).all()),
        bool((convolve2d(IMAGE, other, mode="same") != correlation(IMAGE, other)).any()),
    )


def correlation(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What deep learning calls convolution, zero-padded to the image's size."""
    planes, weight = torch.tensor(image)[None, None], torch.tensor(kernel)[None, None]
    return torch.nn.functional.conv2d(planes, weight, padding="same")[0, 0].numpy()


def _stated_matrix(observation: Observation, stated: list[list[int]]) -> Evidence:
    found = observation.convolution
    wrong = np.argwhere(found != np.array(stated))
    return Evidence(
        as_stated=agrees(found.tolist(), stated),
        found=found.tolist(),
        how="Zero-padded convolution (SciPy) and cross-correlation (torch), compared entry by entry.",
        details=(
            f"Convolution and cross-correlation are {'equal' if _equal(observation) else 'different'}: the kernel is "
            f"{'' if observation.is_turned_alike else 'not '}its own turn by 180 degrees. For a random integer kernel "
            f"they {'differ' if observation.random_differ else 'are equal as well'}.",
            f"{found.size - len(wrong)} of {found.size} entries are as stated.",
            *(f"Row {row + 1}, column {column + 1}: stated {stated[row][column]}, found {found[row, column]}."
              for row, column in wrong.tolist()),
        ),
    )  # fmt: skip


def _equal(observation: Observation) -> bool:
    return bool((observation.convolution == observation.correlation).all())


def exhibit(observation: Observation) -> Exhibits:
    columns = tuple(f"column {place}" for place in range(1, 6))
    return Exhibits(
        tables=(Table(title="The output", columns=columns, rows=tuple(map(tuple, observation.convolution.tolist())),
                      caption="The same by convolution and by cross-correlation."
                              if _equal(observation) else "By convolution; cross-correlation differs."),),
        figures=(picture("Image (squares) and output (numbers)", lambda ax: _draw(ax, observation), size=(4.2, 4.0)),),
    )  # fmt: skip


def _draw(ax: "matplotlib.axes.Axes", observation: Observation) -> None:
    for (row, column), value in np.ndenumerate(observation.convolution):
        if IMAGE[row, column]:
            ax.fill([column - 0.47, column + 0.47, column + 0.47, column - 0.47],
                    [row - 0.47, row - 0.47, row + 0.47, row + 0.47], color="C0", alpha=0.25, linewidth=0)  # fmt: skip
        ax.annotate(str(value), (column, row), ha="center", va="center", fontsize=12,
                    color="C0" if value > 0 else "C1" if value < 0 else None)  # fmt: skip
    ax.set(xlim=(-0.6, 4.6), ylim=(4.6, -0.6), aspect="equal", xlabel="column", ylabel="row")
    ax.set_xticks(range(5), [str(place) for place in range(1, 6)])
    ax.set_yticks(range(5), [str(place) for place in range(1, 6)])
    ax.grid(visible=False)


_ALTERED = [[0, 0, -1, -1, -1], [-1, -2, 3, 2, 4], [4, 2, 2, 2, -2], [-2, 3, 1, 3, -1], [0, -2, 4, -2, 0]]

STUDY = Study(
    name="convolution-by-hand",
    title="A convolution by hand",
    question="Is the 5x5 output of a sharpening kernel right, and does it matter which convolution is meant?",
    observe=observe,
    checks=(Check(claim="csc413b.3.1.output", procedure=_stated_matrix, altered=_ALTERED),),
    exhibit=exhibit,
)
