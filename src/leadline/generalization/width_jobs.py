"""The networks of many widths as jobs of a sweep: plain arguments in, losses and errors out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from leadline.core import InputError
from leadline.data import embedded_set, read_fashion_mnist, read_mnist
from leadline.generalization.labelled_rows import LabelledRows, rows_of
from leadline.generalization.width_ensembles import NetworkSetting, Training, parameters_of, train_width
from leadline.sweep import takes_batch

POOL = 12_000  # images among which those to train and to test on are drawn
TEST_ROWS = 4000
_READERS = {"mnist": read_mnist, "fashion-mnist": read_fashion_mnist}
DATA = ("digits", *_READERS)


@dataclass(frozen=True, kw_only=True)
class NetworkJob:
    """One network of a sweep; the arguments of a job.

    Attributes:
        width: hidden units.
        data: digits (embedded), mnist or fashion-mnist (2x2 pixels averaged, 14x14).
        folder: of data sets; empty: as `leadline.data` finds it.
        samples: training rows.
        draw: which rows are drawn to train and to test on.
        lr, epochs, batches: as in `Training`.
        label_noise, weight_decay, seed: as in `NetworkSetting`.
    """

    width: int
    data: str = "digits"
    folder: str = ""
    samples: int = 1000
    draw: int = 0
    lr: float = Training.lr
    epochs: int = Training.epochs
    batches: int = Training.batches
    label_noise: float = NetworkSetting.label_noise
    weight_decay: float = NetworkSetting.weight_decay
    seed: int = NetworkSetting.seed


SHARED = ("data", "folder", "samples", "draw", "lr", "epochs", "batches", "width")


@takes_batch(alike=SHARED, most=24)
def trained_networks(members: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Train networks of one width on the same rows as one ensemble; a job of `leadline.sweep`.

    Args:
        members: the fields of `NetworkJob`, those left out at their defaults; alike in `SHARED`.

    Returns:
        By network its number of parameters, loss (cross-entropy) and share of wrong classes on training and test rows.

    Raises:
        InputError: unknown arguments or data.
        MissingDataError: the data set is not on this machine.

    >>> (one,) = trained_networks([{"width": 2, "samples": 50, "epochs": 1}])
    >>> one["parameters"], 0 < one["test_error"] < 1
    (160, True)
    """
    known = {field.name for field in fields(NetworkJob)}
    if strange := sorted({name for one in members for name in one} - known):
        raise InputError("trained_networks", expected="arguments among " + ", ".join(sorted(known)),
                         got=", ".join(strange), remedy="leave them out")  # fmt: skip
    jobs = [NetworkJob(**one) for one in members]
    first = jobs[0]
    rows = named_rows(first.data, first.folder)
    if not 0 < first.samples < len(rows.inputs):
        raise InputError("trained_networks", expected=f"fewer than {len(rows.inputs)} samples", got=str(first.samples),
                         remedy="leave rows to test on")  # fmt: skip
    drawn = rows.drawn(first.draw, 0, first.samples, 0.0, points=TEST_ROWS)
    settings = [NetworkSetting(label_noise=one.label_noise, weight_decay=one.weight_decay, seed=one.seed)
                for one in jobs]  # fmt: skip
    count = parameters_of(rows.inputs.shape[1], first.width, rows.targets.shape[1])
    training = Training(lr=first.lr, epochs=first.epochs, batches=first.batches)
    return [{"parameters": count} | one for one in train_width(drawn, first.width, settings, training=training)]


@lru_cache(maxsize=2)
def named_rows(data: str, folder: str = "") -> LabelledRows:
    """The rows of a data set; of the large ones the first 12,000 images of the training part.

    Raises:
        InputError: another name.
        MissingDataError: the data set is not on this machine.
    """
    if data == "digits":
        digits = embedded_set(data)
        return rows_of((digits.inputs, digits.targets))
    if data not in _READERS:
        raise InputError("trained_networks", expected="data among " + ", ".join(DATA), got=repr(data),
                         remedy="name one of these")  # fmt: skip
    found = _READERS[data](folder or None)
    return rows_of((_halved(found.images[:POOL]), found.labels[:POOL].astype(np.int64)))


def _halved(images: UInt8[np.ndarray, "images 28 28"]) -> Float[np.ndarray, "images 196"]:
    return images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(len(images), -1)
