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


@pytest.mark.parametrize("wrong", [{"noise_variance": -1.0}, {"label_noise": 0.5}, {"label_noise": 1.0}])
def test_impossible_noise(wrong):
    with pytest.raises(InputError, match="noise_variance >= 0, label_noise in"):
        Population(target=np.sin, inputs=(0, 1), **wrong)
