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
        InputError: the file is no ARFF file with numeric columns and a class of tested_positive or tested_negative.

    Source: OpenML data set 37; Smith et al. 1988.
    """
    from scipy.io import arff

    path = find_file(FILE, data_set=NAME, folder=folder)
    try:
        rows, meta = arff.loadarff(path)
        *features, label = meta.names()
        measurements = np.stack([rows[feature].astype(np.float64) for feature in features], axis=1)
    except (arff.ParseArffError, NotImplementedError, StopIteration, ValueError) as error:
        raise InputError("read_diabetes", expected="an ARFF file with numeric columns and a class last",
                         got=f"{path}: {error}", remedy="fetch the file again") from error  # fmt: skip
    return DiabetesRows(
        path=path, features=tuple(features), measurements=measurements, positive=rows[label] == POSITIVE
    )
