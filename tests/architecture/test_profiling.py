from typing import Any

import pytest
import torch
import torch.nn.functional as F
from architecture.networks import NETWORKS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from leadline.architecture import Convention, Profile, profile
from leadline.architecture.profiles import Cost, total
from leadline.core import InputError, ModelError, UncountedError

DEVICES = ("meta", "cpu")


def profiled(name, device="meta", **options):
    network = NETWORKS[name]
    torch.manual_seed(0)
    return profile(network.build(), inputs=network.inputs(), kwargs=network.kwargs(), device=device, **options)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NETWORKS)
def test_macs_are_those_derived_by_hand(name, device):
    result = profiled(name, device, strict=True)
    assert result.macs == NETWORKS[name].macs
    assert not result.caveats


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "vgg19"])
def test_meta_and_cpu_agree(name):
    meta, cpu = profiled(name), profiled(name, "cpu")
    quantities = ("parameters", "trainable", "activations", "activation_bytes", "connections", "macs", "flops")
    assert {q: getattr(meta, q) for q in quantities} == {q: getattr(cpu, q) for q in quantities}
    assert meta.peak_bytes == cpu.peak_bytes
    if name not in ("gru", "lstm", "encoder layer, eval"):  # the CPU's fused kernels there keep other things
        assert meta.saved_bytes == cpu.saved_bytes


# What torch's own counter misses on meta: a matrix times a vector.
@pytest.mark.parametrize("name", [name for name in NETWORKS if "mv" not in name])
def test_the_dispatch_level_beneath_agrees(name):
    network = NETWORKS[name]
    with torch.device("meta"):
        model = network.build()
    inputs, kwargs = network.inputs(), network.kwargs()
    positional = [inputs.to("meta")] if isinstance(inputs, torch.Tensor) else []
    with FlopCounterMode(display=False) as counter:
        model(*positional, **{key: value.to("meta") for key, value in kwargs.items()})
    assert counter.get_total_flops() == 2 * NETWORKS[name].macs


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_add_up_to_the_totals(name):
    result = profiled(name)
    assert total(row.own for row in result.modules) == result.totals
    by_operator = total(row.own for row in result.operators)
    for quantity in ("macs", "flops", "activations", "activation_bytes", "connections"):
        assert getattr(by_operator, quantity) == getattr(result, quantity)
    for depth in range(3):
        frame = result.to_frame(depth=depth)
        assert sum(frame["macs"]) == result.macs
        assert sum(frame["parameters"]) == result.parameters
        assert max(frame["depth"]) <= depth


def paths(result):
    return {row.path: row.own.macs for row in result.modules}


def test_paths_of_calls():
    assert paths(profiled("linear under two parents")) == {
        "": 0, "a": 0, "a.shared": 4 * 64 * 64, "b": 0, "b.shared": 4 * 64 * 64,
    }  # fmt: skip
    assert [row.calls for row in profiled("linear in a loop").modules] == [1, 3]
    recursive = paths(profiled("recursion"))
    assert [path for path, macs in recursive.items() if macs] == [
        "linear", "(itself).linear", "(itself).(itself).linear",
    ]  # fmt: skip
    assert list(recursive.values()).count(16) == 3


def test_shared_parameters_count_once():
    tied = profiled("tied embedding")
    assert tied.parameters == 64_000
    assert tied.shared == (("embedding.weight", "head.weight"),)
    assert profiled("linear under two parents").parameters == 64 * 64 + 64
    one, other = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    other.weight = nn.Parameter(one.weight.data)
    assert profile(nn.Sequential(one, other), input_size=(1, 4)).parameters == 16


def test_weights_biases_and_frozen_parameters():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2, bias=False))
    net[0].weight.requires_grad_(False)
    result = profile(net, input_size=(5, 3))
    assert (result.weights, result.biases, result.trainable) == (12 + 4 + 8, 4 + 4, 4 + 8 + 8)
    assert result.parameter_bytes == 4 * (24 + 8)
    assert result.buffers == 4 + 4 + 1
    bare = profile(net, input_size=(5, 3), convention=Convention(biases=False, normalization=False))
    assert (bare.parameters, bare.biases) == (12 + 8, 0)


def test_modules_that_are_not_called_are_listed():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 5)

        def forward(self, x):
            return self.used(x)

    result = profile(Half(), input_size=(1, 2))
    assert result.uncalled == ("unused",)
    assert result.parameters == 6 + 15


