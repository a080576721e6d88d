"""Small labelled samples for laws: ties, negative and repeated scores, weights, extreme prevalence, constant scores."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

LAW = settings(derandomize=True, deadline=None, max_examples=60)


@st.composite
def labelled_rows(draw, weighted=False):
    """(labels, scores) or (labels, scores, weights); both classes present."""
    size = draw(st.integers(2, 25))
    labels = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    labels[draw(st.integers(0, size - 1))] ^= labels.all() or not labels.any()
    levels = draw(st.sampled_from([1, 2, 4, 100]))
    scores = np.array(draw(st.lists(st.integers(-levels, levels - 1), min_size=size, max_size=size))) / levels
    if not weighted:
        return labels, scores
    weights = np.array(draw(st.lists(st.integers(0, 8), min_size=size, max_size=size))) / 4
    weights[labels.argmax()], weights[(~labels).argmax()] = 0.75, 1.25
    return labels, scores, weights


def thresholded(labels, scores, weights=None):
    """(threshold, TP, FP) by a loop over all distinct scores, from +inf downwards."""
    weights = np.ones(len(labels)) if weights is None else weights
    rows = [(np.inf, 0.0, 0.0)]
    for threshold in sorted(set(scores[weights > 0].tolist()), reverse=True):
        called = scores >= threshold
        rows.append((threshold, weights[called & labels].sum(), weights[called & ~labels].sum()))
    return np.array(rows).T
