"""Cross-entropy of images whose every pixel has a class, at the price of reading the scores a few times."""

from typing import Any

import torch
from jaxtyping import Float, Int

_PIXELS = 16384  # at once: their scores stay in the processor's cache
_SAFE = 80.0  # exponentials of numbers within +- this neither overflow nor vanish in float32


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
    return _CrossEntropy.apply(scores.flatten(2), labels.flatten(1).unsqueeze(1))


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:  # (n, colours, hw), (n, 1, hw)
        exact = torch.promote_types(scores.dtype, torch.float32)
        gradient = torch.empty_like(scores) if scores.requires_grad else None
        total, pixels = scores.new_zeros((), dtype=torch.float64), labels.numel()
        down = scores.new_full((1, 1, 1), -1 / pixels, dtype=exact)
        images = max(1, _PIXELS // labels.shape[2])
        for start in range(0, len(scores), images):
            part = slice(start, start + images)
            shifted, true = _shifted(scores[part].to(exact)), labels[part]
            likelihoods = shifted.exp()
            sums = likelihoods.sum(1, keepdim=True)
            total += (sums.log() - shifted.gather(1, true)).sum()
            if gradient is not None:
                shares = likelihoods.div_(sums * pixels)
                gradient[part] = shares.scatter_add_(1, true, down.expand(true.shape))
        ctx.save_for_backward(gradient, scores, labels)
        return (total / pixels).to(exact)

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient, scores, labels = ctx.saved_tensors
        factor = outer[0]
        if torch.is_grad_enabled():  # the gradient is to be differentiated again
            gradient = (scores.softmax(1) - torch.zeros_like(scores).scatter(1, labels, 1)) / labels.numel()
        whole = factor == 1 and not factor.requires_grad
        return gradient if whole else gradient * factor.to(gradient.dtype), None


def _shifted(scores: torch.Tensor) -> torch.Tensor:
    # The largest of a few scores takes as long to find as all else here together, and is seldom needed.
    low, high = scores.aminmax()
    return scores if -low < _SAFE > high else scores - scores.amax(1, keepdim=True)
