"""Rules for the squared gradient norms of single examples: linear maps, convolutions, embeddings.

A rule is given every call of a layer (a layer called twice has one gradient, the sum over its calls), and returns the
squared norm of each example's gradient, and each parameter's gradient summed over examples. Small layers cost what
their calls into torch cost, so these are few.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_HELD_NUMBERS = 2**19  # of patches or of gradients of examples at a time: two megabytes are served again from the cache
_FEW_NUMBERS = 2**15  # pass through the cache so fast that one call into torch fewer saves more than one pass
_GRAM_SHARE = 0.6  # measured: from 4 to 128 places and 32 to 512 numbers on either side


class Call(NamedTuple):
    """A layer's input, and the derivative of every example's own loss in its output; examples come first."""

    inputs: torch.Tensor
    errors: torch.Tensor


class LayerGradients(NamedTuple):
    """A layer's gradients over a batch: squared norm of each example's, and each parameter's summed over examples."""

    norms: torch.Tensor
    sums: list[torch.Tensor]

    @property
    def total(self) -> torch.Tensor:
        """The gradient of all the layer's parameters, summed over examples, flat."""
        return torch.cat([one.reshape(-1) for one in self.sums])


Rule = Callable[[Any, Sequence[Call], Sequence[str]], LayerGradients]


def covers(module: nn.Module) -> bool:
    """Whether a rule holds for this layer as it is set up.

    >>> covers(nn.Linear(2, 2)), covers(nn.LayerNorm(2)), covers(nn.Conv2d(1, 1, 3, padding_mode="circular"))
    (True, False, False)
    """
    if type(module) not in RULES or not set(module._parameters) <= {"weight", "bias"} or module._forward_pre_hooks:
        return False
    if isinstance(module, _CONVOLUTIONS):
        return module.padding_mode == "zeros" and not isinstance(module.padding, str)
    if isinstance(module, nn.Embedding):
        return module.max_norm is None and not module.scale_grad_by_freq and not module.sparse
    return True


def _linear(module: nn.Linear, calls: Sequence[Call], wanted: Sequence[str]) -> LayerGradients:
    if len(calls) == 1 and calls[0].inputs.ndim == 2 and "weight" in wanted:
        inputs, errors = calls[0]
        power = _squares(errors)
        if "bias" not in wanted:
            return LayerGradients(_squares(inputs).mul_(power), [errors.T @ inputs])
        return LayerGradients(torch.addcmul(power, _squares(inputs), power), [errors.T @ inputs, errors.sum(0)])
    size = len(calls[0].inputs)
    inputs = _joined([call.inputs.reshape(size, -1, module.in_features) for call in calls])
    errors = _joined([call.errors.reshape(size, -1, module.out_features) for call in calls])
    parts = {"weight": lambda: _outer_products(inputs, errors), "bias": lambda: _sums(errors)}
    return _together([parts[name]() for name in wanted])


def _convolution(module: nn.Conv1d | nn.Conv2d, calls: Sequence[Call], wanted: Sequence[str]) -> LayerGradients:
    calls = [_in_two_dimensions(call) for call in calls]
    parts = []
    for name in wanted:
        if name == "bias":
            parts.append(_sums(_joined([call.errors.flatten(2).transpose(1, 2) for call in calls])))
        else:
            parts.append(_patch_products(module, calls))
    return _together(parts)


def _embedding(module: nn.Embedding, calls: Sequence[Call], wanted: Sequence[str]) -> LayerGradients:
    # An example's gradient in a word's row is the sum of the errors at its places.
    size, (rows, width) = len(calls[0].inputs), module.weight.shape
    words = _joined([call.inputs.reshape(size, -1) for call in calls])
    errors = _joined([call.errors.reshape(size, -1, width) for call in calls]).flatten(0, 1)
    if module.padding_idx is not None:
        errors = errors * (words.flatten() != module.padding_idx).unsqueeze(1)
    by_example = torch.zeros_like(errors).index_add_(0, _one_of_equals(words, rows), errors)
    by_word = errors.new_zeros(rows, width).index_add_(0, words.flatten(), errors)
    return LayerGradients(_squares(by_example.view(size, -1)), [by_word])


def _one_of_equals(words: torch.Tensor, rows: int) -> torch.Tensor:
    # For each of the n t places one of its example's places with the same word, the same for all of these. Instead of
    # sorting: every cell that is read was written just before, by one of them.
    places = torch.arange(words.numel(), device=words.device).view_as(words)
    return places.new_empty(len(words), rows).scatter_(1, words, places).gather(1, words).flatten()


RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Embedding: _embedding,
}


def _squares(rows: torch.Tensor) -> torch.Tensor:
    if rows.numel() < _FEW_NUMBERS:
        return torch.linalg.vecdot(rows, rows)
    return torch.linalg.vector_norm(rows, dim=-1).square_()  # one pass, where a product and its sum are two


def _joined(parts: list[torch.Tensor], axis: int = 1) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)


