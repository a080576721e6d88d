import numpy as np
import pytest
from evaluation.labelled_rows import LAW
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from leadline.evaluation import hull
from leadline.evaluation.hull import corners, upper_hull

PATHS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda step: step != (0, 0)), min_size=1, max_size=40
).map(lambda steps: np.cumsum([(0, 0), *steps], axis=0).T)


@LAW
@given(PATHS)
def test_hull_by_brute_force(path):
    tp, fp = path
    expected = [
        point
        for point in range(tp.size)
        if point in (0, tp.size - 1)
        or not any(
            (tp[point] - tp[a]) * (fp[b] - fp[a]) <= (tp[b] - tp[a]) * (fp[point] - fp[a])
            for a in range(point)
            for b in range(point + 1, tp.size)
        )
    ]
    assert upper_hull(tp, fp).tolist() == expected


@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_the_hull_of_many_points_is_qhull_s(drift):
    generator = np.random.default_rng(0)
    labels = generator.random(50_000) < 0.4
    labels = labels[np.argsort(-(generator.normal(size=labels.size) + drift * labels))]
    tp, fp = np.append(0, np.cumsum(labels)), np.append(0, np.cumsum(~labels))
    found = upper_hull(tp, fp)
    assert tp.size > hull._FEW  # passes over all points are taken
    corner = np.array([[0, fp[-1]]])
    qhull = ConvexHull(np.concatenate([np.stack([tp, fp], axis=1), corner[:, ::1]])).vertices
    above = {point for point in qhull if point < tp.size and tp[point] * fp[-1] >= fp[point] * tp[-1]}
    assert set(found.tolist()) == above | {0, tp.size - 1}


@LAW
@given(PATHS)
def test_corners_keep_every_turn(path):
    tp, fp = path
    kept = corners(tp, fp)
    assert np.array_equal(np.interp(tp + fp, (tp + fp)[kept], tp[kept]).round(9), tp)
    turns = np.diff(tp[kept])[:-1] * np.diff(fp[kept])[1:] != np.diff(tp[kept])[1:] * np.diff(fp[kept])[:-1]
    assert turns.all()
