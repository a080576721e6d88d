"""Cross-entropy of images whose every pixel has a class, at the price of reading the scores a few times."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int

_PIXELS = 16384  # at once: their scores stay in the processor's cache
_SAFE = 80.0  # logarithms within +- this are of numbers that neither overflow nor lose digits in float32


def pixel_cross_entropy(
    scores: Float[torch.Tensor, "n colours h w"], labels: Int[torch.Tensor, "n h w"]
) -> Float[torch.Tensor, ""]:
    """Cross-entropy over all pixels, in nats, in float32 for scores of fewer bits.

    Loss and gradient are computed together, over a few images at a time, in whichever order the scores lie in memory.
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
            for part in zip(range(0, len(scores), images), scores.split(images), labels.split(images), strict=True):
                start, some, true = part
                rows = some.movedim(1, -1).to(kind).reshape(-1, colours).contiguous()
                rows, likelihoods, sums, logs = _normalized(rows, pixels)
                places = true.flatten() + torch.arange(0, rows.numel(), colours, device=rows.device)
                total += logs.sum() - rows.view(-1).index_select(0, places).sum()
                if gradient is not None:
                    shares = likelihoods.div_(sums)
                    shares.view(-1).index_add_(0, places, down.expand(len(places)))
                    piece = gradient[start : start + images].movedim(1, -1)
                    piece.copy_(shares.view(piece.shape))
        ctx.save_for_backward(gradient, scores, labels)
        return (total / pixels - math.log(pixels)).to(kind)

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient, scores, labels = ctx.saved_tensors
        factor = outer[0]
        if torch.is_grad_enabled():  # the gradient is to be differentiated again
            chosen = torch.zeros_like(scores).scatter(1, labels.unsqueeze(1), 1)
            gradient = (scores.softmax(1) - chosen) / labels.numel()
        whole = factor == 1 and not factor.requires_grad
        return gradient if whole else gradient * factor.to(gradient.dtype), None


def _normalized(rows: torch.Tensor, times: int) -> tuple[torch.Tensor, ...]:
    """Scores, their exponentials, these ones' sum in every column `times` over, and by row its logarithm."""
    likelihoods = rows.exp()
    # A matrix product, not a sum: it puts the sum where the division wants it, and takes a third of the time.
    ones = rows.new_full((rows.shape[1], rows.shape[1]), times)
    sums = likelihoods @ ones
    logs = sums[:, 0].log()
    low, high = logs.aminmax()
    if low > -_SAFE and high < _SAFE:
        return rows, likelihoods, sums, logs
    # Seldom, and the largest of a few scores takes as long to find as all else here together.
    rows = rows - rows.amax(1, keepdim=True)
    likelihoods = rows.exp()
    sums = likelihoods @ ones
    return rows, likelihoods, sums, sums[:, 0].log()
