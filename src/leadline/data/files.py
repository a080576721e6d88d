"""Where data files lie, and which bytes exactly were read."""

import hashlib
import os
from pathlib import Path

from leadline.core import MissingDataError

FOLDER_VARIABLE = "LEADLINE_DATA"


def find_file(name: str, *, data_set: str, folder: Path | str | None = None, below: str = "") -> Path:
    """The file `name` in a folder, directly or one folder further down.

    Args:
        name: file name, such as "diabetes.arff".
        data_set: name by which `leadline data fetch` knows it, for the error.
        folder: where to look; None: the folder that LEADLINE_DATA names, or the one that downloads go to.
        below: the folder that the file must lie in, for names that several data sets use.

    Raises:
        MissingDataError: no folder is named, or the file is not in it; the message has the commands that help.
    """
    place = data_folder(folder)
    remedy = f"run `leadline data fetch {data_set}`, or set {FOLDER_VARIABLE}=DIR to a folder that holds it"
    if place == download_folder() and not place.is_dir():
        raise MissingDataError(data_set, expected=f"{name} in a data folder", got="no folder", remedy=remedy)
    found = look_for(name, place, below=below)
    if found is None:
        raise MissingDataError(data_set, expected=f"{name} in {place}", got="no such file", remedy=remedy)
    return found


def data_folder(folder: Path | str | None = None) -> Path:
    """The folder of data sets: the one named, else the one that LEADLINE_DATA names, else the one for downloads."""
    named = folder if folder is not None else os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else download_folder()


def look_for(name: str, folder: Path, *, below: str = "") -> Path | None:
    """The file `name` in a folder or one further down, if there is one; where `below` is given, in that one alone."""
    here = (name,) if below in ("", folder.absolute().name) else ()
    for pattern in (*here, f"{below or '*'}/{name}"):
        found = sorted(folder.glob(pattern))
        if found:
            return found[0]
    return None


def download_folder() -> Path:
    """Where downloads go unless told otherwise: a folder of the user's cache."""
    import pooch

    return Path(pooch.os_cache("leadline"))


def fingerprint(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
