from fractions import Fraction

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional

from leadline.architecture.field_tracing import receptive_field
from leadline.architecture.receptive_fields import ReceptiveField
from leadline.core import InputError, ModelError
from leadline.models import LeNet, NaiveInception, PoolUpsampleNet, StridedTransposedNet, UNet, vgg


class Does(nn.Module):
    """A module that does what the function does, with layers of its own."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.function(self, x)


def rows(model, size, place=0, **options):
    return receptive_field(model, size, **options).output.axes[place]


def intervals(model, size, place=0, **options):
    row = rows(model, size, place, **options)
    return list(zip(row.lo.tolist(), row.hi.tolist(), strict=True))


def conv(kernel, **options):
    return nn.Conv1d(1, 1, kernel, **options)


def assert_gradients_agree(model, size, **options):
    measurement = receptive_field(model, size, measured=True, **options).measurement
    assert measurement is not None
    assert measurement.positions > 0
    assert measurement.disagreements == ()


# ------------------------------------------------------------------ where other tools are wrong


def test_parallel_branches_join_by_union():
    # 3x3 twice sees 5, 11x11 sees 11
    model = Does(lambda m, x: m.a(m.b(x)) + m.c(x), a=conv(3, padding=1), b=conv(3, padding=1), c=conv(11, padding=5))
    row = rows(model, (1, 1, 40))
    assert (row.size, row.jump, row.start, row.pattern) == (11, 1, -5, "affine")


def test_functional_pool_between_convolutions():
    # 3, pooled (3 + 1 = 4, jump 2), then two more steps of 2: 8
    model = Does(lambda m, x: m.b(functional.max_pool1d(m.a(x), 2)), a=conv(3), b=conv(3))
    row = rows(model, (1, 1, 40))
    assert (row.size, row.jump, row.start) == (8, 2, 0)


def test_transposed_convolution_by_phase():
    # k3 s2 on the output of a k3: outputs at odd places see two positions (2 + 2 = 4), even ones one (3)
    model = nn.Sequential(conv(3), nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1, output_padding=1))
    row = rows(model, (1, 1, 30))
    assert (row.pattern, row.phase_sizes, row.size, row.jump) == ("periodic", (3, 4), 4, Fraction(1, 2))


def test_rectangular_kernels():
    result = receptive_field(nn.Conv2d(1, 1, (3, 7), stride=(1, 2), dilation=(4, 1)), (1, 1, 40, 50))
    assert [(one.size, one.jump) for one in result.output.axes] == [(9, 1), (7, 2)]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize(("kernel", "dilation", "start"), [(3, 1, -1), (4, 1, -1), (5, 2, -4), (2, 3, -1), (4, 3, -4)])
def test_same_padding(kernel, dilation, start):
    row = rows(conv(kernel, padding="same", dilation=dilation), (1, 1, 30))
    assert (row.size, row.jump, row.start) == (dilation * (kernel - 1) + 1, 1, start)
    assert_gradients_agree(conv(kernel, padding="same", dilation=dilation), (1, 1, 30))


def test_cumulative_not_per_layer():
    # Conv3s2, Pool3s2, Conv3d2: 3, 3 + 2*2 = 7, 7 + 4*4 = 23
    result = receptive_field(nn.Sequential(conv(3, stride=2), nn.MaxPool1d(3, 2), conv(3, dilation=2)), (1, 1, 90))
    assert [one.axes[0].size for one in result.layers if one.is_leaf] == [3, 7, 23]
    assert result.output.axes[0].jump == 4


def test_strided_then_transposed_is_tight():
    down, up = conv(3, stride=2, padding=1), nn.ConvTranspose1d(1, 1, 4, stride=2, padding=1)
    row = rows(nn.Sequential(down, up, conv(4)), (1, 1, 64))
    # Output i of the transposed one reads the inputs m with 2m - 1 + t = i, t < 4: two neighbours. Four outputs in a
    # row from 0 on read -1..2, from 1 on 0..2: four or three of the first, which see 3 + 2*3 = 9 or 3 + 2*2 = 7.
    assert (row.pattern, row.phase_sizes) == ("periodic", (9, 7))
    assert_gradients_agree(nn.Sequential(down, up, conv(4)), (1, 1, 24))


def test_nearest_upsampling_is_tight():
    # conv3, x2, conv3: a window of three copies covers two positions: 3 + 1 = 4
    row = rows(nn.Sequential(conv(3), nn.Upsample(scale_factor=2), conv(3)), (1, 1, 40))
    assert (row.phase_sizes, row.jump) == ((4, 4), Fraction(1, 2))
    # conv5 of a x2: windows of five copies cover three positions: 3 + 2 = 5
    row = rows(nn.Sequential(conv(3), nn.Upsample(scale_factor=2), conv(5)), (1, 1, 40))
    assert row.phase_sizes == (5, 5)


def test_adaptive_pooling_is_exact():
    # 7 to 3 bins: 0..2, 2..4, 4..6
    assert intervals(nn.AdaptiveAvgPool1d(3), (1, 1, 7)) == [(0, 2), (2, 4), (4, 6)]
    # conv3 of 42, 40 to 5 bins of 8: 8 + 2 = 10
    row = rows(nn.Sequential(conv(3), nn.AdaptiveMaxPool1d(5)), (1, 1, 42))
    assert (row.size, row.jump, row.start) == (10, 8, 0)
    row = rows(nn.AdaptiveAvgPool1d(1), (1, 1, 9))
    assert (row.pattern, row.size, row.jump) == ("whole axis", 9, None)


def test_circular_padding_touches_the_far_end_only_at_the_border():
    row = rows(conv(3, padding=1, padding_mode="circular"), (1, 1, 9))
    assert (row.size, row.jump, row.start, row.pattern, row.regular_border) == (3, 1, -1, "affine", False)
    assert (row.lo[0], row.hi[0], row.lo[4], row.hi[4]) == (0, 8, 3, 5)


def test_reflect_and_replicate_padding():
    assert intervals(conv(3, padding=1, padding_mode="reflect"), (1, 1, 5))[::4] == [(0, 1), (3, 4)]
    assert intervals(conv(5, padding=2, padding_mode="replicate"), (1, 1, 9))[0] == (0, 2)


# ------------------------------------------------------------------ further operators


def test_dilation_and_stride():
    row = rows(conv(3, stride=3, dilation=5, padding=2), (1, 1, 60))
    assert (row.size, row.jump, row.start) == (11, 3, -2)
    assert (row.lo[0], row.hi[0]) == (3, 8)  # 0 - 2 is padding: the first index seen is -2 + 5


def test_empty_intervals_between_transposed_kernels():
    row = rows(nn.ConvTranspose1d(1, 1, 1, stride=3), (1, 1, 8))
    assert list(zip(row.lo.tolist(), row.hi.tolist(), strict=True))[:4] == [(0, 0), (0, -1), (0, -1), (1, 1)]
    assert (row.pattern, row.phase_sizes, row.jump) == ("periodic", (1, 0, 0), Fraction(1, 3))


def test_padding_beyond_the_kernel_sees_nothing():
    assert intervals(conv(1, padding=1), (1, 1, 2)) == [(0, -1), (0, 0), (1, 1), (0, -1)]


def test_residual_chain():
    block = Does(lambda m, x: x + m.b(m.a(x)), a=conv(3, padding=1), b=conv(3, padding=1))
    row = rows(nn.Sequential(block, block, block), (1, 1, 50))
    assert (row.size, row.jump, row.start) == (13, 1, -6)


def test_concatenation_along_channels_keeps_channels_apart():
    def forward(m, x):
        both = torch.cat([m.wide(x), m.narrow(x)], 1)
        return both[:, 1:]  # the narrow one again

    row = rows(Does(forward, wide=conv(9, padding=4), narrow=conv(3, padding=1)), (1, 1, 40))
    assert row.size == 3


def test_grouped_convolution_keeps_groups_apart():
    def forward(m, x):
        both = torch.cat([m.wide(x), m.narrow(x)], 1)
        return m.grouped(both)[:, 1:]

    layers = {"wide": conv(9, padding=4), "narrow": conv(3, padding=1), "grouped": nn.Conv1d(2, 2, 3, groups=2)}
    assert rows(Does(forward, **layers), (1, 1, 40)).size == 5


def test_concatenation_along_the_axis():
    model = Does(lambda m, x: torch.cat([x, m.a(x)], -1), a=conv(3, padding=1))
    found = intervals(model, (1, 1, 4))
    assert found == [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 2), (1, 3), (2, 3)]


def test_flip_slice_roll_repeat_and_pad():
    assert intervals(Does(lambda m, x: x.flip(-1)), (1, 1, 3)) == [(2, 2), (1, 1), (0, 0)]
    assert intervals(Does(lambda m, x: x[..., 1::2]), (1, 1, 6)) == [(1, 1), (3, 3), (5, 5)]
    assert intervals(Does(lambda m, x: x.roll(1, 2)), (1, 1, 3)) == [(2, 2), (0, 0), (1, 1)]
    assert intervals(Does(lambda m, x: x.repeat(1, 2, 2)), (1, 1, 2)) == [(0, 0), (1, 1), (0, 0), (1, 1)]
    assert intervals(Does(lambda m, x: functional.pad(x, (1, -1))), (1, 1, 3)) == [(0, -1), (0, 0), (1, 1)]
    assert intervals(Does(lambda m, x: x[:, :, [2, 0]]), (1, 1, 3)) == [(2, 2), (0, 0)]
    assert intervals(Does(lambda m, x: x.index_select(2, torch.tensor([1]))), (1, 1, 3)) == [(1, 1)]
    row = rows(Does(lambda m, x: x.flip(-1)), (1, 1, 30))
    assert (row.jump, row.size) == (-1, 1)


def test_permuted_axes_are_followed():
    result = receptive_field(Does(lambda m, x: x.permute(0, 3, 2, 1)), (1, 2, 5, 7))
    assert [one.output_axis for one in result.output.axes] == [2, 1]
    assert [len(one.lo) for one in result.output.axes] == [5, 7]


def test_reshape_into_patches():
    # 8x8 into 4 patches of 4x4, each row of 2 patches: rows 0..3 and 4..7
    model = Does(lambda m, x: m.embed(x).flatten(2).transpose(1, 2), embed=nn.Conv2d(1, 3, 4, stride=4))
    assert intervals(model, (1, 1, 8, 8)) == [(0, 3), (0, 3), (4, 7), (4, 7)]
    assert intervals(model, (1, 1, 8, 8), 1) == [(0, 3), (4, 7), (0, 3), (4, 7)]


def test_flatten_and_linear_see_everything():
    result = receptive_field(LeNet(), (1, 1, 28, 28))
    assert all(one.pattern == "whole axis" and one.size == 28 for one in result.output.axes)
    # 5, 6 (jump 2), 14, 16 (jump 4)
    sizes = [result.layer(f"features.{place}").axes[0].size for place in range(6)]
    assert sizes == [5, 5, 6, 14, 14, 16]


def test_linear_on_positions_is_local():
    model = Does(lambda m, x: m.a(x.transpose(1, 2)).transpose(1, 2), a=nn.Linear(3, 5))
    row = rows(model, (1, 3, 20))
    assert (row.size, row.jump) == (1, 1)


def test_squeeze_and_excite_sees_the_whole_axis():
    model = Does(lambda m, x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)))
    assert rows(model, (1, 2, 6, 9), 1).pattern == "whole axis"


@pytest.mark.parametrize(
    "model",
    [
        nn.Softmax(-1), nn.LayerNorm(6), nn.InstanceNorm1d(2), nn.GroupNorm(1, 2),
        Does(lambda m, x: x - x.mean(2, True)),
        Does(lambda m, x: x @ x.transpose(1, 2) @ x), Does(lambda m, x: functional.normalize(x, dim=2)),
        Does(lambda m, x: torch.einsum("ncl,ndl->nd", x, x)), Does(lambda m, x: x.max(2).values),
    ],
)  # fmt: skip
def test_operators_that_read_the_whole_axis(model):
    assert rows(model, (1, 2, 6)).pattern == "whole axis"


def test_batch_norm_is_elementwise_and_says_so_in_training():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    assert rows(model.eval(), (1, 1, 9, 9)).size == 3
    assert receptive_field(model.eval(), (1, 1, 9, 9)).caveats == ()
    result = receptive_field(model.train(), (1, 1, 9, 9))
    assert result.output.axes[0].size == 3
    assert "training mode" in result.caveats[0]


def test_causal_attention_and_recurrence_see_the_past():
    def forward(m, x):
        return functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    past = [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert intervals(Does(forward), (1, 4, 3), axes=(1,)) == past
    assert intervals(nn.GRU(3, 2, num_layers=2, batch_first=True), (1, 4, 3), axes=(1,)) == past
    assert intervals(nn.LSTM(3, 2, bidirectional=True), (4, 1, 3), axes=(0,)) == [(0, 3)] * 4
    assert intervals(Does(lambda m, x: x.cumsum(1)), (1, 4, 3), axes=(1,)) == past
    halves = Does(lambda m, x: m.a(x)[0][..., 2:], a=nn.LSTM(3, 2, bidirectional=True))
    assert intervals(halves, (4, 1, 3), axes=(0,)) == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_attention_sees_all_positions():
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    assert rows(model, (2, 5, 8), axes=(1,)).pattern == "whole axis"


def test_three_dimensions_and_pixel_shuffle():
    result = receptive_field(nn.Conv3d(1, 1, (1, 2, 3)), (1, 1, 9, 9, 9))
    assert [one.size for one in result.output.axes] == [1, 2, 3]
    row = rows(nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2)), (1, 1, 9, 9))
    assert (row.phase_sizes, row.jump) == ((3, 3), Fraction(1, 2))
    row = rows(nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 4, 3)), (1, 1, 20, 20))
    assert (row.size, row.jump) == (6, 2)


def test_bilinear_upsampling_reads_neighbours_with_weight():
    found = intervals(nn.Upsample(scale_factor=2, mode="bilinear"), (1, 1, 3, 3))
    assert found == [(0, 0), (0, 1), (0, 1), (1, 2), (1, 2), (2, 2)]
    corners = nn.Upsample(size=(5, 5), mode="bilinear", align_corners=True)
    assert intervals(corners, (1, 1, 3, 3)) == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]


def test_in_place_writing_into_slices():
    def forward(m, x):
        out = torch.zeros(x.shape)
        out[..., :2] = x[..., 1:3]
        return out

    assert intervals(Does(forward), (1, 1, 4)) == [(1, 1), (2, 2), (0, -1), (0, -1)]

    def through_a_view(m, x):
        x = x * 1
        first = x[..., 0]
        x[..., 0] += x[..., 3]
        return torch.stack([first, x[..., 1]], -1)

    assert intervals(Does(through_a_view), (1, 1, 4)) == [(0, 3), (1, 1)]


def test_unknown_operators_are_upper_bounds_and_named():
    result = receptive_field(Does(lambda m, x: torch.fft.fft(x).real), (1, 1, 6))
    assert result.output.axes[0].pattern == "whole axis"
    assert any("upper bound" in caveat for caveat in result.caveats)


# ------------------------------------------------------------------ laws

LAYERS = st.one_of(
    st.builds(
        lambda kernel, stride, padding, dilation: conv(kernel, stride=stride, padding=padding, dilation=dilation),
        st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3),
    ),
    st.builds(
        lambda kernel, stride, padding, mode: conv(kernel, stride=stride, padding=padding, padding_mode=mode),
        st.integers(1, 4), st.integers(1, 2), st.integers(1, 2), st.sampled_from(["circular", "reflect", "replicate"]),
    ),
    st.builds(
        lambda kernel, stride, dilation: nn.ConvTranspose1d(1, 1, kernel, stride=stride, dilation=dilation),
        st.integers(1, 4), st.integers(1, 4), st.integers(1, 2),
    ),
    st.builds(
        lambda kernel, stride, ceil, kind: kind(kernel, stride, ceil_mode=ceil, padding=kernel // 2),
        st.integers(1, 4), st.integers(1, 3), st.booleans(), st.sampled_from([nn.MaxPool1d, nn.AvgPool1d]),
    ),
    st.builds(lambda size: nn.AdaptiveAvgPool1d(size), st.integers(1, 6)),
    st.builds(
        lambda size, mode: nn.Upsample(size=size, mode=mode),
        st.integers(1, 15), st.sampled_from(["nearest", "linear", "nearest-exact"]),
    ),
    st.builds(lambda: Does(lambda m, x: x.flip(-1))),
    st.builds(lambda: Does(lambda m, x: torch.cat([x, x.roll(1, -1)], -1))),
)  # fmt: skip


@hypothesis.given(st.lists(LAYERS, min_size=1, max_size=3), st.integers(6, 14))
@hypothesis.settings(max_examples=60, derandomize=True, deadline=None)
def test_intervals_are_the_support_of_gradients(layers, size):
    model = nn.Sequential(*layers)
    try:
        model(torch.zeros(1, 1, size))
    except RuntimeError:  # kernels larger than what is left of the input
        hypothesis.reject()
    assert_gradients_agree(model, (1, 1, size))


@hypothesis.given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=4
    )
)
@hypothesis.settings(max_examples=40, derandomize=True, deadline=None)
def test_chains_follow_the_recurrence(chain):
    """Araujo et al., equations 1 to 3: size += (span - 1) jump, start -= padding * jump, jump *= stride."""
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in chain:
        size, start = size + dilation * (kernel - 1) * jump, start - padding * jump
        jump *= stride
    layers = [conv(kernel, stride=s, padding=p, dilation=d) for kernel, s, p, d in chain]
    row = rows(nn.Sequential(*layers), (1, 1, 500))
    assert (row.size, row.jump, row.start, row.pattern) == (size, jump, start, "affine")


# ------------------------------------------------------------------ known networks, measurement, call paths


def test_published_size_of_vgg():
    # Araujo et al.: 212 positions after the last pooling of VGG-16, 196 before it
    result = receptive_field(lambda: vgg(16, width=1), (1, 3, 224, 224))
    field = result.layer("features").axes[0]
    assert (field.size, field.jump, field.start) == (212, 32, -90)


def test_size_is_that_of_the_pattern_on_inputs_smaller_than_it():
    result = receptive_field(vgg(16, width=1, side=32), (1, 3, 32, 32))
    field = result.layer("features").axes[0]
    assert (field.size, field.largest, field.jump) == (212, 32, 32)


MEASURED = {
    "lenet": (LeNet(), (1, 1, 28, 28)),
    "pool": (PoolUpsampleNet(3, in_channels=1, filters=2, colours=2), (1, 1, 16, 16)),
    "strided": (StridedTransposedNet(4, in_channels=1, filters=2, colours=2), (1, 1, 16, 12)),
    "unet": (UNet(5, in_channels=1, filters=2, colours=2), (1, 1, 16, 16)),
    "inception": (NaiveInception(2, ones=1, threes=1, fives=1), (1, 2, 9, 8)),
    "attention": (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (1, 5, 4)),
    "dilated pool": (nn.MaxPool2d(2, 1, dilation=3), (1, 1, 9, 9)),
    "adaptive": (nn.AdaptiveMaxPool2d((3, 2)), (1, 1, 7, 9)),
    "bilinear": (nn.Upsample(scale_factor=1.7, mode="bilinear"), (1, 1, 6, 7)),
    "bicubic": (nn.Upsample(size=(9, 5), mode="bicubic"), (1, 1, 6, 7)),
    "nearest exact": (nn.Upsample(size=(9, 5), mode="nearest-exact"), (1, 1, 6, 7)),
    "in place": (nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(inplace=True), nn.Conv1d(2, 1, 3)), (1, 1, 9)),
}


@pytest.mark.parametrize("name", MEASURED)
def test_gradients_agree(name):
    model, size = MEASURED[name]
    result = receptive_field(model, size, measured=True)
    assert result.measurement is not None
    assert result.measurement.disagreements == ()
    assert result.measurement.positions > 0
    assert "gradients agree in all" in result.headline()


def test_gradients_disagree_where_the_interval_is_an_upper_bound():
    model = nn.Sequential(nn.Conv1d(1, 1, 3), Does(lambda m, x: x.gather(2, torch.zeros(1, 1, 2, dtype=torch.long))))
    result = receptive_field(model, (1, 1, 8), measured=True)
    assert result.measurement is not None
    wrong = result.measurement.disagreements[0]
    assert (wrong.path, wrong.output_index, wrong.computed, wrong.measured) == ("", 0, (0, 7), (0, 2))
    assert "gradients disagree first in the model" in result.headline()


def test_paths_of_calls():
    shared = nn.Conv1d(1, 1, 3, padding=1)
    model = nn.Sequential(nn.Sequential(shared), nn.Sequential(shared, shared))
    result = receptive_field(model, (1, 1, 30))
    leaves = [(one.path, one.call, one.axes[0].size) for one in result.layers if one.is_leaf]
    assert leaves == [("0.0", 1, 3), ("1.0", 1, 5), ("1.0", 2, 7)]
    assert result.layer("1.0", call=2).axes[0].size == 7
    with pytest.raises(InputError, match=r"expected one of 0, 0\.0, 1"):
        result.layer("2")


def test_second_input_is_not_followed():
    model = nn.Bilinear(9, 9, 5)
    result = receptive_field(model, inputs=(torch.zeros(2, 9), torch.zeros(2, 9)))
    assert result.output.axes[0].pattern == "whole axis"
    assert "only the first input is followed" in result.caveats


def test_cpu_runs_models_that_look_at_values():
    model = Does(lambda m, x: m.a(x) if x.sum() * 0 == 0 else x, a=conv(3))
    with pytest.raises(ModelError, match='pass device="cpu"'):
        receptive_field(model, (1, 1, 9))
    assert rows(model, (1, 1, 9), device="cpu").size == 3


def test_integer_inputs():
    model = Does(lambda m, x: m.b(m.a(x).transpose(1, 2)), a=nn.Embedding(10, 4), b=nn.Conv1d(4, 2, 3))
    row = receptive_field(model, inputs=torch.zeros(1, 12, dtype=torch.long)).output.axes[0]
    assert (row.size, row.output_axis) == (3, 2)
    result = receptive_field(model, inputs=torch.zeros(1, 12, dtype=torch.long), measured=True)
    assert result.measurement is None
    assert "not measured: there are no gradients with respect to integers" in result.caveats


def test_loops_over_positions_are_not_enlarged():
    def forward(m, x):
        state = torch.zeros(1, 2)
        for place in range(x.shape[1]):
            state = m.cell(x[:, place], state)
        return state

    model = Does(forward, cell=nn.GRUCell(3, 2))
    result = receptive_field(model, (1, 20, 3), axes=(1,))
    assert result.output.axes[0].pattern == "whole axis"
    assert [one.axes[0].largest for one in result.layers if one.path == "cell"] == list(range(1, 21))


def test_maps_too_large_to_keep_are_hulls_and_say_so():
    # 2304 x 2304 scores, each of which sees two places: 5.3 million intervals
    model = Does(lambda m, x: x[:, :, None] - x[:, None])
    result = receptive_field(model, (1, 2304, 1), axes=(1,))
    assert result.output.axes[0].pattern == "whole axis"
    assert any("replaced by its hull" in caveat for caveat in result.caveats)


# ------------------------------------------------------------------ the caller's module, errors, the result


def state_of(model):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
    modes = [m.training for m in model.modules()]
    tensors = {name: (id(one), one.clone()) for name, one in model.state_dict(keep_vars=True).items()}
    return hooks, modes, tensors, torch.get_rng_state()


def assert_same(before, after):
    assert before[:2] == after[:2]
    assert torch.equal(before[3], after[3])
    assert before[2].keys() == after[2].keys()
    for name, (identity, value) in before[2].items():
        assert identity == after[2][name][0]
        assert torch.equal(value, after[2][name][1])


@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("device", ["meta", "cpu"])
@pytest.mark.parametrize("size", [(2, 3, 12, 12), (2, 4, 12, 12)])  # the second raises half-way
def test_the_model_comes_back_untouched(measured, device, size):
    model = nn.Sequential(nn.BatchNorm2d(size[1]), nn.Dropout(0.5), nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).train()
    model[3].eval()
    before = state_of(model)
    if size[1] == 3:
        receptive_field(model, size, device=device, measured=measured)
    else:
        with pytest.raises(ModelError, match=r"receptive_field: .* in 2 \(Conv2d"):
            receptive_field(model, size, device=device, measured=measured)
    assert_same(before, state_of(model))
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_refuses_axes_that_the_input_lacks():
    with pytest.raises(InputError, match="axes of an input with 3 axes"):
        receptive_field(conv(3), (1, 1, 9), axes=(3,))
    with pytest.raises(InputError, match="at least one index per followed axis"):
        receptive_field(nn.ReLU(), (1, 1, 0))


def test_result_is_a_result():
    result = receptive_field(PoolUpsampleNet(3, in_channels=1, filters=2, colours=2), (1, 1, 16, 16), measured=True)
    again = ReceptiveField.from_dict(result.to_dict())
    assert again.to_dict() == result.to_dict()
    assert again.output.axes[0].jump == Fraction(1)
    assert np.array_equal(again.output.axes[0].lo, result.output.axes[0].lo)
    frame = result.to_frame()
    assert len(frame) == 2 * len(result.layers)
    assert {"size_positions", "jump_positions", "largest_positions"} <= set(frame.columns)
    assert "\n" not in result.headline()
    ax = result.plot(Figure().subplots())
    assert len(ax.patches) == 2 * sum(one.is_leaf for one in result.layers)
    assert ax.get_xlabel().endswith("(index)")


def test_flat_inputs_follow_their_only_axis():
    result = receptive_field(nn.Linear(5, 2), (1, 5))
    assert result.output.axes[0].pattern == "whole axis"
    assert len(result.output.axes[0].lo) == 2


def test_constants_see_nothing():
    result = receptive_field(Does(lambda m, x: torch.ones_like(x)), (1, 1, 4))
    assert (result.output.axes[0].pattern, result.output.axes[0].size) == ("nothing", 0)
