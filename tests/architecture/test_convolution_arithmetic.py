import itertools

import pytest
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from leadline.architecture.convolution_arithmetic import ConvolutionSolution, solve_convolution
from leadline.core import InputError

KERNELS, STRIDES, DILATIONS = range(1, 6), range(1, 5), (1, 2, 3)
INPUTS, OUTPUTS, PADDINGS = range(1, 8), range(1, 12), range(6)


def sizes_by_torch(kernel, stride, dilation, transposed):
    """Every size that torch gives, by input size: {(n, padding or (before, after), output padding): output size}."""
    weight = torch.empty(1, 1, kernel, device="meta")
    found = {}
    for size in INPUTS:
        signal = torch.empty(1, 1, size, device="meta")
        if transposed:
            for padding, extra in itertools.product(PADDINGS, range(max(stride, dilation))):
                if stride * (size - 1) - 2 * padding + dilation * (kernel - 1) + extra + 1 >= 1:
                    result = functional.conv_transpose1d(signal, weight, None, stride, padding, extra, 1, dilation)
                    found[size, padding, extra] = result.shape[-1]
        else:
            for total in range(2 * max(PADDINGS) + 2):
                if size + total >= dilation * (kernel - 1) + 1:
                    padded = functional.pad(signal, (total // 2, total - total // 2))
                    found[size, total, 0] = functional.conv1d(padded, weight, None, stride, 0, dilation).shape[-1]
    return found


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("dilation", DILATIONS)
def test_every_solution_and_no_other_is_torchs(stride, dilation):
    for kernel in KERNELS:
        found = sizes_by_torch(kernel, stride, dilation, transposed=False)
        for size, output in itertools.product(INPUTS, OUTPUTS):
            totals = [total for (n, total, _), reached in found.items() if (n, reached) == (size, output)]
            solution = solve_convolution(size, output, kernel, stride=stride, dilation=dilation)
            in_range = tuple(one for one in solution.paddings if one[0] in PADDINGS)
            assert in_range == tuple((total // 2, 0) for total in totals if total % 2 == 0)
            if not solution.paddings:
                expected = {(b, total - b) for total in totals for b in (total // 2, total - total // 2)}
                assert {one for one in solution.asymmetric if sum(one) < 2 * len(PADDINGS)} == expected


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("dilation", DILATIONS)
def test_every_transposed_solution_and_no_other_is_torchs(stride, dilation):
    for kernel in KERNELS:
        found = sizes_by_torch(kernel, stride, dilation, transposed=True)
        for size, output in itertools.product(INPUTS, OUTPUTS):
            expected = {(p, extra) for (n, p, extra), reached in found.items() if (n, reached) == (size, output)}
            solution = solve_convolution(size, output, kernel, stride=stride, dilation=dilation, transposed=True)
            assert {one for one in solution.paddings if one[0] in PADDINGS} == expected


def test_output_paddings_are_those_that_the_cpu_kernel_accepts():
    signal, weight = torch.ones(1, 1, 3), torch.ones(1, 1, 2)
    for stride, dilation, extra in itertools.product((1, 2, 3), (1, 2, 3), range(4)):
        full = stride * 2 + dilation + 1
        solution = solve_convolution(3, full + extra, 2, stride=stride, dilation=dilation, transposed=True)
        if (0, extra) in solution.paddings:
            result = functional.conv_transpose1d(signal, weight, None, stride, 0, extra, 1, dilation)
            assert result.shape[-1] == full + extra
        else:
            with pytest.raises(RuntimeError, match="output padding must be smaller"):
                functional.conv_transpose1d(signal, weight, None, stride, 0, extra, 1, dilation)


@pytest.mark.parametrize(("size", "kernel", "pair"), [(8, 4, (1, 0)), (8, 3, (1, 1)), (7, 5, (2, 1))])
def test_the_usual_doublings(size, kernel, pair):
    assert solve_convolution(size, 2 * size, kernel, stride=2, transposed=True).paddings[0] == pair


def test_nearest_sizes_are_the_nearest_that_brute_force_finds():
    for size, kernel, stride, dilation in itertools.product((1, 2, 5), (1, 2, 4), (1, 2, 3), (1, 2)):
        reachable = {
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
            for padding in range(40) for extra in range(max(stride, dilation))
        }  # fmt: skip
        for output in range(1, 18):
            solution = solve_convolution(size, output, kernel, stride=stride, dilation=dilation, transposed=True)
            assert solution.solved == (output in reachable)
            if not solution.solved:
                below = max((one for one in reachable if 0 < one < output), default=None)
                above = min((one for one in reachable if one > output), default=None)
                assert solution.nearest == tuple(one for one in (below, above) if one is not None)


def test_a_convolution_cannot_shrink_below_its_unpadded_size():
    solution = solve_convolution(10, 3, 3)
    assert not solution.solved
    assert solution.nearest == (8,)
    assert solution.headline() == "10 -> 3 with kernel 3, stride 1: no integer solution, nearest is 8"


def test_asymmetric_amounts_work_in_front_of_a_convolution():
    solution = solve_convolution(8, 8, 4)
    assert solution.paddings == ()
    assert solution.asymmetric == ((1, 2), (2, 1))
    padded = functional.pad(torch.ones(1, 1, 8), solution.asymmetric[0])
    assert functional.conv1d(padded, torch.ones(1, 1, 4)).shape[-1] == 8
    assert "F.pad by (1, 2)" in solution.headline()


def test_pooling_takes_at_most_half_the_kernel():
    solution = solve_convolution(4, 4, 2, stride=2)
    assert solution.paddings == ((2, 0),)
    assert solution.pooling_paddings == ()
    with pytest.raises(RuntimeError, match="at most half of kernel size"):
        functional.max_pool1d(torch.ones(1, 1, 4), 2, 2, padding=2)


@pytest.mark.parametrize("arguments", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_refuses_sizes_below_one(arguments):
    with pytest.raises(InputError, match=r"solve_convolution: expected .* of at least 1, got 0"):
        solve_convolution(*arguments)


@pytest.mark.parametrize(
    "solution",
    [solve_convolution(32, 16, 5, stride=2), solve_convolution(8, 8, 4), solve_convolution(8, 9, 3, transposed=True)],
)
def test_result_is_a_result(solution):
    again = ConvolutionSolution.from_dict(solution.to_dict())
    assert again.to_dict() == solution.to_dict()
    assert len(solution.to_frame()) == len(solution.paddings + solution.asymmetric)
    assert "\n" not in solution.headline()
    assert solution.plot(Figure().subplots()).get_xlabel() == "total padding (indices)"


def test_drawn_sizes_pass_through_the_wanted_one():
    solution = solve_convolution(32, 16, 5, stride=2)
    assert {solution.size_with(2 * padding) for padding, _ in solution.paddings} == {16}
