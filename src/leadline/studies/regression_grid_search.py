"""Which batch size, learning rate, length and L2 strength does SGD want, and does it reach the closed form?"""

from dataclasses import dataclass

import numpy as np

from leadline.claims import Table
from leadline.core import MissingDataError
from leadline.data import read_age_faces
from leadline.generalization import LinearRegressionGrid, linear_regression_grid
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

DIVERGING = (0.01, 0.03, 0.1, 0.3)  # learning rates of the second grid: beyond what single rows bear
LARGE = "diabetes, large learning rates"  # to see what diverges; its test errors are not looked at
FACE_EPOCHS = {"quick": (1, 2, 4, 8), "full": (3, 10, 30, 100)}
FACE_SIDE = 12  # pixels; blocks of 4x4 are averaged at the quick scale


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The grids, by what was fitted; are the faces among them?"""

    grids: dict[str, LinearRegressionGrid]
    faces: bool


def observe(settings: Settings) -> Observation:
    """Search on the embedded diabetes regression, there again with large rates, and on faces where they are present."""
    grids = {
        "diabetes": linear_regression_grid(),
        LARGE: linear_regression_grid(lrs=DIVERGING, batch_sizes=(1, 4, 16, 64)),
    }
    try:
        parts = [read_age_faces(settings.data, part=part) for part in ("train", "test")]
    except MissingDataError:
        return Observation(grids=grids, faces=False)
    train, test = ((_scaled(part.faces, settings.scale), part.ages) for part in parts)
    grids["faces and ages"] = linear_regression_grid(train, test=test, epochs=FACE_EPOCHS[settings.scale],
                                                         progress=settings.progress)  # fmt: skip
    return Observation(grids=grids, faces=True)


def _scaled(faces: np.ndarray, scale: str) -> np.ndarray:
    if scale == "full":
        return faces.reshape(len(faces), -1)
    block = faces.shape[1] // FACE_SIDE
    blocks = faces.reshape(len(faces), FACE_SIDE, block, FACE_SIDE, block).mean((2, 4))
    return blocks.reshape(len(faces), -1)


def exhibit(observation: Observation) -> Exhibits:
    """What was chosen and how it did on the test rows, beside ridge; and every factor's curve."""
    rows = []
    for name, grid in observation.grids.items():
        if name == LARGE:
            continue
        fits = {"SGD": grid.fit, "ridge, strengths of the grid": grid.ridge, "ridge, finer path": grid.ridge_path}
        setting = "batch size {batch_size}, learning rate {lr:g}, {epochs} epochs".format(**grid.chosen)
        rows += [
            (name, how, f"{fit.l2:.3g}", setting if how == "SGD" else "closed form", f"{fit.validation_half_mse:.1f}",
             f"{fit.test_half_mse:.1f} ± {fit.test_standard_error:.1f}", f"{fit.test_mse:.1f}")
            for how, fit in fits.items()
        ]  # fmt: skip
    fits_table = Table(
        title="Chosen on the validation rows, tested once",
        columns=("data", "fit", "L2", "setting", "half MSE, validation", "half MSE, test", "MSE, test"),
        rows=tuple(rows),
        caption="Without the penalty, in squared units of the target; ± one standard error over the test rows.",
    )
    gaps = Table(
        title="How close SGD comes to the minimum of what it minimizes",
        columns=("data", *(f"L2 {strength:g}" for strength in next(iter(observation.grids.values())).l2), "diverged"),
        rows=tuple((name, *(f"{gap:.3%}" for gap in grid.objective_gap), f"{grid.diverged.sum()} of {grid.settings}")
                   for name, grid in observation.grids.items()),
        caption="Penalized training loss after the longest training, at the best batch size and learning rate, above "
        "its exact minimum. Diverged: ended worse than untrained.",
    )  # fmt: skip
    figures = tuple(picture(f"Validation error by factor: {name}", grid.draw, size=(7.2, 3.8))
                    for name, grid in observation.grids.items())  # fmt: skip
    first = next(iter(observation.grids.values()))
    notes = (*(grid.headline() for name, grid in observation.grids.items() if name != LARGE), *first.caveats)
    if not observation.faces:
        notes += ("The age-regression faces are not on this machine: leadline data fetch age-faces",)
    return Exhibits(tables=(fits_table, gaps), figures=figures, notes=notes)


STUDY = Study(
    name="regression-grid-search",
    title="Regularized linear regression by SGD: a grid search",
    question="Which batch size, learning rate, epochs and L2 strength does SGD want, and does it reach ridge?",
    observe=observe,
    checks=(),
    exhibit=exhibit,
    data=("age-faces",),
)
