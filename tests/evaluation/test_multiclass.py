import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import label_binarize
from tolerances import ALGEBRA

from leadline.core import InputError
from leadline.evaluation import OneVsRest, one_vs_rest

GENERATOR = np.random.default_rng(13)
LABELS = GENERATOR.choice(["a", "b", "c"], 200, p=[0.6, 0.3, 0.1])
SCORES = GENERATOR.random((200, 3)) + (LABELS[:, None] == np.array(["a", "b", "c"]))
SCORES /= SCORES.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("weights", [None, GENERATOR.random(200)])
def test_averages_agree_with_scikit_learn(weights):
    found = one_vs_rest(LABELS, SCORES, sample_weight=weights)
    truth = label_binarize(LABELS, classes=["a", "b", "c"])
    for average, areas in (("macro", found.macro), ("micro", found.micro.areas)):
        options = {"average": average, "sample_weight": weights}
        assert areas.auroc == pytest.approx(roc_auc_score(truth, SCORES, **options), abs=ALGEBRA)
        expected = average_precision_score(truth, SCORES, **options)
        assert areas.average_precision == pytest.approx(expected, abs=ALGEBRA)


@pytest.mark.parametrize("container", [torch.tensor, pd.DataFrame, np.ndarray.tolist])
def test_scores_in_any_container(container):
    assert one_vs_rest(LABELS, container(SCORES)).macro == one_vs_rest(LABELS, SCORES).macro


def test_classes_name_the_columns():
    swapped = one_vs_rest(LABELS, SCORES[:, [2, 0, 1]], classes=["c", "a", "b"])
    assert swapped.classes == ("c", "a", "b")
    assert swapped.macro.auroc == pytest.approx(one_vs_rest(LABELS, SCORES).macro.auroc, abs=ALGEBRA)


def test_it_is_a_result():
    found = one_vs_rest(LABELS, SCORES)
    assert "\n" not in found.headline()
    assert OneVsRest.from_dict(found.to_dict()).to_dict() == found.to_dict()
    assert found.to_frame()["class"].tolist() == ["a", "b", "c", "macro", "micro"]
    assert len(found.plot().lines) == 5  # chance, micro and three classes


@pytest.mark.parametrize(
    ("scores", "classes", "message"),
    [
        (SCORES[:, :2], None, r"scores of shape \(200, 3\), rows and classes, got shape \(200, 2\)"),
        (SCORES[:, :2], ["a", "b"], "expected labels among .*, got .*c"),
        (np.ones((200, 4)), ["a", "b", "c", "d"], "rows of every class, got none of 'd'"),
    ],
)
def test_bad_input_is_named(scores, classes, message):
    with pytest.raises(InputError, match=message):
        one_vs_rest(LABELS, scores, classes=classes)
