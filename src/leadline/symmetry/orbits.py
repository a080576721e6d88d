"""Orbits of a layer's weights under permutations of its inputs (and outputs), and the mean over each orbit."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from leadline.core import InputError, refuse
from leadline.symmetry.transforms import Transform, listed, whole_numbers

Places = Int[np.ndarray, " places"]


class OrbitMean(nn.Module):
    """The orthogonal projection on the weights that are equal within every orbit; a parametrization of torch's.

    Args:
        labels: the orbit of every weight, in the weight's own order.
    """

    labels: Tensor
    counts: Tensor
    first: Tensor

    def __init__(self, labels: Int[np.ndarray, " weights"]) -> None:
        super().__init__()
        _, first, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
        for name, values in (("labels", inverse), ("first", first), ("counts", counts)):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values)), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Every weight replaced by its orbit's mean; means of equal weights are exactly those weights."""
        flat = weight.reshape(-1)
        shift = flat.detach()[self.first]
        away = flat - shift[self.labels]
        means = torch.zeros_like(shift).index_add(0, self.labels, away) / self.counts.to(away.dtype)
        return (shift + means)[self.labels].reshape(weight.shape)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is assigned to the tied weight is projected too."""
        return self.forward(weight)


def orbit_labels(permutations: Sequence[Places], size: int) -> Int[np.ndarray, " places"]:
    """For every place the number of its orbit under the group that the permutations generate.

    >>> orbit_labels([np.array([3, 1, 2, 0])], 4).tolist()
    [0, 1, 2, 0]
    """
    rows = np.tile(np.arange(size), len(permutations))
    columns = np.concatenate(permutations)
    links = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    return connected_components(links, directed=False)[1].astype(np.int64)


def joint(outputs: Int[np.ndarray, " outputs"], inputs: Int[np.ndarray, " inputs"]) -> Int[np.ndarray, " weights"]:
    """The permutation of a weight matrix's entries that permutes its rows and its columns."""
    return (outputs[:, None] * len(inputs) + inputs[None, :]).ravel()


def permutations_of(operation: str, group: Any, shape: Sequence[int]) -> list[Places]:
    """The generators as permutations of the flattened places of an array of some shape.

    Transforms see a batch of such arrays; integers are a permutation of the flattened places themselves.
    """
    if whole_numbers(group) or not isinstance(group, list | tuple | np.ndarray | Tensor):
        group = [group]
    found = []
    for one in group:
        order = whole_numbers(one)
        if order is not None:
            found.append(_checked(operation, np.array(order), math.prod(shape), "a list"))
        else:
            found += [_moved(operation, change, shape) for change in listed(one)]
    if not found:
        refuse(operation, "at least one permutation", "none", "pass e.g. mirror()")
    return found


def _moved(operation: str, change: Transform, shape: Sequence[int]) -> Places:
    # Two examples, so that a transform which mixes them does not pass for a permutation of places.
    size = math.prod(shape)
    pair = torch.arange(2 * size, dtype=torch.float64).reshape(2, *shape)
    fitting, remedy = f"transforms of inputs of shape {tuple(shape)}", "pass the shape that the transform sees"
    try:
        moved, other = change(pair).reshape(2, -1).numpy()
    except Exception as error:  # the caller's transform may raise anything
        got = f"{change.name}: {type(error).__name__}: {error}"
        raise InputError(operation, expected=fitting, got=got, remedy=remedy) from error
    if np.array_equal(np.sort(np.append(moved, other)), np.arange(2 * size)) and (moved + size != other).any():
        refuse(operation, fitting, f"{change.name}, on other axes", remedy)
    return _checked(operation, moved, size, change.name)


def _checked(operation: str, places: np.ndarray, size: int, name: str) -> Places:
    if len(places) != size or not np.array_equal(np.sort(places), np.arange(size)):
        refuse(operation, f"a permutation of {size} places", f"{name}, which is none", "pass flips, permutations ...")
    return places.astype(np.int64)
