"""Files that are whole at any moment, also for who reads while one is written, and after a kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4


@contextmanager
def replacing(path: Path | str) -> Iterator[BinaryIO]:
    """A stream for the new content of a file, which takes the former one's place when the block ends.

    Where the block raises, the former file stays and nothing is left beside it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "one.txt") as stream:
    ...         _ = stream.write(b"whole")
    ...     (Path(folder) / "one.txt").read_text()
    'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}-{uuid4().hex}.part")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
