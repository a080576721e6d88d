import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.training.aligned_stacks import MATRIX_BYTES, SWEEP_BYTES, AlignedStacks, matrices, sweep

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 20))


def begins(stack):
    return [member.data_ptr() for member in stack]


@settings(derandomize=True, deadline=None, max_examples=25)
@given(SHAPES, st.sampled_from([MATRIX_BYTES, SWEEP_BYTES]), st.sampled_from([torch.float32, torch.float64]))
def test_every_member_begins_aligned(shape, alignment, dtype):
    like = torch.zeros(1, dtype=dtype)
    stack = AlignedStacks().stack("a", shape, like, alignment)
    assert stack.shape == shape
    assert stack.dtype == dtype
    assert len({place % alignment for place in begins(stack)}) == 1
    assert all(member.is_contiguous() for member in stack)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(SHAPES)
def test_sweeping_reaches_every_entry(shape):
    stack = AlignedStacks().stack("a", shape, torch.zeros(1), SWEEP_BYTES)
    sweep(stack).fill_(3)
    assert (stack == 3).all()
    assert matrices(sweep(stack), shape).data_ptr() == stack.data_ptr()


def test_memory_is_reused_while_the_shape_stays():
    stacks, like = AlignedStacks(), torch.zeros(1)
    first = stacks.stack("a", (2, 3, 4), like, MATRIX_BYTES)
    assert stacks.stack("a", (2, 3, 4), like, MATRIX_BYTES) is first
    assert stacks.stack("b", (2, 3, 4), like, MATRIX_BYTES) is not first
    assert stacks.stack("a", (1, 3, 4), like, MATRIX_BYTES).shape == (1, 3, 4)


@pytest.mark.parametrize(("width", "copied"), [(16, False), (7, True)])
def test_only_what_is_not_aligned_is_copied(width, copied):
    tensor = torch.randn(3, 5, width)
    aligned = AlignedStacks().aligned("a", tensor, MATRIX_BYTES)
    assert torch.equal(aligned, tensor)
    assert (aligned is not tensor) == copied
