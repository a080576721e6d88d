import pytest
import torch
from tolerances import ALGEBRA
from torch.nn.functional import cross_entropy

from leadline.studies import pixel_losses
from leadline.studies.pixel_losses import pixel_cross_entropy

GENERATOR = torch.Generator().manual_seed(0)
SCORES = torch.randn(3, 5, 4, 6, dtype=torch.float64, generator=GENERATOR)
LABELS = torch.randint(0, 5, (3, 4, 6), generator=GENERATOR)
FLOAT32, BFLOAT16 = 1e-6, 2**-8  # one rounding of it


def loss_and_gradient(loss, scores, factor=1.0):
    leaf = scores.detach().requires_grad_()
    value = loss(leaf, LABELS)
    return value, *torch.autograd.grad(factor * value, leaf)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [1.0, 30.0, 1e4], ids=["small", "at the edge", "needs its largest score"])
@pytest.mark.parametrize("at_once", [7, 1000])
def test_loss_and_gradient_are_torchs_on_images(monkeypatch, layout, size, at_once):
    monkeypatch.setattr(pixel_losses, "_PIXELS", at_once)
    scores = (size * SCORES).contiguous(memory_format=layout)
    for factor in (1.0, -0.5):
        value, gradient = loss_and_gradient(pixel_cross_entropy, scores, factor)
        true, slopes = loss_and_gradient(cross_entropy, scores, factor)
        assert value.item() == pytest.approx(true.item(), rel=ALGEBRA)
        torch.testing.assert_close(gradient, slopes, atol=ALGEBRA, rtol=ALGEBRA)
        assert gradient.is_contiguous(memory_format=layout)


@pytest.mark.parametrize(("dtype", "rounding"), [(torch.float32, FLOAT32), (torch.bfloat16, BFLOAT16)])
def test_fewer_bits_are_summed_in_float32(dtype, rounding):
    scores = SCORES.to(dtype).contiguous(memory_format=torch.channels_last)
    value, gradient = loss_and_gradient(pixel_cross_entropy, scores)
    true, slopes = loss_and_gradient(cross_entropy, scores.double())
    assert (value.dtype, gradient.dtype) == (torch.float32, dtype)
    assert value.item() == pytest.approx(true.item(), rel=FLOAT32)
    torch.testing.assert_close(gradient.double(), slopes, rtol=rounding, atol=rounding * float(slopes.abs().max()))


def test_what_is_not_finite_stays_so():
    for bad in (torch.nan, torch.inf):
        scores = SCORES.clone()
        scores[1, 2, 3, 4] = bad
        assert not pixel_cross_entropy(scores, LABELS).isfinite()


def test_without_gradients_and_second_derivatives():
    with torch.no_grad():
        assert pixel_cross_entropy(SCORES, LABELS).item() == pytest.approx(cross_entropy(SCORES, LABELS).item())
    leaf = SCORES.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda scores: pixel_cross_entropy(scores, LABELS), leaf)
