"""Which points of a ROC path turn it: its corners, and the vertices of its upper convex hull."""

import numpy as np
from jaxtyping import Int, Num

from leadline.evaluation.packed_keys import blocks

_FEW = 4096
_WORTH_ANOTHER_PASS = 0.9


def corners(tp: Num[np.ndarray, " points"], fp: Num[np.ndarray, " points"]) -> Int[np.ndarray, " corners"]:
    """The end points and every point at which the path changes direction; exact in integers.

    >>> corners(np.array([0, 1, 2, 2]), np.array([0, 0, 0, 5])).tolist()
    [0, 2, 3]
    """
    turns = []
    for block in blocks(tp.size - 2):
        points = slice(block.start, block.stop + 2)
        rise, run = np.diff(tp[points]), np.diff(fp[points])
        turns.append(np.flatnonzero(rise[:-1] * run[1:] != rise[1:] * run[:-1]) + (block.start + 1))
    return np.concatenate([np.zeros(1, np.int64), *turns, np.array([tp.size - 1])])


def upper_hull(tp: Num[np.ndarray, " points"], fp: Num[np.ndarray, " points"]) -> Int[np.ndarray, " vertices"]:
    """Vertices of the smallest concave curve above the path; exact in integers.

    What lies on or under the line between any two points is no vertex, so whole passes drop what their neighbours
    cover; when that stops paying, a single walk over the few that are left finishes.

    >>> upper_hull(np.array([0, 1, 1, 2, 2]), np.array([0, 0, 1, 2, 5])).tolist()
    [0, 1, 3, 4]
    """
    kept = corners(tp, fp)
    while kept.size > _FEW:
        rise, run = np.diff(tp[kept]), np.diff(fp[kept])
        bends_down = np.concatenate([[True], rise[:-1] * run[1:] > rise[1:] * run[:-1], [True]])
        before, kept = kept.size, kept[bends_down]
        if kept.size > _WORTH_ANOTHER_PASS * before:
            break
    return kept[_walk(tp[kept].tolist(), fp[kept].tolist())]


def _walk(tp: list, fp: list) -> np.ndarray:
    hull: list[int] = []
    for point in range(len(tp)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (tp[b] - tp[a]) * (fp[point] - fp[b]) > (tp[point] - tp[b]) * (fp[b] - fp[a]):
                break
            hull.pop()
        hull.append(point)
    return np.array(hull)
