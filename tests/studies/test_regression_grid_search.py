import numpy as np
import pytest

from leadline.core import numpy_generator
from leadline.generalization import linear_regression_grid
from leadline.studies import Settings, regression_grid_search
from leadline.studies.regression_grid_search import LARGE, exhibit, observe


@pytest.fixture
def folder(tmp_path):
    """Faces and ages of the published layout, a few."""
    random = numpy_generator("faces")
    for end, count in (("tr", 40), ("te", 12)):
        faces = random.random((count, 48, 48), np.float32)
        np.save(tmp_path / f"age_regression_X{end}.npy", faces)
        np.save(tmp_path / f"age_regression_y{end}.npy", 30 + 900 * (faces[:, :4, :4].mean((1, 2)) - 0.5))
    return tmp_path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Two values along each axis: the grid has tests of its own."""

    def fewer(*data, **options):
        few = {name: options.pop(name, default)[-2:] for name, default in
               (("batch_sizes", (8, 16)), ("epochs", (2, 4)), ("l2", (0.01, 0.1)))}  # fmt: skip
        return linear_regression_grid(*data, **options, **few)

    monkeypatch.setattr(regression_grid_search, "linear_regression_grid", fewer)


def test_faces_are_searched_where_they_are_present_and_keep_their_own_test_rows(folder):
    observed = observe(Settings(data=folder))
    assert observed.faces
    grid = observed.grids["faces and ages"]
    assert grid.rows == (32, 8, 12)
    assert grid.fit.weights.shape == (144,)
    shown = exhibit(observed)
    assert {row[0] for row in shown.tables[0].rows} == {"diabetes", "faces and ages"}
    assert len(shown.figures) == 3


def test_without_faces_the_page_says_how_to_get_them(tmp_path):
    observed = observe(Settings(data=tmp_path))
    assert not observed.faces and set(observed.grids) == {"diabetes", LARGE}
    assert "leadline data fetch age-faces" in exhibit(observed).notes[-1]


def test_blocks_of_pixels_are_averaged_at_the_quick_scale():
    faces = numpy_generator("faces").random((2, 48, 48))
    scaled = regression_grid_search._scaled(faces, "quick")
    np.testing.assert_allclose(scaled[1, 13], faces[1, 4:8, 4:8].mean())
    np.testing.assert_array_equal(regression_grid_search._scaled(faces, "full"), faces.reshape(2, -1))
