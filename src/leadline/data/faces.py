"""Faces and ages: the 48x48 grey faces of the age-regression exercise in CS/DS 541."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from leadline.core import InputError
from leadline.data.files import find_file

NAME = "age-faces"
FILES = {part: (f"age_regression_X{end}.npy", f"age_regression_y{end}.npy") for part, end in
         (("train", "tr"), ("test", "te"))}  # fmt: skip
_SIDE = 48


@dataclass(frozen=True, eq=False, kw_only=True)
class AgedFaces:
    """Faces in the order of the files, and ages in years."""

    paths: tuple[Path, ...]
    faces: Float32[np.ndarray, "faces 48 48"]
    ages: Float64[np.ndarray, " faces"]


def read_age_faces(folder: Path | str | None = None, *, part: str = "train") -> AgedFaces:
    """Read the faces and ages from a folder that holds data sets; pickled objects in the files are refused.

    Args:
        folder: where to look; None: the folder that LEADLINE_DATA names, or the one that downloads go to.
        part: "train" (5000 faces) or "test" (2500).

    Raises:
        MissingDataError: a file is not there.
        InputError: another part, or a file that is truncated or no array of finite values.

    Source: CS/DS 541, exercise on age regression.
    """
    if part not in FILES:
        raise InputError("read_age_faces", expected="part 'train' or 'test'", got=repr(part),
                         remedy="pass one of these")  # fmt: skip
    paths = tuple(find_file(name, data_set=NAME, folder=folder) for name in FILES[part])
    faces, ages = (_array(path) for path in paths)
    sound = (faces.ndim, ages.ndim) == (3, 1) and faces.shape[1:] == (_SIDE, _SIDE) and len(faces) == len(ages)
    if not sound or {faces.dtype.kind, ages.dtype.kind} != {"f"}:
        raise _broken(paths[0], f"{faces.dtype} {faces.shape} with {ages.dtype} {ages.shape} in {paths[1]}")
    for path, values in zip(paths, (faces, ages), strict=True):
        if not np.isfinite(values).all():
            raise _broken(path, "values that are not finite")
    return AgedFaces(paths=paths, faces=faces.astype(np.float32, copy=False), ages=ages.astype(np.float64, copy=False))


def _array(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # of broken headers NumPy's reader raises whatever parsing them comes to
        raise _broken(path, f"{type(error).__name__}: {error}") from error


def _broken(path: Path, got: str) -> InputError:
    return InputError("read_age_faces", expected=f"{_SIDE}x{_SIDE} faces and one age each, real numbers, in {path}",
                      got=got, remedy=f"run `leadline data fetch {NAME}`")  # fmt: skip
