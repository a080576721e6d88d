"""Downloading data sets: checked against their SHA-256 sums, going on where a connection broke off."""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.core import LeadlineError
from leadline.data.archives import unpack
from leadline.data.files import FOLDER_VARIABLE, look_for
from leadline.data.official_files import OfficialFile, Standing, data_set, verify

if TYPE_CHECKING:
    import requests

_ATTEMPTS = 5  # in a row that brought nothing
_PAUSE_S = 1.0  # before another attempt
_TIMEOUT_S = 30.0
_CHUNK = 2**18
_OK, _PARTIAL, _BEYOND = 200, 206, 416  # HTTP: whole file, from the place asked for, nothing there

Progress = Callable[[str, int, int | None], None]  # file, bytes so far, bytes in all where known


class DownloadError(LeadlineError):
    """A file could not be downloaded, or came with another SHA-256 sum."""


def fetch(name: str, folder: Path | str, *, progress: Progress = lambda *_: None) -> tuple[Path, ...]:
    """Download what a folder lacks of a data set, and unpack it where it is an archive.

    A file is in place only once it is whole and has the published SHA-256 sum. What a broken-off download has brought
    stays beside it as `NAME.part`, and the next attempt or call goes on from there. Nothing is unpickled.

    Args:
        name: of the data set.
        folder: for data sets; the files go to a folder of their own in it.
        progress: is told of every chunk.

    Returns:
        The files that a loader reads.

    Raises:
        InputError: no data set has that name, or its archive is not what it should be.
        DownloadError: no connection, or other content than published.
    """
    chosen, folder = data_set(name), Path(folder)
    found, place = verify(name, folder), chosen.place(folder)
    is_unpacked = [one.file for one in found] == [one.name for one in chosen.to_read()]
    if is_unpacked and all(one.standing is Standing.OFFICIAL for one in found):
        return tuple(one.path for one in found if one.path is not None)
    if not chosen.unpacked:
        return tuple(_fetch_file(file, place, progress) for file in chosen.files)
    (archive,) = chosen.files
    former = look_for(archive.name, folder)
    packed = _fetch_file(archive, folder if former is None else former.parent, progress)
    unpack(packed, place, {file.name: file.sha256 for file in chosen.unpacked})
    if former is None:
        packed.unlink()  # its files are checked one by one and read faster
    return tuple(place / file.name for file in chosen.unpacked)


def _fetch_file(file: OfficialFile, place: Path, progress: Progress) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # progress is told by other means
    part = place / f"{file.name}.part"
    downloader: Any = _Resuming(file.name, part, progress)  # pooch's stub has other names
    try:
        with _made(place):
            path = pooch.retrieve(
                file.address, f"sha256:{file.sha256}", fname=file.name, path=place, downloader=downloader
            )
    except requests.RequestException as error:
        go_on = "fetch again to go on from what has come"
        elsewhere = f"fetch again later, or name a folder that holds it with --data DIR or {FOLDER_VARIABLE}=DIR"
        raise DownloadError(
            "fetch",
            expected=f"{file.name} from {file.address}",
            got=f"{type(error).__name__}: {error}",
            remedy=go_on if part.exists() else elsewhere,
        ) from error
    except ValueError as error:  # pooch's word for another sum; it has removed the file
        raise DownloadError(
            "fetch",
            expected=f"{file.address} with SHA-256 {file.sha256}",
            got="a file with another sum, which was removed",
            remedy="fetch again; if that does not help the published file has changed",
        ) from error
    return Path(path)


@contextmanager
def _made(place: Path) -> Iterator[None]:
    """The folder, which goes again where nothing has come into it."""
    new = [folder for folder in (place, *place.parents) if not folder.exists()]
    place.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # what holds something stays
            for folder in new:
                folder.rmdir()


class _Resuming:
    """Downloader for pooch: writes to a file that outlives a broken connection, and asks only for what is missing."""

    def __init__(self, name: str, part: Path, progress: Progress) -> None:
        self.name, self.part, self.progress = name, part, progress

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        import requests
        import urllib3

        failures = 0
        while True:
            before = self._size()
            try:
                self._go_on(url)
                break
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                failures = 0 if self._size() > before else failures + 1
                if failures == _ATTEMPTS or _is_refusal(error):
                    if isinstance(error, requests.RequestException):
                        raise
                    raise requests.ConnectionError(error) from error
                time.sleep(_PAUSE_S)
        shutil.move(self.part, output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _go_on(self, url: str) -> None:
        import requests

        start = self._size()
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
            if response.status_code == _BEYOND:  # what is there is whole, or of another file: the sum will tell
                return
            response.raise_for_status()
            goes_on = response.status_code == _PARTIAL and start > 0
            self._receive(response, start if goes_on else 0)

    def _receive(self, response: "requests.Response", done: int) -> None:
        length = response.headers.get("Content-Length")
        total = done + int(length) if length is not None else None
        with self.part.open("ab" if done else "wb") as stream:
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                stream.write(chunk)
                done += len(chunk)
                self.progress(self.name, done, total)


def _is_refusal(error: Exception) -> bool:
    # The server answered that it will not: asking again changes nothing.
    response = getattr(error, "response", None)
    return response is not None and 400 <= response.status_code < 500
