import pytest
import torch

from leadline.models import PoolUpsampleNet, StridedTransposedNet, UNet

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


def test_skip_connections_carry_the_grey_input_to_the_last_convolution():
    model = UNet(1, in_channels=1, filters=2, colours=2).eval()
    grey = torch.zeros(1, 1, 4, 4, requires_grad=True)
    # kernels of side 1: without the skip, the odd pixels of the input would reach no output
    (gradient,) = torch.autograd.grad(model(grey).sum(), grey)
    assert gradient.count_nonzero() == 16
