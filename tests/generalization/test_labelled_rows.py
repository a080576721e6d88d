import numpy as np
import pytest
from tolerances import ALGEBRA

from leadline.core import InputError, numpy_generator
from leadline.generalization.labelled_rows import rows_of

X = numpy_generator("labelled rows").standard_normal((500, 4)) * 3 + 2


def test_inputs_are_centred_and_scaled_as_a_whole():
    rows = rows_of(None)
    assert rows.inputs.shape == (1797, 64)
    assert rows.targets.shape == (1797, 10)
    np.testing.assert_allclose(rows.inputs.mean(0), 0, atol=ALGEBRA)
    np.testing.assert_allclose(np.square(rows.inputs).sum(1).mean(), 1, rtol=ALGEBRA)


def test_training_and_test_rows_are_apart_and_larger_sets_contain_smaller_ones():
    rows = rows_of((X, np.arange(500) % 3))
    drawn, larger = rows.drawn(0, 0, 100, 0.2), rows.drawn(0, 0, 150, 0.2)
    assert not set(drawn.training) & set(drawn.test)
    assert len(set(drawn.training) | set(drawn.test)) == 500
    np.testing.assert_array_equal(larger.training[:100], drawn.training)
    np.testing.assert_array_equal(drawn.test_targets.argmax(1), drawn.test % 3)
    assert set(rows.drawn(0, 1, 100, 0.2).training) != set(drawn.training)


def test_label_noise_puts_another_class_in_the_stated_share():
    rows = rows_of((X, np.array(list("abc"))[np.arange(500) % 3]))
    drawn = rows.drawn(0, 0, 400, 0.3)
    wrong = drawn.targets.argmax(1) != drawn.training % 3
    assert abs(wrong.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 400)
    np.testing.assert_array_equal(drawn.targets.sum(1), 1)
    clean = rows.drawn(0, 0, 400, 0.0)
    np.testing.assert_array_equal(clean.targets.argmax(1), clean.training % 3)
    every = rows.drawn(0, 0, 400, 1.0)
    assert (every.targets.argmax(1) != every.training % 3).all()


def test_real_targets_get_noise_in_training_only():
    y = X[:, 0]
    drawn = rows_of((X, y)).drawn(0, 0, 400, 0.5)
    centred = (y - y.mean())[:, None]
    np.testing.assert_allclose(drawn.test_targets, centred[drawn.test], rtol=ALGEBRA)
    added = drawn.targets - centred[drawn.training]
    assert abs(added.std() - 0.5) < 4 * 0.5 / np.sqrt(800)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (X, "data = "),
        ((X, np.arange(3)), "shapes"),
        ((X[:, 0], np.arange(500)), "shapes"),
        ((np.where(X > 5, np.nan, X), np.arange(500)), "finite X .* with NaN or infinity"),
        ((X, np.full(500, np.nan)), "finite X .* with NaN or infinity"),
        ((X, [None] * 500), "y of one type"),
        ((X[:0], np.arange(0)), "finite X"),
        ((X[:2].astype(str).astype(object) + "a", np.arange(2)), "X of numbers"),
        ((X, np.zeros(500, dtype=int)), "two classes"),
        ((np.ones((5, 2)), np.arange(5)), "inputs that differ"),
    ],
)
def test_what_cannot_be_used_is_refused(data, said):
    with pytest.raises(InputError, match=said):
        rows_of(data)
