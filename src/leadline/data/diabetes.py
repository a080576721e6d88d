"""OpenML's 'diabetes' (data set 37): 768 women, eight measurements, tested positive for diabetes or not."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from leadline.core import InputError
from leadline.data.files import find_file

NAME = "openml-diabetes"
FILE = "diabetes.arff"
POSITIVE = b"tested_positive"
CLASSES = {b"tested_negative", POSITIVE}
_SHAPE = (768, 8)


@dataclass(frozen=True, eq=False, kw_only=True)
class DiabetesRows:
    """The rows in the order of the file."""

    path: Path
    features: tuple[str, ...]
    measurements: Float[np.ndarray, "rows features"]
    positive: Bool[np.ndarray, " rows"]


def read_diabetes(folder: Path | str | None = None) -> DiabetesRows:
    """Read diabetes.arff from a folder that holds data sets.

    Args:
        folder: where to look; None: the folder that LEADLINE_DATA names.

    Raises:
        MissingDataError: the file is not there.
        InputError: the file is broken, or holds something else.

    Source: OpenML data set 37; Smith et al. 1988.
    """
    from scipy.io import arff

    path = find_file(FILE, data_set=NAME, folder=folder)
    try:
        rows, meta = arff.loadarff(path)
        *features, label = meta.names()
        measurements = np.stack([rows[feature].astype(np.float64) for feature in features], axis=1)
    except Exception as error:  # on broken files SciPy's reader raises whatever it stumbles on
        raise _broken(path, f"{type(error).__name__}: {error}") from error
    if measurements.shape != _SHAPE or not np.isfinite(measurements).all() or set(rows[label].tolist()) != CLASSES:
        raise _broken(path, "{} rows of {} values, or other classes".format(*measurements.shape))
    return DiabetesRows(
        path=path, features=tuple(features), measurements=measurements, positive=rows[label] == POSITIVE
    )


def _broken(path: Path, got: str) -> InputError:
    return InputError("read_diabetes", expected=f"{_SHAPE[0]} rows of {_SHAPE[1]} numbers and a class in {path}",
                      got=got, remedy=f"fetch it again with `leadline data fetch {NAME}`")  # fmt: skip
