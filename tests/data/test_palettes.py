import numpy as np
import pytest

from leadline.core import InputError, numpy_generator
from leadline.data import Palette, fit_palette


def pixels(*shape: int) -> np.ndarray:
    return numpy_generator("pixels").integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_labels_are_those_of_all_distances():
    image, palette = pixels(70, 90), Palette(colours=numpy_generator("colours").uniform(0, 255, (24, 3)))
    distances = ((image[..., None, :].astype(float) - palette.colours) ** 2).sum(-1)
    labels = palette.labels(image)
    assert np.array_equal(labels, distances.argmin(-1))
    assert palette.rms_error(image) == pytest.approx(np.sqrt(distances.min(-1).mean() / 3), abs=1e-12)
    assert np.array_equal(palette.labels(palette.paint(labels)), labels)


def test_k_means_finds_well_separated_colours_darkest_first():
    centres = np.array([[250, 250, 250], [10, 10, 10], [200, 30, 30], [30, 30, 120]])
    noise = numpy_generator("noise").integers(-3, 4, (4, 500, 3))
    palette = fit_palette((centres[:, None] + noise).astype(np.uint8), colours=4)
    assert np.allclose(palette.colours, centres[[1, 3, 2, 0]], atol=0.5)


def test_the_seed_names_the_palette():
    image = pixels(100, 100)
    first, again, other = (fit_palette(image, colours=6, seed=seed).colours for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_more_colours_leave_a_smaller_error():
    image = pixels(60, 60)
    errors = [fit_palette(image, colours=count).rms_error(image) for count in (1, 4, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(image.reshape(-1, 3).std(0).mean(), rel=0.01)


@pytest.mark.parametrize("colours", [0, 3, 257])
def test_too_many_colours(colours):
    image = np.array([[0, 0, 0], [9, 9, 9]], np.uint8)
    with pytest.raises(InputError, match="expected 1 to 2 colours for 2 different pixels"):
        fit_palette(image, colours=colours)
