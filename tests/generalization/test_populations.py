import numpy as np
import pytest

from leadline.core import InputError
from leadline.generalization import Population


def test_noise_has_the_stated_variance():
    population = Population(target=np.sin, inputs=(0, 3), noise_variance=0.25)
    x, y = population.draw(np.random.default_rng(0), 50, 200)
    assert x.shape == y.shape == (50, 200)
    assert 0 <= x.min() < x.max() <= 3
    assert abs((y - np.sin(x)).var() - 0.25) < 0.02


def test_several_outputs_and_inputs_keep_their_shapes():
    population = Population(target=lambda x: x[:, :2], inputs=lambda g, n: g.standard_normal((n, 3)))
    x, y = population.draw(np.random.default_rng(0), 4, 5)
    assert (x.shape, y.shape) == ((4, 5, 3), (4, 5, 2))
    assert np.array_equal(y, x[..., :2])


def test_label_noise_moves_evenly_to_the_other_classes():
    classes = ("a", "b", "c")
    population = Population(target=lambda x: np.full(len(x), "b"), inputs=(0, 1), label_noise=0.3, classes=classes)
    _, y = population.draw(np.random.default_rng(0), 1, 30000)
    shares = [(y == label).mean() for label in classes]
    np.testing.assert_allclose(shares, [0.15, 0.7, 0.15], atol=0.01)


def test_kept_inputs_are_the_same_in_every_data_set():
    kept = np.array([3.0, 1.0, 2.0])
    x, y = Population(target=np.sin, inputs=kept, noise_variance=1).draw(np.random.default_rng(0), 4, 3)
    assert np.array_equal(x, np.tile(kept, (4, 1)))
    assert len(np.unique(y)) == 12


WRONG = {
    "noise_variance: a finite number of at least 0, got -1": {"noise_variance": -1.0},
    "noise_variance: a finite number of at least 0, got nan": {"noise_variance": np.nan},
    "at least two classes with label_noise": {"label_noise": 0.5},
    "label_noise: a finite number of at least 0 and below 1": {"label_noise": 1.0, "classes": (0, 1)},
    r"inputs: an interval \(low, high\), got \(1, 0\)": {"inputs": (1, 0)},
    r"inputs: an interval \(low, high\), got \(0, 1, 2\)": {"inputs": (0, 1, 2)},
    r"an interval \(low, high\), .* got \[0, 1\]": {"inputs": [0, 1]},
    "inputs: two or more finite numbers, got .0, inf": {"inputs": (0, np.inf)},
}


@pytest.mark.parametrize("message", WRONG)
@pytest.mark.usefixtures("types_unchecked")
def test_impossible_noise_and_inputs(message):
    with pytest.raises(InputError, match=message):
        Population(**{"target": np.sin, "inputs": (0, 1), **WRONG[message]})


@pytest.mark.parametrize("classes", [(0, 1), ("0", "1", "2")])
def test_targets_outside_the_classes_are_no_other_class(classes):
    population = Population(target=lambda x: np.rint(2 * x), inputs=(0, 1), label_noise=0.1, classes=classes)
    with pytest.raises(InputError, match=r"targets \(n,\) among the classes"):
        population.draw(np.random.default_rng(0), 1, 30)


def test_one_target_for_all_inputs_is_refused():
    with pytest.raises(InputError, match=r"a target function of shape \(5,\) for as many inputs, got \(\)"):
        Population(target=lambda x: 1.0, inputs=(0, 1)).draw(np.random.default_rng(0), 1, 5)
