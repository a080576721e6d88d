import copy

import pytest
import torch
from tolerances import ALGEBRA, EXACT
from torch import nn

from leadline.training import Recipe, train
from leadline.training.quick_layers import QuickBatchNorm2d, QuickConvTranspose2d, quicken

FLOAT32, BFLOAT16 = 1e-5, 2**-6


def pair(channels, dtype=torch.float64, **options):
    """Torch's layer, and ours with the same numbers."""
    torch.manual_seed(0)
    theirs = nn.BatchNorm2d(channels, dtype=torch.promote_types(dtype, torch.float32), **options)
    with torch.no_grad():
        theirs.weight.uniform_(0.5, 2)
        theirs.bias.normal_()
    ours = copy.deepcopy(theirs)
    quicken(ours)
    assert type(ours) is QuickBatchNorm2d
    return theirs, ours


def images(channels, dtype=torch.float64, layout=torch.channels_last, width=32):
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(5, channels, 3, width, generator=generator, dtype=torch.float64)
    return (2 + drawn).to(dtype).contiguous(memory_format=layout)


def everything(layer, inputs):
    """Output, gradients and running moments."""
    leaf = inputs.clone().requires_grad_()
    output = layer(leaf)
    error = torch.linspace(-1, 1, leaf.numel()).sin().bfloat16().to(leaf.dtype).view_as(leaf)
    gradients = torch.autograd.grad(output, [leaf, layer.weight, layer.bias], error)
    return [output.detach(), *gradients, layer.running_mean, layer.running_var, layer.num_batches_tracked]


@pytest.mark.parametrize("channels", [1, 3, 24, 25, 32])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("training", [True, False])
def test_the_numbers_are_torchs(channels, layout, training):
    theirs, ours = (layer.train(training) for layer in pair(channels, momentum=0.3))
    for width in (32, 7):
        found, true = (everything(layer, images(channels, layout=layout, width=width)) for layer in (ours, theirs))
        torch.testing.assert_close(found, true, rtol=ALGEBRA, atol=ALGEBRA)
        assert found[0].stride() == true[0].stride()


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, FLOAT32), (torch.bfloat16, BFLOAT16)])
def test_sums_of_fewer_bits_are_taken_in_float32(dtype, rounding):
    # Torch's own layer adds up a bias' gradient of bfloat16 errors in bfloat16.
    theirs, ours = pair(24, dtype)
    inputs = images(24, dtype)
    found, true = everything(ours, inputs), everything(theirs.double(), inputs.double())
    for mine, its, tolerance in zip(found, true, [rounding] * 2 + [FLOAT32] * 5, strict=True):
        torch.testing.assert_close(mine.to(its.dtype), its, rtol=tolerance, atol=tolerance * float(its.abs().max()))


@pytest.mark.parametrize("kind", [nn.BatchNorm2d, nn.ConvTranspose2d])
def test_gradients_can_be_differentiated_again(kind):
    layer = nn.BatchNorm2d(3) if kind is nn.BatchNorm2d else nn.ConvTranspose2d(3, 2, 2)
    layer = layer.double()
    quicken(layer)
    layer.weight.requires_grad_(False)
    inputs = torch.randn(2, 3, 2, 32, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    assert torch.autograd.gradgradcheck(lambda x: layer(x).sin(), inputs.requires_grad_(), fast_mode=True)


def test_single_images_are_torchs():
    theirs = nn.ConvTranspose2d(3, 2, 3, dtype=torch.float64)
    ours = copy.deepcopy(theirs)
    quicken(ours)
    found, true = (layer(images(3)[0]).square().sum() for layer in (ours, theirs))
    gradients = (
        torch.autograd.grad(found, list(ours.parameters())),
        torch.autograd.grad(true, list(theirs.parameters())),
    )
    torch.testing.assert_close(*gradients, rtol=EXACT, atol=EXACT)


def test_a_running_average_of_all_batches_stays_torchs():
    theirs, ours = pair(3, momentum=None)
    for layer in (theirs, ours):
        layer(images(3))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=EXACT, atol=EXACT)


def test_without_scale_or_running_moments_it_is_torchs():
    for options in ({"affine": False}, {"track_running_stats": False}):
        theirs = nn.BatchNorm2d(3, **options, dtype=torch.float64)
        ours = copy.deepcopy(theirs)
        quicken(ours)
        torch.testing.assert_close(ours(images(3)), theirs(images(3)), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"stride": 2, "padding": 1, "output_padding": 1}])
def test_transposed_convolutions_are_torchs(layout, options):
    torch.manual_seed(0)
    theirs = nn.ConvTranspose2d(3, 2, 3, **options, dtype=torch.float64)
    ours = copy.deepcopy(theirs)
    quicken(ours)
    assert type(ours) is QuickConvTranspose2d
    inputs = images(3, layout=layout).requires_grad_()
    found, true = (layer(inputs) for layer in (ours, theirs))
    error = torch.linspace(-1, 1, true.numel(), dtype=true.dtype).view_as(true)
    torch.testing.assert_close(found, true, rtol=EXACT, atol=EXACT)
    gradients = [
        torch.autograd.grad(outputs, [inputs, *layer.parameters()], error)
        for outputs, layer in ((found, ours), (true, theirs))
    ]
    torch.testing.assert_close(*gradients, rtol=ALGEBRA, atol=ALGEBRA)
    with torch.no_grad():
        torch.testing.assert_close(ours(inputs), true.detach(), rtol=EXACT, atol=EXACT)


def test_only_torchs_own_layers_are_changed():
    class Mine(nn.BatchNorm2d):
        pass

    others = nn.Sequential(Mine(2), nn.BatchNorm1d(2), nn.ConvTranspose1d(2, 2, 3))
    kinds = [type(layer) for layer in others]
    quicken(others)
    assert [type(layer) for layer in others] == kinds


def test_training_in_channels_last_leaves_the_callers_model_plain():
    model = nn.Sequential(
        nn.ConvTranspose2d(1, 3, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(3 * 64, 2),
    ).double()  # fmt: skip
    data = torch.randn(8, 1, 8, 8, dtype=torch.float64), torch.arange(8) % 2
    losses = [
        train(model, data, Recipe(lr=0.1, steps=4, batch_size=4, channels_last=last)).history.loss
        for last in (True, False)
    ]
    torch.testing.assert_close(*losses, rtol=ALGEBRA, atol=ALGEBRA)
    assert (type(model[0]), type(model[3])) == (nn.ConvTranspose2d, nn.BatchNorm2d)


def test_models_in_bfloat16_as_a_whole():
    torch.manual_seed(0)
    images = torch.randn(4, 24, 8, 32).bfloat16().contiguous(memory_format=torch.channels_last)
    quick, plain = QuickBatchNorm2d(24).bfloat16(), nn.BatchNorm2d(24).bfloat16()
    assert torch.equal(quick(images), plain(images))
    assert all(map(torch.equal, quick.buffers(), plain.buffers()))
