"""Copies of real files, cut or with one byte changed."""

from collections.abc import Callable
from pathlib import Path


def cut(content: bytes) -> bytes:
    """The first half and a bit."""
    return content[: len(content) // 2 + 7]


def flipped(content: bytes) -> bytes:
    """One byte in the middle changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]


def copied(source: Path, target: Path, change: Callable[[bytes], bytes] = bytes) -> Path:
    """A changed copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(change(source.read_bytes()))
    return target
