"""A score and its label in one 64-bit integer, exactly: sorting the integers sorts both.

A float64 read as an integer orders like the number. Its sign and the exponents that occur leave a bit free for the
label unless magnitudes reach over more than about 2^1023: offsets from the smallest magnitude present need 62 bits.
Zero keeps the offset 0, so -0.0 and 0.0 are one key.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from leadline.core import InputError

BLOCK = 1 << 13  # rows treated at a time: what they need stays in the cache, and malloc reuses it
_MAGNITUDE = np.int64(2**63 - 1)
_INFINITY = int(np.float64(np.inf).view(np.int64))
_ROOM = 2**62
_WORTH_THREADS = 1 << 20
_MOST_WORKERS = 8


def magnitude_range(operation: str, scores: Shaped[np.ndarray, " n"]) -> tuple[int, int]:
    """Smallest and largest magnitude other than zero, as integers; refuses NaN and infinity.

    >>> magnitude_range("example", np.array([0.0, -0.0]))
    (1, 0)
    """
    low, high = 2**64 - 1, 0
    for rows in blocks(scores.size):
        magnitude = _bits(scores[rows]) & _MAGNITUDE
        high = max(high, int(magnitude.max()))
        magnitude -= 1  # zero becomes the largest unsigned integer
        low = min(low, int(magnitude.view(np.uint64).min()))
    if high >= _INFINITY:
        values = np.asarray(scores, np.float64)
        row = int(np.argmin(np.isfinite(values)))
        raise InputError(operation, expected="finite scores", got=f"{values[row]} in row {row}",
                         remedy="drop those rows, or clip infinite scores")  # fmt: skip
    return (low + 1, high) if high else (1, 0)


def pack(
    scores: Shaped[np.ndarray, " n"],
    positive: Bool[np.ndarray, " n"],
    low: int,
    high: int,
    keys: Int64[np.ndarray, " n"],
) -> bool:
    """Fill `keys`, the smallest for the highest score, the label as lowest bit; False where there is no room."""
    if high - low + 1 >= _ROOM:
        return False
    for rows in blocks(scores.size):
        bits = _bits(scores[rows])
        key = bits & _MAGNITUDE
        key -= low - 1
        np.maximum(key, 0, out=key)
        flip = ~(bits >> 63)  # all ones where the score is not negative
        key ^= flip
        key -= flip  # negated there: high scores come first
        key <<= 1
        key |= positive[rows]
        keys[rows] = key
    return True


def sort(keys: Int64[np.ndarray, " n"]) -> None:
    """Sort in place, on all cores where there is much: partition first, then every part on its own."""
    workers = min(os.cpu_count() or 1, _MOST_WORKERS)
    if workers == 1 or keys.size < _WORTH_THREADS:
        keys.sort()
        return
    cuts = [keys.size * part // workers for part in range(workers + 1)]
    keys.partition(cuts[1:-1])
    with ThreadPoolExecutor(workers) as pool:  # NumPy sorts without holding the interpreter's lock
        list(pool.map(lambda span: keys[span[0] : span[1]].sort(), pairwise(cuts)))


def unpack(keys: Int64[np.ndarray, " n"], low: int) -> Float[np.ndarray, " n"]:
    """The scores that were packed into these keys."""
    offset = keys >> 1
    magnitude = np.abs(offset)
    bits = magnitude + (low - 1) * (magnitude > 0)
    bits |= (offset > 0) * np.int64(-(2**63))
    return bits.view(np.float64)


def blocks(rows: int) -> Iterator[slice]:
    """Slices of at most `BLOCK` rows that cover all of them."""
    return (slice(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK))


def blockwise(compute: Callable[[slice], np.ndarray], rows: int) -> Float[np.ndarray, " n"]:
    """What `compute` gives for each block, in one array, without temporaries of full length."""
    whole = np.empty(rows)
    for block in blocks(rows):
        whole[block] = compute(block)
    return whole


def _bits(scores: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(scores, np.float64).view(np.int64)
