import re

import numpy as np
import pandas as pd
import pytest
import torch

from leadline.core import InputError
from leadline.evaluation import roc_curve

SCORES = [0.1, 0.4, 0.35, 0.8]


@pytest.mark.parametrize(
    ("labels", "pos_label"),
    [
        ([0, 0, 1, 1], None),
        ([-1, -1, 1, 1], None),
        ([False, False, True, True], None),
        ([0.0, 0.0, 1.0, 1.0], None),
        ([1, 1, 2, 2], 2),
        (["well", "well", "sick", "sick"], "sick"),
        (np.array([b"n", b"n", b"p", b"p"]), b"p"),
        (pd.Series(["n", "n", "p", "p"]), "p"),
        (pd.Series([0, 0, 1, 1], index=[9, 8, 7, 6]), None),
        (pd.Series(pd.Categorical(["n", "n", "p", "p"])), "p"),
        (torch.tensor([0, 0, 1, 1], dtype=torch.uint8), None),
        ([True, True, False, False], False),
    ],
)
def test_labels_of_any_two_values(labels, pos_label):
    assert roc_curve(labels, SCORES, pos_label=pos_label).auroc == 0.75


@pytest.mark.parametrize(
    "scores",
    [
        np.array([1, 4, 3, 8], np.uint8),
        np.array([1, 4, 3, 8], np.int8),
        np.array([1, 4, 3, 8], np.uint64),
        np.array(SCORES, np.float16),
        np.array(SCORES, np.longdouble).astype(np.float32).astype(np.longdouble),
        torch.tensor(SCORES, requires_grad=True),
        torch.tensor(SCORES, dtype=torch.bfloat16),
        pd.Series(SCORES, dtype="Float64"),
        tuple(SCORES),
        np.asfortranarray(np.array([SCORES, SCORES]))[0],
    ],
)
def test_scores_of_any_numeric_kind(scores):
    assert roc_curve([0, 0, 1, 1], scores).auroc == 0.75


def test_boolean_scores():
    assert roc_curve([0, 0, 1, 1], np.array([False, True, False, True])).auroc == 0.5


@pytest.mark.parametrize(
    ("labels", "scores", "options", "message"),
    [
        ([0, 0, 1], SCORES, {}, "expected one score per label, got 3 labels and 4 scores"),
        ([1, 1, 1, 1], SCORES, {}, "got a single class, .*1.*in all rows"),
        ([0, 1, 2, 1], SCORES, {}, "expected labels of two values, got a third, .*2"),
        ([1, 1, 2, 2], SCORES, {}, "expected pos_label for labels other than"),
        ([1, 1, 2, 2], SCORES, {"pos_label": 3}, "expected pos_label among .*, got 3"),
        ([0, 0, 1, 1], [0.1, np.nan, 0.3, 0.8], {}, "expected finite scores, got nan in row 1"),
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, -np.inf], {}, "expected finite scores, got -inf in row 3"),
        ([0, 0, 1, 1], ["a", "b", "c", "d"], {}, "expected numeric scores"),
        ([0, 0, 1, 1], [0, 0, 1, 2**53 + 2], {}, r"integer scores up to 2\^53"),
        ([0, 0, 1, 1], np.array([0, 0, 1, 1], np.longdouble) / 3, {}, "float64 or narrower"),
        ([0, 0, 1, 1], [[0.1], [0.2], [0.3], [0.4]], {}, r"y_score with one value per row, got shape \(4, 1\)"),
        ([], [], {}, r"y_score with one value per row, got shape \(0,\)"),
        ([0, 0, 1, 1], SCORES, {"sample_weight": [1, 1, -1, 1]}, "finite weights >= 0, got -1.0 in row 2"),
        ([0, 0, 1, 1], SCORES, {"sample_weight": [1, 1, np.nan, 1]}, "finite weights >= 0, got nan in row 2"),
        ([0, 0, 1, 1], SCORES, {"sample_weight": [1, 1]}, "one weight for each of 4 rows, got 2"),
        ([0, 0, 1, 1], SCORES, {"sample_weight": [1, 1, 0, 0]}, "got a single class with weight > 0"),
        ([0, 0, np.nan, 1], SCORES, {}, "got a third, .*nan"),
    ],
)
def test_bad_input_is_named(labels, scores, options, message):
    with pytest.raises(InputError, match=message):
        roc_curve(labels, scores, **options)


def test_the_message_names_what_to_do():
    with pytest.raises(InputError, match=re.escape("or use one_vs_rest")):
        roc_curve(["a", "b", "c"], [1, 2, 3])
