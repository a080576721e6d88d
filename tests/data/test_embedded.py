import numpy as np
import pytest

from leadline.core import InputError
from leadline.data import EMBEDDED, embedded_set

SHAPES = {
    "digits": ((1797, 64), 10),
    "breast-cancer": ((569, 30), 2),
    "iris": ((150, 4), 3),
    "wine": ((178, 13), 3),
    "diabetes-regression": ((442, 10), 0),
    "photographs": ((520, 32, 32, 3), 2),
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_sizes_and_classes(name):
    found = embedded_set(name)
    shape, classes = SHAPES[name]
    assert found.inputs.shape == shape
    assert found.targets.shape == shape[:1]
    assert len(found.classes) == classes
    if classes:
        assert np.unique(found.targets).tolist() == list(range(classes))


def test_patches_are_the_photograph_cut_up():
    from sklearn.datasets import load_sample_image

    patches = embedded_set("photographs").inputs
    photograph = load_sample_image("china.jpg")
    assert np.array_equal(patches[0], photograph[:32, :32])
    assert np.array_equal(patches[21], photograph[32:64, 32:64])  # 20 patches in a row


def test_other_names():
    with pytest.raises(InputError, match=r"embedded_set: expected one of digits, .* got 'mnist'"):
        embedded_set("mnist")
