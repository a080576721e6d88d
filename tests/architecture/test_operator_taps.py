import pytest
import torch
from torch.nn import functional

from leadline.architecture.operator_taps import adaptive_taps, cubic_taps, linear_taps, nearest_taps, padding_taps


def reads(taps):
    return [sorted({one for one in row if one >= 0}) for row in taps.tolist()]


def support(matrix):
    """The inputs with weight, per output, of a linear operator's matrix (inputs, outputs)."""
    return [(column.abs() > 1e-12).nonzero().flatten().tolist() for column in matrix.T]


def matrix_of(operator, inputs):
    return torch.stack([operator(row[None, None])[0, 0] for row in torch.eye(inputs, dtype=torch.float64)])


@pytest.mark.parametrize("inputs", range(1, 7))
@pytest.mark.parametrize("outputs", range(1, 10))
def test_resizing_reads_what_torch_weighs(inputs, outputs):
    for corners in (False, True):
        options = {"size": outputs, "mode": "linear", "align_corners": corners}
        matrix = matrix_of(lambda row, options=options: functional.interpolate(row, **options), inputs)
        assert reads(linear_taps(inputs, outputs, None, align_corners=corners)) == support(matrix)
    for mode, exact in (("nearest", False), ("nearest-exact", True)):
        matrix = matrix_of(lambda row, mode=mode: functional.interpolate(row, size=outputs, mode=mode), inputs)
        assert reads(nearest_taps(inputs, outputs, None, exact=exact)) == support(matrix)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5, 1.7, 2.0, 3.0])
def test_scales_are_used_as_torch_uses_them(scale):
    for inputs in range(2, 9):
        matrix = matrix_of(lambda row: functional.interpolate(row, scale_factor=scale, mode="linear"), inputs)
        assert reads(linear_taps(inputs, matrix.shape[1], scale, align_corners=False)) == support(matrix)


@pytest.mark.parametrize(("inputs", "outputs"), [(5, 9), (4, 7), (6, 3), (3, 12)])
@pytest.mark.parametrize("corners", [False, True])
def test_cubic_reads_what_torch_weighs(inputs, outputs, corners):
    def rows_only(row):
        image = row[:, :, None].expand(1, 1, 1, inputs)
        return functional.interpolate(image, size=(1, outputs), mode="bicubic", align_corners=corners)[:, :, 0]

    weighed = support(matrix_of(rows_only, inputs))
    # Repeated at the border, weights of opposite sign may add up to zero: what has weight is read.
    found = reads(cubic_taps(inputs, outputs, None, align_corners=corners))
    assert all(set(weight) <= set(read) for weight, read in zip(weighed, found, strict=True))
    assert [(one[0], one[-1]) for one in weighed] == [(one[0], one[-1]) for one in found]


def test_adaptive_bins_are_torchs():
    for inputs in range(1, 9):
        for outputs in range(1, 9):
            matrix = matrix_of(lambda row, outputs=outputs: functional.adaptive_avg_pool1d(row, outputs), inputs)
            assert reads(adaptive_taps(inputs, outputs)) == support(matrix)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(("before", "after"), [(2, 1), (0, 3), (3, 0)])
def test_padding_is_torchs(mode, before, after):
    matrix = matrix_of(lambda row: functional.pad(row, (before, after), mode=mode), 5)
    assert reads(padding_taps(5, before, after, mode)) == support(matrix)
