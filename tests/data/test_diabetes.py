import numpy as np
import pytest
from data.broken_files import copied
from data_folders import folder_with

from leadline.core import InputError
from leadline.data import fingerprint, read_diabetes

SHA_256 = "4eddd5b2b64679e8888348e306520a393d6a28e1ddc9643cfb76fc5d912d6d40"


def test_the_rows_are_the_published_ones():
    rows = read_diabetes(folder_with("diabetes.arff"))
    assert rows.measurements.shape == (768, 8)
    assert (rows.positive.sum(), (~rows.positive).sum()) == (268, 500)
    assert rows.features == ("preg", "plas", "pres", "skin", "insu", "mass", "pedi", "age")
    assert np.round(rows.measurements.mean(axis=0), 1)[:3].tolist() == [3.8, 120.9, 69.1]  # as the file's header says
    assert fingerprint(rows.path) == SHA_256


@pytest.mark.parametrize("kept", range(0, 37_400, 1100))
def test_a_cut_file_is_refused(tmp_path, kept):
    copied(read_diabetes(folder_with("diabetes.arff")).path, tmp_path / "diabetes.arff", lambda content: content[:kept])
    with pytest.raises(InputError, match=r"expected 768 rows of 8 numbers and a class in .*diabetes\.arff"):
        read_diabetes(tmp_path)


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        (b"@attribute 'plas' real", b"@attribute 'plas' string"),
        (b"tested_negative, tested_positive", b"tested_negative, tested_pOsitive"),
        (b"tested_", b"rested_"),
        (b"6,148,72", b"6,148,?"),
        (b"6,148,72", b"6,l48,72"),
        (b"6,148,72", b"6 148,72"),
        (b"6,148,72", b"\xff,148,72"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, whole, broken):
    def change(content: bytes) -> bytes:
        assert whole in content
        return content.replace(whole, broken)

    copied(read_diabetes(folder_with("diabetes.arff")).path, tmp_path / "diabetes.arff", change)
    with pytest.raises(InputError, match="read_diabetes: expected 768 rows of 8 numbers and a class"):
        read_diabetes(tmp_path)
