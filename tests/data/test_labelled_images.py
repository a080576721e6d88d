from pathlib import Path

import numpy as np

from leadline.data import LabelledImages


def test_images_of_one_class():
    images = np.arange(4 * 2 * 2, dtype=np.uint8).reshape(4, 2, 2)
    labels = np.array([1, 0, 1, 2], np.uint8)
    every = LabelledImages(paths=(Path("x"),), images=images, labels=labels, classes=("a", "b", "c"))
    assert np.array_equal(every.of_class("b"), images[[0, 2]])