def _together(parts: list[tuple[torch.Tensor, torch.Tensor]]) -> LayerGradients:
    norms = parts[0][0] if len(parts) == 1 else parts[0][0] + parts[1][0]
    return LayerGradients(norms, [total for _, total in parts])


def _outer_products(inputs: torch.Tensor, errors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    # Of (n, t, in) and (n, t, out): an example's gradient is the sum over t of outer products.
    if _by_gram(inputs.shape[1], inputs.shape[2], errors.shape[2]):
        return _gram_products(inputs, errors), errors.flatten(0, 1).T @ inputs.flatten(0, 1)
    some = max(1, _HELD_NUMBERS // (inputs.shape[2] * errors.shape[2]))
    found = []
    for part in zip(inputs.split(some), errors.split(some), strict=True):
        each = torch.bmm(part[0].transpose(1, 2), part[1])
        found.append((_squares(each.flatten(1)), each.sum(0).T))
    return _all(found)


def _all(found: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    # Norms of all examples, and their sum, from those of a few at a time.
    if len(found) == 1:
        return found[0]
    return torch.cat([norms for norms, _ in found]), torch.stack([total for _, total in found]).sum(0)


def _by_gram(places: int, width: int, out: int) -> bool:
    # The other way also gives the sum of the gradients, but has to pass over all of them.
    return places * (width + out) < _GRAM_SHARE * width * out


def _gram_products(inputs: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    # |sum_t d_t a_t'|^2 = sum_ts (a_t.a_s)(d_t.d_s)
    return torch.bmm(inputs, inputs.transpose(1, 2)).mul_(torch.bmm(errors, errors.transpose(1, 2))).sum((1, 2))


def _sums(errors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    each = errors.sum(1)
    return _squares(each), each.sum(0)


def _in_two_dimensions(call: Call) -> Call:
    return call if call.inputs.ndim == 4 else Call(call.inputs.unsqueeze(2), call.errors.unsqueeze(2))


def _settings(module: nn.Conv1d | nn.Conv2d) -> tuple[list[int], list[int], list[int], list[int]]:
    # Kernel, dilation, padding, stride in two dimensions; one dimension is a row of height one.
    kernel, dilation = list(module.kernel_size), list(module.dilation)
    padding, stride = [int(one) for one in module.padding], list(module.stride)
    if len(kernel) == 1:
        return [1, *kernel], [1, *dilation], [0, *padding], [1, *stride]
    return kernel, dilation, padding, stride


def _patch_products(module: nn.Conv1d | nn.Conv2d, calls: Sequence[Call]) -> tuple[torch.Tensor, torch.Tensor]:
    # A convolution is a linear map of patches, group by group. A few examples at a time, so that theirs fit the cache.
    each = [call.errors[0, 0].numel() * module.weight[0].numel() * module.groups for call in calls]
    some = max(1, _HELD_NUMBERS // sum(each))
    cut = [[Call(*pair) for pair in zip(*(array.split(some) for array in call), strict=True)] for call in calls]
    return _all([_patch_products_of_some(module, part) for part in zip(*cut, strict=True)])


def _patch_products_of_some(module: nn.Conv1d | nn.Conv2d, calls: Sequence[Call]) -> tuple[torch.Tensor, torch.Tensor]:
    shape = module.groups, -1
    patches = _joined([_patches(module, call).unflatten(1, shape) for call in calls], 3)  # n groups numbers places
    errors = _joined([call.errors.flatten(2).unflatten(1, shape) for call in calls], 3)
    size = len(patches)
    rows, marks = patches.flatten(0, 1), errors.flatten(0, 1).transpose(1, 2)
    if _by_gram(patches.shape[3], patches.shape[2], errors.shape[2]):
        norms = _gram_products(rows.transpose(1, 2), marks).view(size, -1).sum(1)
        return norms, torch.einsum("ngop,ngip->goi", errors, patches)
    each = torch.bmm(rows, marks)  # in this order twice as fast for few channels
    total = each.unflatten(0, (size, -1)).sum(0).transpose(1, 2)
    return _squares(each.view(size, -1)), total


def _patches(module: nn.Conv1d | nn.Conv2d, call: Call) -> torch.Tensor:
    # What the kernel sees at each place, (n, numbers, places): a view, copied once; torch's unfold takes ten times
    # as long.
    kernel, dilation, padding, stride = _settings(module)
    inputs = call.inputs
    if any(padding):
        inputs = functional.pad(inputs, (padding[1], padding[1], padding[0], padding[0]))
    size, channels, (down, right) = *inputs.shape[:2], call.errors.shape[2:]
    jump = inputs.stride()
    view = inputs.as_strided(
        (size, channels, *kernel, down, right),
        (*jump[:2], jump[2] * dilation[0], jump[3] * dilation[1], jump[2] * stride[0], jump[3] * stride[1]),
    )
    return view.reshape(size, -1, down * right)
