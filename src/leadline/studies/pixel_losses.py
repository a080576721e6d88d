"""Cross-entropy of images whose every pixel has a class, at the price of reading the scores a few times."""

from typing import Any

import torch
from jaxtyping import Float, Int

_PIXELS = 2**17  # at once: of fewer, starting a second thread for each pass costs more than the cache saves
_SAFE = 80.0  # logarithms within +- this are of numbers that neither overflow nor lose digits in float32


def pixel_cross_entropy(
    scores: Float[torch.Tensor, "n colours h w"], labels: Int[torch.Tensor, "n h w"]
) -> Float[torch.Tensor, ""]:
    """Cross-entropy over all pixels, in nats, in float32 for scores of fewer bits.

    Loss and gradient are computed together, in a few passes, in whichever order the scores lie in memory.
    Torch's own casts, normalizes, picks and scatters one whole batch after the other, and where channels are last it
    first moves every pixel's scores apart. Not for `torch.func`'s transforms.

    >>> scores = torch.tensor([[[[0.0, 2.0]], [[0.0, 0.0]]]])
    >>> pixel_cross_entropy(scores, torch.tensor([[[0, 0]]]))
    tensor(0.4100)
    """
    return _CrossEntropy.apply(scores, labels)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        gradient = torch.empty_like(scores) if scores.requires_grad else None
        pixels, colours, kind = labels.numel(), scores.shape[1], torch.promote_types(scores.dtype, torch.float32)
        total, down = scores.new_zeros((), dtype=torch.float64), scores.new_full((1,), -1 / pixels, dtype=kind)
        images = max(1, _PIXELS // labels[0].numel())
        with torch.autocast(scores.device.type, enabled=False):
            for start in range(0, len(scores), images):
                some = scores[start : start + images].movedim(1, -1)
                places = labels[start : start + images].flatten() + torch.arange(
                    0, some.numel(), colours, device=some.device
                )
                logs, shares = _shares(some, places, pixels, kind)
                total += logs.sum()
                if gradient is not None:
                    shares.view(-1).index_add_(0, places, down.expand(len(places)))
                    gradient[start : start + images].movedim(1, -1).copy_(shares.view(some.shape))
        ctx.save_for_backward(gradient, scores, labels)
        return (total / pixels).to(kind)

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient, scores, labels = ctx.saved_tensors
        factor = outer[0]
        if torch.is_grad_enabled():  # the gradient is to be differentiated again
            chosen = torch.zeros_like(scores).scatter(1, labels.unsqueeze(1), 1)
            gradient = (scores.softmax(1) - chosen) / labels.numel()
        whole = factor == 1 and not factor.requires_grad
        return gradient if whole else gradient * factor.to(gradient.dtype), None


def _shares(
    scores: torch.Tensor, places: torch.Tensor, pixels: int, kind: torch.dtype, *, shifted: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """By pixel the negative logarithm of the share at its place; and all shares, over the number of pixels.

    A share is an exponential over the sum of its pixel's.
    """
    rows = scores.to(kind, copy=True).reshape(-1, scores.shape[-1]).contiguous()
    if shifted:
        rows -= rows.amax(1, keepdim=True)
    true = rows.view(-1).index_select(0, places)
    sums = rows.exp_() @ rows.new_ones(rows.shape[1])  # a product takes less time than a sum
    logs = sums.log()
    low, high = logs.aminmax()
    if shifted or (low > -_SAFE and high < _SAFE):
        return logs - true, rows.div_((sums * pixels).unsqueeze(1))
    # Seldom, and the largest of a few scores takes as long to find as all else here together.
    return _shares(scores, places, pixels, kind, shifted=True)
