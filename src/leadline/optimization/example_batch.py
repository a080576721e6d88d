"""Inputs and targets of a few examples as plain numbers, checked."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import nn

from leadline.core import InputError

Numbers = Shaped[torch.Tensor, "..."] | Shaped[np.ndarray, "..."] | Sequence[Any] | float | int
Rows = list[list[float]]  # one per example


def read_examples(
    inputs: Numbers, targets: Numbers, features: int, outputs: int, distributions: bool
) -> tuple[Rows, Rows]:
    """Inputs and targets, one row per example; with `distributions` the targets are classes or probabilities."""
    rows = _matrix("inputs", inputs, features)
    wanted = _matrix("targets", _one_hot(targets, outputs) if distributions else targets, outputs)
    _check_batch(rows, wanted, distributions=distributions)
    return rows, wanted


def _matrix(what: str, values: Any, width: int) -> Rows:
    try:
        matrix = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError("worked_backprop", expected=f"numbers as {what}", got=str(error),
                         remedy="pass a tensor, an array or lists") from error  # fmt: skip
    matrix = matrix.unsqueeze(0) if matrix.ndim == 1 else matrix
    if matrix.ndim != 2 or matrix.shape[1] != width or not len(matrix) or not matrix.isfinite().all():
        raise InputError(
            "worked_backprop", expected=f"{what} of shape ({width},) or (examples, {width}), all finite",
            got=f"shape {tuple(matrix.shape)}, {'all' if matrix.isfinite().all() else 'not all'} finite",
            remedy=f"pass {width} numbers per example",
        )  # fmt: skip
    return matrix.tolist()


def _one_hot(targets: Any, classes: int) -> Any:
    numbers = torch.as_tensor(targets)
    if numbers.is_floating_point() or numbers.ndim > 1:
        return targets
    if ((numbers < 0) | (numbers >= classes)).any():
        raise InputError("worked_backprop", expected=f"class numbers from 0 to {classes - 1}",
                         got=str(numbers.tolist()), remedy="number the classes by the outputs")  # fmt: skip
    return nn.functional.one_hot(numbers.long().reshape(-1), classes)


def _check_batch(rows: Rows, wanted: Rows, *, distributions: bool) -> None:
    if len(rows) != len(wanted):
        raise InputError("worked_backprop", expected="as many targets as inputs",
                         got=f"{len(rows)} inputs and {len(wanted)} targets", remedy="pair them")  # fmt: skip
    for goal in wanted if distributions else ():
        if min(goal) < 0 or not math.isclose(sum(goal), 1, rel_tol=1e-6):
            raise InputError("worked_backprop", expected="targets that are probabilities adding up to 1",
                             got=str(goal), remedy="pass class numbers or probabilities")  # fmt: skip