def test_activations_and_peak_by_hand():
    net = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    result = profile(net, input_size=(2, 10))
    assert result.activations == 2 * (20 + 20 + 5)
    # the input is the caller's and stays; at the activation both the linear output and its copy are alive
    assert result.peak_bytes == 4 * 2 * (10 + 20 + 20)
    in_place = nn.Sequential(nn.Linear(10, 20), nn.ReLU(inplace=True), nn.Linear(20, 5))
    assert profile(in_place, input_size=(2, 10)).activations == 2 * (20 + 5)


def test_saved_for_backward_is_what_autograd_keeps():
    net = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    # the input of each linear map (its weight gradient) and the output of the activation, which is the second's input
    assert profile(net, input_size=(2, 10)).saved_bytes == 4 * 2 * (10 + 20)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    assert profile(net, input_size=(2, 10)).saved_bytes == 0


def test_types_follow_the_model():
    half = profile(nn.Linear(10, 20).half(), input_size=(2, 10))
    assert (half.parameter_bytes, half.activation_bytes) == (2 * 220, 2 * 40)


def test_connections_are_per_example():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(2), nn.Upsample(scale_factor=2))
    everything = Convention(connects=("convolution", "pooling", "normalization", "upsampling"))
    for batch in (1, 6):
        result = profile(net, input_size=(batch, 1, 8, 8), convention=everything)
        assert result.connections == 64 * 9 * 2 + 16 * 2 * 4 + 16 * 2 + 64 * 2


def test_convention_chooses_outputs_and_inputs():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    chosen = Convention(outputs=("convolution", "pooling"), inputs=True)
    assert profile(net, input_size=(1, 1, 8, 8), convention=chosen).activations == 64 + 128 + 32


@pytest.mark.parametrize(
    ("operation", "shapes", "macs"),
    [
        (lambda a, b: torch.dot(a, b), [(5,), (5,)], 5),
        (lambda a, b: torch.mv(a, b), [(3, 5), (5,)], 15),
        (lambda a, b: torch.outer(a, b), [(3,), (5,)], 15),
        (lambda a, b: torch.cdist(a, b), [(3, 5), (4, 5)], 60),
        (lambda a, b, c: torch.addmv(a, b, c), [(3,), (3, 5), (5,)], 15),
        (lambda a, b, c: torch.baddbmm(a, b, c), [(2, 3, 4), (2, 3, 5), (2, 5, 4)], 120),
        (lambda a, b: torch.tensordot(a, b, dims=1), [(3, 5), (5, 4)], 60),
        (lambda a, b: torch.einsum("ij,kj->ik", a, b), [(3, 5), (4, 5)], 60),
        (lambda a, w: F.bilinear(a, a, w), [(2, 3), (4, 3, 3)], 2 * 4 * (9 + 3)),
        (lambda a, w: F.conv2d(a, w, padding="same"), [(1, 3, 8, 8), (4, 3, 4, 4)], 64 * 4 * 48),
        (lambda a, w: F.conv2d(a, w, dilation=2, groups=2), [(1, 4, 9, 9), (6, 2, 3, 3)], 25 * 6 * 18),
        (lambda a, w: F.conv2d(a, w), [(3, 8, 8), (8, 3, 3, 3)], 36 * 8 * 27),  # without a batch
        (lambda a, w: F.conv_transpose2d(a, w, padding=1, groups=4), [(1, 8, 6, 6), (8, 2, 3, 3)], 8 * 36 * 18),
        (lambda a, w: F.conv1d(a, w, stride=2), [(2, 3, 9), (4, 3, 3)], 2 * 4 * 4 * 9),
        (lambda a, w: F.conv3d(a, w), [(1, 1, 4, 4, 4), (2, 1, 2, 2, 2)], 27 * 2 * 8),
        (lambda a, w: F.scaled_dot_product_attention(a, w, w), [(2, 4, 7, 8), (2, 4, 9, 8)], 2 * 4 * 7 * 9 * 16),
    ],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_bare_operators(operation, shapes, macs):
    class Bare(nn.Module):
        def forward(self, *inputs):
            return operation(*inputs)

    for device in DEVICES:
        assert profile(Bare(), input_size=shapes, device=device, strict=True).macs == macs


def test_recurrent_variants_against_unrolled_cells():
    for module, cell, gates in ((nn.GRU, nn.GRUCell, 3), (nn.LSTM, nn.LSTMCell, 4), (nn.RNN, nn.RNNCell, 1)):
        whole = profile(module(6, 10, batch_first=True), input_size=(2, 7, 6)).macs
        one_step = profile(cell(6, 10), input_size=(2, 6)).macs
        assert whole == 7 * one_step == 7 * 2 * gates * 10 * 16
    projected = profile(nn.LSTM(6, 10, proj_size=4), input_size=(7, 2, 6))
    assert projected.macs == 14 * (40 * 6 + 40 * 4 + 4 * 10)
    assert projected.modules[0].output_shapes[0] == (7, 2, 4)


def test_packed_sequences_count_their_rows():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(6, 10)

        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([7, 4, 2]))
            return self.rnn(packed)[1]

    assert profile(Packed(), input_size=(7, 3, 6), device="cpu").macs == (7 + 4 + 2) * 3 * 10 * 16


