import numpy as np
import pytest
from evaluation.labelled_rows import LAW, labelled_rows, thresholded
from hypothesis import given
from sklearn.metrics import confusion_matrix_at_thresholds
from tolerances import ALGEBRA

from leadline.evaluation import ConfusionCounts, count_confusion
from leadline.evaluation.packed_keys import BLOCK


@LAW
@given(labelled_rows())
def test_counts_are_those_of_a_loop_over_thresholds(rows):
    labels, scores = rows
    counts = count_confusion(labels, scores)
    thresholds, true_positives, false_positives = thresholded(labels, scores)
    assert np.array_equal(counts.thresholds, thresholds)
    assert np.array_equal(counts.true_positives, true_positives)
    assert np.array_equal(counts.false_positives, false_positives)
    assert counts.true_positives.dtype == counts.false_positives.dtype == np.int64
    assert (counts.positives, counts.negatives, counts.rows) == (labels.sum(), (~labels).sum(), labels.size)


@LAW
@given(labelled_rows(weighted=True))
def test_weighted_counts_are_sums_of_weights(rows):
    labels, scores, weights = rows
    counts = count_confusion(labels, scores, sample_weight=weights)
    thresholds, true_positives, false_positives = thresholded(labels, scores, weights)
    assert np.array_equal(counts.thresholds, thresholds)
    np.testing.assert_allclose(counts.true_positives, true_positives, atol=ALGEBRA)
    np.testing.assert_allclose(counts.false_positives, false_positives, atol=ALGEBRA)


@pytest.mark.parametrize(
    "spread",
    [
        lambda noise: noise,
        lambda noise: np.round(noise, 1),
        lambda noise: noise.astype(np.float32),
        lambda noise: 0.5 + noise * 2.0**-52,
        lambda noise: np.exp(100 * noise),
        lambda noise: np.where(noise > 0, 1e300, -1e-300) * noise,
        lambda noise: np.where(noise > 0, 1e308, -5e-324) * np.abs(noise).clip(0.5, 1),  # no room in the key
        lambda noise: np.zeros_like(noise),
    ],
)
def test_many_rows_agree_with_scikit_learn(spread):
    generator = np.random.default_rng(1)
    labels = generator.random(3 * BLOCK + 17) < 0.2
    scores = spread(generator.normal(size=labels.size) + 0.5 * labels)
    counts = count_confusion(labels, scores)
    _, false_positives, _, true_positives, thresholds = confusion_matrix_at_thresholds(labels, scores)
    assert np.array_equal(counts.thresholds[1:], thresholds)
    assert np.array_equal(counts.true_positives[1:], true_positives)
    assert np.array_equal(counts.false_positives[1:], false_positives)


def test_the_callers_arrays_stay_as_they_are():
    labels, scores = np.array([0, 1, 1, 0]), np.array([0.3, 0.1, 0.9, -0.0])
    kept = labels.copy(), scores.copy()
    count_confusion(labels, scores)
    assert np.array_equal(labels, kept[0])
    assert scores.tobytes() == kept[1].tobytes()


def test_memory_is_24_bytes_per_row_of_distinct_scores():
    counts = count_confusion(np.arange(1000) % 2, np.arange(1000))
    arrays = (counts.thresholds, counts.true_positives, counts.false_positives)
    assert sum(array.nbytes for array in arrays) == 24 * 1001


def test_peak_memory_is_linear():
    import tracemalloc

    labels, scores = np.arange(400_000) % 2 == 0, np.random.default_rng(0).random(400_000)
    tracemalloc.start()
    count_confusion(labels, scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 26 * scores.size + 50 * 8 * BLOCK  # the result, and what a few blocks need


def test_plain_round_trip():
    counts = count_confusion([0, 1, 1], [0.2, 0.7, 0.2])
    again = ConfusionCounts.from_dict(counts.to_dict())
    assert again.to_dict() == counts.to_dict()
    assert again.thresholds[0] == np.inf
    assert counts.to_frame()["true_negatives"].tolist() == [1, 1, 0]
    assert len(counts.plot().lines) == 2
