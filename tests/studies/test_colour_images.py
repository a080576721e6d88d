import numpy as np
from data_folders import folder_with
from studies.small_colorization import small_images
from tolerances import STANDARD_ERRORS

from leadline.core import numpy_generator
from leadline.studies.colour_images import (
    HORSES,
    PATCHES,
    ColourImages,
    cifar_horses,
    grey,
    half_mirrored,
    photograph_patches,
)


def test_grey_is_the_mean_over_256():
    image = np.array([[[[0, 0, 0], [255, 255, 255], [1, 2, 6], [0, 0, 1]]]], np.uint8)
    assert np.allclose(grey(image), np.array([0, 255, 3, 1 / 3]) / 256, atol=1e-7)
    assert grey(image).shape == (1, 1, 1, 4)


def test_patches_are_shared_out_once():
    images, again = photograph_patches(), photograph_patches()
    assert (images.name, len(images.training), len(images.validation)) == (PATCHES, 416, 104)
    assert images.fingerprint == again.fingerprint
    assert not {p.tobytes() for p in images.training} & {p.tobytes() for p in images.validation}


def test_the_fingerprint_is_that_of_the_pixels():
    images = small_images()
    other = images.training.copy()
    other[3, 2, 1, 0] ^= 1
    changed = ColourImages(name=images.name, training=other, validation=images.validation)
    renamed = ColourImages(name="x", training=images.training, validation=images.validation)
    assert changed.fingerprint != images.fingerprint == renamed.fingerprint


def test_horses():
    images = cifar_horses(folder_with("data_batch_1.bin"))
    assert (images.name, images.training.shape, images.validation.shape) == (
        HORSES,
        (5000, 32, 32, 3),
        (1000, 32, 32, 3),
    )


def test_half_of_the_images_are_mirrored_with_their_labels():
    greys = numpy_generator("greys").random((400, 1, 2, 5), dtype=np.float32)
    labels = (100 * greys[:, 0]).astype(np.uint8)
    turned, turned_labels = half_mirrored((greys, labels), 0, 1)
    mirrored = (turned != greys).any(axis=(1, 2, 3))
    assert abs(mirrored.mean() - 1 / 2) < STANDARD_ERRORS * 0.5 / 400**0.5
    assert np.array_equal(turned[mirrored], greys[mirrored][..., ::-1])
    assert np.array_equal(turned_labels, (100 * turned[:, 0]).astype(np.uint8))
    others = [half_mirrored((greys, labels), *place)[0] for place in ((0, 2), (1, 1))]
    assert not any(np.array_equal(turned, other) for other in others)
    assert np.array_equal(turned, half_mirrored((greys, labels), 0, 1)[0])
