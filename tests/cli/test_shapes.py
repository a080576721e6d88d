"""Shapes and ranges are read, or refused with an example."""

import pytest
import torch

from leadline.cli.shapes import read_inputs, read_shape, read_symbols
from leadline.core import InputError


def test_symbols_may_contain_the_separator() -> None:
    assert read_shape("1xmaxx3", ("max",)) == (1, "max", 3)
    assert read_shape("b,x,3", ("b", "x")) == ("b", "x", 3)


def test_one_shape_is_a_tuple_and_several_are_a_list() -> None:
    assert read_inputs(["2x3"]) == {"input_size": (2, 3)}
    assert read_inputs(["2x3", "5"]) == {"input_size": [(2, 3), (5,)]}


def test_a_type_makes_an_input() -> None:
    (ids, mask) = read_inputs(["2x7:int64", "7"])["inputs"]
    assert (ids.dtype, tuple(ids.shape), mask.dtype) == (torch.int64, (2, 7), torch.float32)
    with pytest.raises(InputError, match="a type of torch, got 'whole'"):
        read_inputs(["2x7:whole"])


@pytest.mark.parametrize("text", ["", "1x", "x1", "1x-2", "1xNFx2", "1*2"])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--input: expected a shape"):
        read_shape(text)


@pytest.mark.parametrize("text", ["NF", "NF=1", "NF=8..1", "NF=a..b", "1=1..2", "NF=1..8:0"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected NAME=LOW\.\.HIGH"):
        read_symbols([text])
