import numpy as np
import pytest
import torch

from leadline.core import InputError
from leadline.models import PoolUpsampleNet, SteeredTables, StridedTransposedNet, UNet

FLOAT32 = 1e-5
NETS = {PoolUpsampleNet: 49_728, StridedTransposedNet: 49_728, UNet: 56_856}


@pytest.mark.parametrize("net", NETS)
def test_parameter_counts_of_the_course(net):
    model = net(3, in_channels=1, filters=32, colours=24)
    assert sum(parameter.numel() for parameter in model.parameters()) == NETS[net]


def test_parameters_follow_the_polynomial():
    kernel, inputs, filters, colours = 5, 2, 3, 4
    model = PoolUpsampleNet(kernel, in_channels=inputs, filters=filters, colours=colours)
    # convolution weights; biases F + 2F + F + C + C; batch norms twice F + 2F + F + C
    convolutions = kernel**2 * (inputs * filters + 4 * filters**2 + filters * colours + colours**2)
    expected = convolutions + (4 * filters + 2 * colours) + 2 * (4 * filters + colours)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("kernel", range(1, 8))
def test_every_kernel_keeps_the_image_size(net, kernel):
    model = net(kernel, in_channels=2, filters=3, colours=5)
    assert model(torch.zeros(2, 2, 16, 12)).shape == (2, 5, 16, 12)
    assert model.first(torch.zeros(2, 2, 16, 12)).shape == (2, 3, 8, 6)


def test_gradients_of_joined_channels_come_in_one_piece():
    model, layouts = UNet(3, in_channels=1, filters=2, colours=3), []
    for stage in (model.third, model.fourth):
        stage.register_full_backward_hook(lambda _, __, gradients: layouts.append(gradients[0].stride()))
    model(torch.zeros(2, 1, 8, 8)).sum().backward()
    assert layouts == [(3 * 64, 64, 8, 1), (2 * 16, 16, 4, 1)]  # with gaps, 4 and 4 channels from example to example


def test_skip_connections_carry_the_grey_input_to_the_last_convolution():
    model = UNet(1, in_channels=1, filters=2, colours=2).eval()
    grey = torch.zeros(1, 1, 4, 4, requires_grad=True)
    # kernels of side 1: without the skip, the odd pixels of the input would reach no output
    (gradient,) = torch.autograd.grad(model(grey).sum(), grey)
    assert gradient.count_nonzero() == 16


def small_tables(levels: int = 5) -> SteeredTables:
    return SteeredTables(3, in_channels=1, filters=2, colours=4, levels=levels, tables=3)


def test_the_tables_net_has_no_more_parameters_than_the_unet():
    model = SteeredTables(5, in_channels=1, filters=16, colours=24)
    assert sum(parameter.numel() for parameter in model.parameters()) <= NETS[UNet]


def test_hats_are_linear_interpolation():
    model = small_tables(levels=5)
    values = np.linspace(0, 1, 41)
    spread = model.spread(torch.tensor(values, dtype=torch.float32).view(1, 1, 1, -1))
    assert spread.shape == (1, 5, 1, 41)
    for level, hat in enumerate(spread[0, :, 0].numpy()):
        expected = np.interp(values, np.linspace(0, 1, 5), np.eye(5)[level])
        assert np.allclose(hat, expected, rtol=0, atol=FLOAT32)


def test_without_steering_the_scores_are_a_table_of_the_grey_value():
    model = small_tables(levels=5).eval()
    values = model.state_dict()
    for name in ("steering.weight", "steering.bias", "scores.bias"):
        values[name].zero_()
    grey = torch.rand(2, 1, 8, 8)
    unsteered = values["tables.weight"][3:, :, 0, 0] + values["tables.bias"][3:, None]  # colours, levels
    with torch.no_grad():
        found = model(grey).numpy()
    for colour in range(4):
        expected = np.interp(grey[:, 0].numpy(), np.linspace(0, 1, 5), unsteered[colour].numpy())
        assert np.allclose(found[:, colour], expected, rtol=0, atol=FLOAT32)


def test_the_surroundings_change_the_scores_of_a_pixel():
    model = small_tables().eval()
    dark, light = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    light[..., 8, 8] = 0.0
    assert not torch.allclose(model(dark)[..., 8, 8], model(light)[..., 8, 8])


@pytest.mark.parametrize("kernel", (1, 3, 5, 7))
def test_the_tables_net_keeps_the_image_size(kernel):
    model = SteeredTables(kernel, in_channels=2, filters=2, colours=5, levels=3, tables=4)
    assert model(torch.zeros(2, 2, 16, 12)).shape == (2, 5, 16, 12)


def test_an_even_depthwise_kernel_is_refused():
    with pytest.raises(InputError, match="expected an odd kernel, got 4; pass 3, 5 or 7"):
        SteeredTables(4, in_channels=1, filters=2, colours=5)
