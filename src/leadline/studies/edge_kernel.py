"""Does the kernel with 5 in its middle detect edges?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from leadline.claims import Check, Evidence, Figure, Table
from leadline.claims.identities import DisagreementError
from leadline.core import numpy_generator
from leadline.studies.pictures import SERIES, picture
from leadline.studies.study import Exhibits, Settings, Study

Kernel = tuple[tuple[int, ...], ...]
ASSERTED: Kernel = ((0, -1, 0), (-1, 5, -1), (0, -1, 0))
LAPLACIAN: Kernel = ((0, -1, 0), (-1, 4, -1), (0, -1, 0))
ROUNDING = 1e-9


@dataclass(frozen=True)
class Responses:
    """A kernel's output on a constant image c and on both sides of a step from 0 to c, as factors of c."""

    constant: int
    dark_side: int
    bright_side: int


def responses(kernel: Kernel) -> Responses:
    """The output factors, by symbols on a 3 x 3 patch; numbers on a larger image must agree."""
    c = sympy.Symbol("c", positive=True)
    matrix = sympy.Matrix(kernel)
    patches = {"constant": (1, 1, 1), "dark_side": (0, 0, 1), "bright_side": (0, 1, 1)}
    found = {}
    for name, columns in patches.items():
        patch = sympy.Matrix([[c * value for value in columns]] * 3)
        found[name] = int(sympy.simplify(sum(matrix.multiply_elementwise(patch)) / c))
    _confirm(kernel, Responses(**found))
    return Responses(**found)


def filtered(image: np.ndarray, kernel: Kernel) -> np.ndarray:
    """The output wherever the kernel fits into the image; symmetric kernels need no turning round."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    return np.einsum("ijkl,kl->ij", windows, np.array(kernel))


def _confirm(kernel: Kernel, expected: Responses) -> None:
    level = numpy_generator("grey level").uniform(1, 9)
    image = np.zeros((9, 12))
    image[:, 6:] = level
    output = filtered(image, kernel)[0] / level
    seen = (output[-1], output[4], output[5])
    if np.max(np.abs(np.array(seen) - (expected.constant, expected.dark_side, expected.bright_side))) > ROUNDING:
        raise DisagreementError("responses", expected=str(expected), got=str(seen), remedy="compare the two ways")


def observe(settings: Settings) -> Responses:
    """The responses of the asserted kernel."""
    return responses(ASSERTED)


def decide_detection(observation: Responses, kernel: Kernel) -> Evidence:
    """An edge detector answers nothing on constant regions and something at a step."""
    found = responses(kernel)
    rest = np.array(kernel) - np.eye(3, dtype=int)[1][:, None] * np.eye(3, dtype=int)[1]
    beside_image = responses(tuple(tuple(int(entry) for entry in row) for row in rest))
    beside = f"{beside_image.dark_side} and {beside_image.bright_side} times the step beside an edge"
    told = f"What it adds to the image (kernel minus identity) answers {beside_image.constant} on constants, {beside}."
    return Evidence(
        as_stated=found.constant == 0 and (found.dark_side, found.bright_side) != (0, 0),
        found={
            "on a constant image c": _multiple(found.constant),
            "beside a step from 0 to c": [_multiple(found.dark_side), _multiple(found.bright_side)],
            "kernel minus identity": rest.tolist(),
        },
        how="Responses to a constant image and to a vertical step, by SymPy on a patch and by NumPy on an image.",
        details=(
            told,
            "A kernel that sums to 1 keeps constant regions: it sharpens the image, edges are what it adds.",
        ),
    )


def _multiple(factor: int) -> str:
    return str(factor * sympy.Symbol("c"))


CHECKS = (Check(claim="csc413b.3.1.edges", procedure=decide_detection, asserted=ASSERTED, altered=LAPLACIAN),)


def exhibit(observation: Responses) -> Exhibits:
    """Both kernels across a step."""
    kernels = (("identity + Laplacian (asserted)", ASSERTED), ("Laplacian", LAPLACIAN))
    rows = tuple((name, str(kernel), *vars(responses(kernel)).values()) for name, kernel in kernels)
    columns = ("kernel", "entries", "on a constant image", "dark side of a step", "bright side of a step")
    table = Table(title="Responses, as factors of the grey level", columns=columns, rows=rows)
    return Exhibits(tables=(table,), figures=(_profile(),))


def _profile() -> Figure:
    image = np.zeros((3, 14))
    image[:, 7:] = 1

    def draw(ax: Any) -> None:
        pixels = np.arange(12)
        ax.fill_between(pixels, image[1, 1:-1], step="mid", color=SERIES[2], alpha=0.3, label="image")
        for place, (name, kernel) in enumerate((("asserted kernel", ASSERTED), ("Laplacian", LAPLACIAN))):
            shifted = pixels + 0.2 * place - 0.1  # side by side, so that neither covers the other
            ax.stem(shifted, filtered(image, kernel)[0], linefmt=SERIES[place], basefmt=" ", label=name)
        ax.set(xlabel="pixel across the step", ylabel="value")
        ax.legend(fontsize=8)

    return picture("A step, and two kernels' answers to it", draw)


STUDY = Study(
    name="edge-kernel",
    title="Edge detection or sharpening",
    question="Is the kernel [[0,-1,0],[-1,5,-1],[0,-1,0]] an edge detector?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
