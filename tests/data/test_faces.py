import numpy as np
import pytest
from data.broken_files import copied, cut
from data_folders import folder_with

from leadline.core import InputError, MissingDataError, numpy_generator
from leadline.data import read_age_faces


@pytest.fixture
def folder(tmp_path):
    """Files of the published layout, with fewer faces."""
    random = numpy_generator("faces")
    for end, count in (("tr", 5), ("te", 3)):
        np.save(tmp_path / f"age_regression_X{end}.npy", random.random((count, 48, 48), np.float32))
        np.save(tmp_path / f"age_regression_y{end}.npy", random.uniform(1, 90, count))
    return tmp_path


def test_files_of_that_layout(folder):
    for part, end in (("train", "tr"), ("test", "te")):
        read = read_age_faces(folder, part=part)
        assert np.array_equal(read.faces, np.load(folder / f"age_regression_X{end}.npy"))
        assert np.array_equal(read.ages, np.load(folder / f"age_regression_y{end}.npy"))
        assert (read.faces.dtype, read.ages.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize(("part", "count"), [("train", 5000), ("test", 2500)])
def test_the_real_files(part, count):
    read = read_age_faces(folder_with("age_regression_Xtr.npy"), part=part)
    assert read.faces.shape == (count, 48, 48)
    assert read.ages.shape == (count,)


def test_broken_files(folder):
    faces = folder / "age_regression_Xtr.npy"
    copied(faces, faces, cut)
    with pytest.raises(InputError, match=r"read_age_faces: expected 48x48 faces .* in .*Xtr.npy"):
        read_age_faces(folder)
    faces.write_bytes(b"")
    with pytest.raises(InputError, match="run `leadline data fetch age-faces`"):
        read_age_faces(folder)


@pytest.mark.parametrize(
    "faces", [np.zeros((5, 47, 48), np.float32), np.zeros((4, 48, 48), np.float32), np.zeros((5, 48, 48), np.uint8)]
)
def test_arrays_of_other_shapes_or_kinds(folder, faces):
    np.save(folder / "age_regression_Xtr.npy", faces)
    with pytest.raises(InputError, match=rf"got {faces.dtype} \({len(faces)}, "):
        read_age_faces(folder)


@pytest.mark.parametrize("name", ["age_regression_Xtr.npy", "age_regression_ytr.npy"])
def test_values_that_are_not_finite(folder, name):
    values = np.load(folder / name)
    values.flat[1] = np.nan
    np.save(folder / name, values)
    with pytest.raises(InputError, match=rf"in .*{name}, got values that are not finite"):
        read_age_faces(folder)


def test_changed_headers_are_refused_or_say_the_same(folder):
    path = folder / "age_regression_ytr.npy"
    whole, ages = path.read_bytes(), np.load(path)
    for place in range(80):
        for byte in b"\x00\xff'(1":
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            try:
                assert read_age_faces(folder).ages.shape == ages.shape
            except InputError as error:
                assert "one age each" in str(error)


class Trap:
    """Tells when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(folder):
    np.save(folder / "age_regression_ytr.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="allow_pickle=False"):
        read_age_faces(folder)


def test_what_is_missing_and_parts_that_do_not_exist(tmp_path):
    with pytest.raises(MissingDataError, match="leadline data fetch age-faces"):
        read_age_faces(tmp_path)
    with pytest.raises(InputError, match="got 'valid'"):
        read_age_faces(tmp_path, part="valid")
