from dataclasses import replace

import numpy as np
import pytest

from leadline.core import InputError, numpy_generator
from leadline.generalization import descent_by_time, double_descent
from leadline.generalization.descent_by_time import FAST, SLOW, SLOW_SCALE, descent_of_network
from leadline.generalization.labelled_rows import rows_of

EULER = 2e-2  # gradient descent with a small step against the flow that it approximates


def test_every_seed_of_the_two_scale_teacher_shows_it():
    run = double_descent(axis="epochs", model="two-scale teacher", seeds=20)
    assert run.showing == run.seeds == 20
    assert min(shape.ratio for shape in run.shapes) > 1.1
    assert (np.diff(run.train_loss, axis=1) <= 0).all()  # gradient flow never climbs
    assert run.train_loss.min() > 0  # fewer weights than samples


def test_the_flow_is_the_limit_of_gradient_descent():
    rate, steps = 0.01, [50, 500, 2000]
    run = double_descent(axis="epochs", model="two-scale teacher", values=[rate * count for count in steps], seeds=1)
    generator = numpy_generator("two-scale teacher", 0, 0)
    scales = np.repeat([1.0, SLOW_SCALE], [FAST, SLOW])
    teacher = generator.standard_normal(FAST + SLOW)
    for part in (slice(0, FAST), slice(FAST, None)):
        teacher[part] *= np.sqrt(0.5 / np.square(scales[part] * teacher[part]).sum())
    X = generator.standard_normal((100, FAST + SLOW)) * scales
    y = X @ teacher + 0.5 * generator.standard_normal(100)
    weights, expected = np.zeros(FAST + SLOW), []
    for step in range(1, max(steps) + 1):
        weights -= rate * X.T @ (X @ weights - y) / 100
        if step in steps:
            fitted = np.square(X @ weights - y).mean()
            expected.append((fitted, 0.25 + np.square(scales * (weights - teacher)).sum()))
    np.testing.assert_allclose(np.stack([run.train_loss[0], run.test_loss[0]], 1), expected, rtol=EULER)


@pytest.mark.slow
def test_a_large_network_shows_it_and_neither_a_small_nor_an_unhurried_one_does():
    rows = rows_of(None)
    large, small, plain = (
        descent_of_network(rows, width=width, momentum=momentum, epochs=150, seeds=3, seed=0)
        for width, momentum in ((256, 0.9), (8, 0.9), (256, 0.0))
    )
    assert large.showing == large.seeds == 3
    assert not small.shown
    assert not plain.shown
    assert large.parameters[0] == 256 * 65 + 257 * 10
    assert large.test_error.shape == (3, 150)


def test_seeds_that_diverge_are_in_no_curve(monkeypatch):
    real = descent_by_time.train_ensemble

    def diverging(*arguments, **options):
        trained = real(*arguments, **options)
        return replace(trained, history=replace(trained.history, diverged_at=np.array([-1, 2, -1])))

    options = {"width": 4, "epochs": 6, "samples": 30, "seeds": 3, "seed": 0}
    whole = descent_of_network(rows_of(None), **options)
    monkeypatch.setattr(descent_by_time, "train_ensemble", diverging)
    run = descent_of_network(rows_of(None), **options)
    assert run.left_out == (1,)
    assert any("1 of 3 seeds left out" in caveat for caveat in run.caveats)
    np.testing.assert_array_equal(run.test_error, whole.test_error[[0, 2]])
    np.testing.assert_array_equal(run.train_loss, whole.train_loss[[0, 2]])
    assert len(run.seeds_frame()) == 2


def test_networks_want_labels():
    X = numpy_generator("no labels").standard_normal((20, 3))
    with pytest.raises(InputError, match="real targets"):
        double_descent((X, X[:, 0]), axis="epochs", samples=5)