def test_values_of_constants_and_buffers_can_be_read_on_meta():
    class Constants(nn.Module):
        scale: torch.Tensor

        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.tensor(2.0))

        def forward(self, x):
            width = int(torch.arange(4).max())
            return x[..., torch.arange(5) < width] * float(self.scale)

    result = profile(Constants(), input_size=(2, 5))
    assert result.modules[0].output_shapes == ((2, 3),)


def test_factory_is_built_on_meta_and_large_models_cost_nothing():
    result = profile(lambda: nn.Linear(200_000, 200_000), input_size=(1, 200_000))
    assert result.parameters == 200_000 * 200_001  # 160 GB, had it been allocated


def test_lazy_modules_in_a_factory():
    assert profile(lambda: nn.Sequential(nn.LazyLinear(5)), input_size=(2, 3)).parameters == 20
    with pytest.raises(InputError, match="lazy parameters"):
        profile(nn.LazyLinear(5), input_size=(2, 3))


def test_a_forward_that_differentiates():
    class Force(nn.Module):
        def __init__(self):
            super().__init__()
            self.energy = nn.Linear(3, 1)

        def forward(self, x):
            x = x.detach().requires_grad_()
            with torch.enable_grad():
                return torch.autograd.grad(self.energy(x).sum(), x)[0]

    assert profile(Force(), input_size=(2, 3), device="cpu").macs >= 6


class Unknown(nn.Module):
    def forward(self, x):
        return torch.linalg.qr(x)[0]


def test_operators_without_a_rule_are_listed():
    result = profile(Unknown(), input_size=(3, 3))
    assert list(result.uncounted) == ["aten.linalg_qr.default"]
    assert "lower bounds" in result.headline() + result.caveats[0]
    with pytest.raises(UncountedError, match="linalg_qr"):
        profile(Unknown(), input_size=(3, 3), strict=True)


def test_round_trip_and_picture():
    result = profiled("encoder layer, eval")
    again = Profile.from_dict(result.to_dict())
    assert again.to_dict() == result.to_dict()
    assert again.totals == result.totals
    assert isinstance(again.modules[1].own, Cost)
    assert len(result.plot().patches) == 3 * len({row.path for row in result.modules if row.depth == 1 and any(
        (row.own.macs, row.own.parameters, row.own.activations))} | {""})  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
def test_a_model_that_raises_names_the_module(device):
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(5, 2)))
    with pytest.raises(ModelError, match=r"in 1\.0 \(Linear, given \(2, 4\)\)"):
        profile(net, input_size=(2, 4), device=device)


def test_meta_is_as_strict_as_a_real_device():
    with pytest.raises(ModelError, match="output padding"):
        profile(nn.ConvTranspose2d(1, 1, 3, stride=2, output_padding=2), input_size=(1, 1, 4, 4))
    with pytest.raises(ModelError, match="different types"):
        profile(nn.Linear(4, 4), inputs=torch.zeros(1, 4, dtype=torch.float64))


def test_values_on_meta_are_asked_for_in_words():
    class Branch(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ModelError, match='pass device="cpu"'):
        profile(Branch(), input_size=(2, 2))
    assert profile(Branch(), input_size=(2, 2), device="cpu").macs == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either input_size or inputs"),
        ({"input_size": (1, 2), "inputs": torch.zeros(1, 2)}, "got both"),
        ({"input_size": ("a", 2)}, "shapes of non-negative integers"),
    ],
)
@pytest.mark.usefixtures("types_unchecked")
def test_bad_calls(options, message):
    with pytest.raises(InputError, match=message):
        profile(nn.Linear(2, 2), **options)


@pytest.mark.usefixtures("types_unchecked")
def test_not_a_model():
    anything: Any = [nn.Linear(2, 2)]
    with pytest.raises(InputError, match=r"an nn\.Module or a callable"):
        profile(anything, input_size=(1, 2))
    anything = lambda: 3  # noqa: E731
    with pytest.raises(InputError, match=r"returns an nn\.Module"):
        profile(anything, input_size=(1, 2))
    anything = nn.Linear
    with pytest.raises(ModelError, match="without arguments"):
        profile(anything, input_size=(1, 2))
