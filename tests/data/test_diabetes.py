import numpy as np
import pytest
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


@pytest.mark.parametrize(
    "text",
    ["no arff at all", "@relation a\n@attribute x string\n@attribute class {a,b}\n@data\nq,a\n",
     "@relation a\n@attribute x real\n@attribute class {a,b}\n@data\nnumber,a\n"],
)  # fmt: skip
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "diabetes.arff").write_text(text)
    with pytest.raises(InputError, match="read_diabetes: expected an ARFF file with numeric columns"):
        read_diabetes(tmp_path)
