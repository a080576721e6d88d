"""Gradients of many batches, kept as so many blocks: what the noise of the gradient is read from."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float

from leadline.core import InputError
from leadline.optimization.layer_norms import LayerGradients
from leadline.optimization.ratio_of_means import NoiseReading, read_noise

ALL_LAYERS = "all layers together"  # no module has spaces in its name


class GradientBlocks:
    """Squared gradient norms of all examples, and the sum of the gradients of each block of batches."""

    def __init__(self, blocks: int) -> None:
        self.blocks, self.counts = blocks, np.zeros(blocks)
        self.norms: list[np.ndarray] = []
        self.sums: dict[str, np.ndarray] = {}
        self.gradients: dict[str, list[torch.Tensor | None]] = {}

    def add(self, number: int, found: Mapping[str, LayerGradients]) -> None:
        """Take in the gradients of a batch, by layer.

        Raises:
            InputError: they are not finite.
        """
        block = number % self.blocks
        each = {path: layer.norms.double() for path, layer in found.items()}
        whole = torch.stack(list(each.values())).sum(0)
        if not torch.isfinite(whole).all():
            raise InputError("gradient_noise", expected="finite gradients", got="NaN or infinity",
                             remedy="check the loss on the data; lower the scale of the inputs")  # fmt: skip
        self.norms.append(whole.cpu().numpy())
        self.counts[block] += len(whole)
        for path, layer in found.items():
            self.sums.setdefault(path, np.zeros(self.blocks))[block] += float(each[path].sum())
            held = self.gradients.setdefault(path, [None] * self.blocks)
            before, now = held[block], layer.total
            held[block] = now if before is None else before + now

    def readings(self, population: int, confidence: float) -> dict[str, NoiseReading]:
        """By layer, and of all together."""
        products = {}
        for path, held in self.gradients.items():
            rows = torch.stack([row for row in held if row is not None]).double()
            products[path] = (rows @ rows.T).cpu().numpy()
        sums = self.sums | {ALL_LAYERS: np.sum(list(self.sums.values()), axis=0)}
        products[ALL_LAYERS] = np.sum(list(products.values()), axis=0)
        return {
            path: read_noise(sums[path], products[path], self.counts, population=population, confidence=confidence)
            for path in sums
        }

    def example_norms(self) -> Float[np.ndarray, " used"]:
        """Of all examples, in the order they came."""
        return np.concatenate(self.norms)
