"""What goes in comes out: numbers, arrays, and how a job ended."""

import math

import numpy as np
import pytest

from leadline.core import DivergedError
from leadline.sweep.outcomes import decode, failure_of, outcome_of, pack, unpack


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool", "complex128", "<U3"])
def test_arrays_keep_type_shape_and_values(dtype):
    arrays = {"file": np.array([[1, 0, 2]]).astype(dtype), "empty": np.empty((0, 3), dtype), "one": np.ones((), dtype)}
    back = unpack(pack(arrays))
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert (back[name] == array).all()
    assert pack(arrays) == pack(back)


def test_no_pickle_gets_in():
    with pytest.raises(ValueError, match="allow_pickle=False"):
        pack({"objects": np.array([object()])})


def test_numbers_that_json_lacks_come_back():
    value = decode(outcome_of({"a": math.nan, "b": [math.inf, -math.inf], "c": {"d": 0.1}, "e": np.float32(0.5)}).value)
    assert math.isnan(value.pop("a"))
    assert value == {"b": [math.inf, -math.inf], "c": {"d": 0.1}, "e": 0.5}


TEXTS = ["nan", "inf", "-inf", "~nan", "~~-inf", "~", "NaN", ""]


def test_texts_that_look_like_numbers_stay_texts():
    returned = {"names": TEXTS, "deep": {"one": ("nan", math.inf)}, "plain": "inf", "text": np.str_("nan")}
    value = decode(outcome_of(returned).value)
    assert value == {"names": TEXTS, "deep": {"one": ["nan", math.inf]}, "plain": "inf", "text": "nan"}
    assert decode('{"loss": "-inf"}') == {"loss": -math.inf}, "as stores have held numbers from the first"


def test_a_result_that_is_no_mapping():
    assert decode(outcome_of(7).value) == {"value": 7}
    assert decode(outcome_of(None).value) == {}
    assert list(unpack(outcome_of(np.eye(2)).arrays)) == ["value"]


@pytest.mark.parametrize("flag", [True, np.True_])
def test_a_result_may_say_that_it_diverged(flag):
    assert outcome_of({"diverged": flag, "step": 3}).outcome == "diverged"
    assert outcome_of({"diverged": not flag, "step": 3}).outcome == "done"


def test_exceptions_by_their_kind():
    gone = DivergedError("train", expected="finite", got="nan", remedy="lower the rate")
    assert failure_of(gone).outcome == "diverged"
    failed = failure_of(ZeroDivisionError("by zero"))
    assert (failed.outcome, failed.error) == ("failed", "ZeroDivisionError: by zero")
    assert "ZeroDivisionError" in str(failed.traceback)
