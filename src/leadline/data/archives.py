"""Unpacking an archive: the files that it should hold, each checked, and none until all are."""

import gzip
import hashlib
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from leadline.core import InputError

_CHUNK = 2**20


def unpack(archive: Path, folder: Path, sha256: Mapping[str, str]) -> None:
    """Put the named files of a .tar.gz archive into a folder, once all are there and checked.

    A file counts where the archive has it as `name` or `folder/name`. An archive whose paths lead elsewhere, or with
    links, is refused before anything is written; other ordinary files in it are left out.

    Args:
        archive: the .tar.gz file.
        folder: where to; of what lies there only files of these names are replaced.
        sha256: name -> the sum that the file must have.

    Raises:
        InputError: a broken archive, a path or link that leads out of it, a file missing or with another sum.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-", suffix=".part"))
    try:
        with tarfile.open(archive, "r:gz") as members:
            _write(_checked(archive, members, folder.name, set(sha256)), members, temporary, archive, sha256)
        folder.mkdir(exist_ok=True)
        for name in sha256:
            (temporary / name).replace(folder / name)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _refusal(archive, f"{type(error).__name__}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _checked(archive: Path, members: tarfile.TarFile, inside: str, wanted: set[str]) -> dict[str, tarfile.TarInfo]:
    found = {}
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise _refusal(archive, f"the entry {member.name!r}, which could lead out of the folder")
        if member.isreg() and path.name in wanted and path.parts[:-1] in ((), (inside,)):
            found[path.name] = member
    if missing := wanted - set(found):
        raise _refusal(archive, f"no {', '.join(sorted(missing))} in it")
    return found


def _write(
    found: Mapping[str, tarfile.TarInfo],
    members: tarfile.TarFile,
    temporary: Path,
    archive: Path,
    sha256: Mapping[str, str],
) -> None:
    for name, member in sorted(found.items(), key=lambda item: item[1].offset):  # gzip streams go forward only
        stream, digest = members.extractfile(member), hashlib.sha256()
        assert stream is not None  # regular files have contents
        with (temporary / name).open("wb") as copy:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != sha256[name]:
            raise _refusal(archive, f"{name} with SHA-256 {digest.hexdigest()} instead of {sha256[name]}")


def _refusal(archive: Path, got: str) -> InputError:
    return InputError("unpack", expected=f"a whole archive in {archive}", got=got,
                      remedy="fetch it again; nothing was unpacked")  # fmt: skip
