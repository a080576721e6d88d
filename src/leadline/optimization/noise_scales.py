"""How noisy a model's gradient is, and the batch size at which noise and signal balance."""

import math
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from leadline.core import borrow, choose_device, numpy_generator, refuse
from leadline.core.results import Result
from leadline.optimization.example_gradients import ExampleGradients
from leadline.optimization.gradient_blocks import ALL_LAYERS, GradientBlocks
from leadline.optimization.ratio_of_means import NoiseReading, likely_needed
from leadline.training import Objective, objective_of
from leadline.training.batches import Source, source_of
from leadline.training.loops import floating_type, model_errors
from leadline.training.objectives import Loss
from leadline.training.steps import check_trainable

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "gradient_noise")

_BATCHES, _BATCH_SIZE = 20, 64
_BLOCKS = 32  # gradients kept for the intervals; more batches are put together into so many blocks
_EXAMPLE_DEPENDENT = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
_SOURCES = (
    "McCandlish, Kaplan, Amodei et al. (2018), An Empirical Model of Large-Batch Training, section 2.2, appendix A.1",
    "Goodfellow (2015), Efficient Per-Example Gradient Computations",
    "Cochran (1977), Sampling Techniques, sections 2.4-2.8 and 6.17",
)


@dataclass(frozen=True, kw_only=True)
class LayerNoise:
    """The reading of one layer's own parameters.

    Attributes:
        by_rule: per-example norms by the norm trick; otherwise example by example.
    """

    layer: str
    parameters: int
    by_rule: bool
    reading: NoiseReading


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GradientNoise(Result):
    """Noise of the gradient at fixed parameters.

    Attributes:
        whole: the reading over all trainable parameters.
        layers: the same by layer; traces and squared norms add up to the whole.
        examples, used: in the data, and those whose gradients were taken.
        batch_size, batches: how they were grouped.
        more_batches: how many more batches will probably give the noise scale an upper end, all that are left at most;
            0 where it has one, or where the data have no more.
        confidence: of the intervals.
        example_squared_norms: |gradient|^2 of every example used, loss^2 / parameter^2.
    """

    whole: NoiseReading
    layers: tuple[LayerNoise, ...]
    examples: int
    used: int
    batch_size: int
    batches: int
    more_batches: int
    confidence: float
    example_squared_norms: Float[np.ndarray, " used"]

    @property
    def trace(self) -> float:
        """tr(Sigma)."""
        return self.whole.trace

    @property
    def squared_norm(self) -> float:
        """|G|^2."""
        return self.whole.squared_norm

    @property
    def noise_scale(self) -> float:
        """tr(Sigma) / |G|^2, in examples."""
        return self.whole.scale

    @property
    def resolved(self) -> bool:
        """Whether the noise scale has an upper end."""
        return self.whole.resolved

    def headline(self) -> str:
        low, high = self.whole.scale_interval
        if not self.resolved and self.used == self.examples:
            return f"no simple noise scale: the gradient over all {self.examples} examples is zero"
        if not self.resolved:
            return (
                f"simple noise scale not resolvable from {self.used} examples: |G|^2 may be zero, the scale at least "
                f"{low:.3g} examples; about {self.more_batches} more batches of {self.batch_size} would tell"
            )
        if self.used == self.examples:
            return (
                f"simple noise scale {self.noise_scale:.4g} examples (all {self.used} examples: exact for these data)"
            )
        return f"simple noise scale {self.noise_scale:.4g} examples ({self.confidence:.0%}: {low:.4g} to {high:.4g})"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per layer and one for all of them."""
        import pandas as pd

        rows = [(one.layer or "(model)", one.parameters, one.by_rule, one.reading) for one in self.layers]
        rows.append(("all", sum(one.parameters for one in self.layers), all(row[2] for row in rows), self.whole))
        names = ("scale", "trace", "squared_norm")
        return pd.DataFrame(
            [
                {"layer": layer, "parameters": count, "by_norm_trick": rule, "resolved": reading.resolved}
                | {
                    f"{_COLUMNS[name]}{end}": value
                    for name in names
                    for end, value in zip(
                        ("", "_low", "_high"),
                        (getattr(reading, name), *getattr(reading, f"{name}_interval")),
                        strict=True,
                    )
                }
                for layer, count, rule, reading in rows
            ]
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        rows = [(one.layer or "(model)", one.reading) for one in self.layers] + [("all", self.whole)]
        finite = [value for _, r in rows for value in (r.scale, *r.scale_interval) if 0 < value < math.inf]
        low, high = (min(finite) / 3, max(finite) * 10) if finite else (0.1, 10.0)
        for place, (_, reading) in enumerate(rows):
            start, end = (min(max(value, low), high) for value in reading.scale_interval)
            colour = "C1" if place == len(rows) - 1 else "C0"
            ax.plot([start, end], [-place, -place], color=colour, linewidth=2)
            if reading.resolved:
                ax.plot(reading.scale, -place, "o", color=colour)
            else:
                ax.plot(end, -place, ">", color=colour)
        ax.axvline(self.batch_size, color="0.5", linewidth=1, linestyle=":", label=f"batches of {self.batch_size}")
        ax.set_yticks([-place for place in range(len(rows))], [name for name, _ in rows])
        ax.set(xscale="log", xlabel=f"simple noise scale (examples), {self.confidence:.0%} intervals")
        if not all(reading.resolved for _, reading in rows):
            ax.set_title("An arrow: no upper end", fontsize="small")
        ax.legend(fontsize="small")


_COLUMNS = {"scale": "noise_scale_examples", "trace": "trace", "squared_norm": "squared_norm"}


def gradient_noise(
    model: nn.Module,
    data: Any,
    *,
    loss: str | Loss | Objective = "cross_entropy",
    batch_size: int | None = None,
    batches: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    device: str | None = None,
) -> GradientNoise:
    """Measure tr(Sigma), |G|^2 and the simple noise scale tr(Sigma)/|G|^2 (in examples) at the model's parameters.

    Below that many examples a larger batch makes each step better in proportion; far above it, hardly. The ratio is
    one of means over all batches: the mean of single batches' ratios has no meaning, since |G|^2 estimated from one
    batch is often negative. Parameters stay fixed; the model is used in evaluation mode and given back unchanged.

    Args:
        model: where the gradient is taken; what has `requires_grad`.
        data: `(inputs, targets)`, a `Dataset` or a `DataLoader` (its data set is sampled without replacement).
        loss: a standard loss's name, `(outputs, targets) -> scalar` or an `Objective`; a mean over examples.
        batch_size: examples per backward pass; None: 64. The answer does not depend on it, the memory does.
        batches: how many; None: 20, or as many as the data have. With all examples the answer is exact for the data.
        confidence: of the intervals (jackknife over batches; Fieller's for the ratio).
        seed: names the sample.
        device: where to compute; None: where the model is.

    Returns:
        The readings in all and by layer; `resolved` says whether the noise scale has an upper end, and
        `more_batches` how many more will probably give it one. Keeps up to 32 gradients in memory.

    Raises:
        InputError: nothing to train, NaN in the data, fewer examples than a batch or than two batches, a loss that is
            no scalar or no mean over examples.
        ModelError: the model or the loss raised.

    >>> data = torch.tensor([[1.0], [1.0], [2.0], [2.0]]), torch.tensor([[1.0], [3.0], [2.0], [6.0]])
    >>> model = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.zeros_(model.weight)
    >>> gradient_noise(model, data, loss="half_mse", batch_size=2)  # gradients -1, -3, -4, -12
    simple noise scale 0.7 examples (all 4 examples: exact for these data)
    """
    check_trainable(model)
    objective = objective_of(loss)
    place = next(model.parameters()).device if device is None else choose_device(device)
    source = source_of(data, place, floating_type(model))
    size, count = _sizes(source.examples, batch_size, batches, confidence)
    order = torch.from_numpy(numpy_generator("gradient noise", seed).permutation(source.examples))
    places = order[: min(size * count, source.examples)].split(size)
    home = next(model.parameters()).device
    with borrow(model, training=False), model_errors("gradient_noise"):
        try:
            model.to(place)
            gradients = ExampleGradients(model, objective)
            blocks = GradientBlocks(min(len(places), _BLOCKS))
            for number, some in enumerate(places):
                blocks.add(number, gradients.of(source.take(some)))
        finally:
            model.to(home)
    readings = blocks.readings(source.examples, confidence)
    layers = tuple(
        LayerNoise(layer=path, parameters=sum(gradients.parameters[name].numel() for name in names),
                   by_rule=path in gradients.ruled, reading=readings[path])
        for path, names in gradients.layers.items()
    )  # fmt: skip
    whole, used = readings[ALL_LAYERS], sum(len(some) for some in places)
    return GradientNoise(
        whole=whole, layers=layers, examples=source.examples, used=used, batch_size=size, batches=len(places),
        more_batches=0 if whole.resolved else _missing(whole, used, source, size, blocks.blocks, confidence),
        confidence=confidence,
        example_squared_norms=blocks.example_norms(), caveats=tuple(_caveats(model, gradients, whole)),
        sources=_SOURCES,
    )  # fmt: skip


def _sizes(examples: int, batch_size: int | None, batches: int | None, confidence: float) -> tuple[int, int]:
    size = batch_size if batch_size is not None else max(1, min(_BATCH_SIZE, examples // 2))
    if not isinstance(size, Integral) or not (batches is None or isinstance(batches, Integral)):
        _refuse("whole numbers of examples and batches", f"{batch_size} and {batches}", "pass e.g. 64 and 20")
    if not 1 <= size <= examples:
        _refuse("a batch no larger than the data", f"batch_size={size} for {examples}", f"pass at most {examples // 2}")
    if examples < 2 * size or (batches is not None and batches < 2):
        _refuse("two batches or more", f"{batches or examples // size} of {size} from {examples} examples",
                "use a smaller batch_size or more batches")  # fmt: skip
    if size == 1 and batches == 2 < examples:
        _refuse("two examples or more outside of each batch", "two batches of 1", "use more or larger batches")
    if not 0 < confidence < 1:
        _refuse("a confidence between 0 and 1", str(confidence), "pass e.g. 0.95")
    return size, batches if batches is not None else _BATCHES


def _missing(whole: NoiseReading, used: int, source: Source, size: int, blocks: int, confidence: float) -> int:
    needed = min(likely_needed(whole, used, batches=blocks, confidence=confidence), source.examples)
    return max(math.ceil((needed - used) / size), min(1, source.examples - used))


def _caveats(model: nn.Module, gradients: ExampleGradients, whole: NoiseReading) -> list[str]:
    notes = []
    if gradients.unruled:
        how = "vmap" if gradients.mapped else "one backward pass per example"
        names = ", ".join(path or "(model)" for path in gradients.unruled)
        notes.append(f"exact but slower, by {how}: {names}")
    if any(isinstance(module, _EXAMPLE_DEPENDENT) for module in model.modules()):
        notes.append("batch norm and dropout as in evaluation: their own noise in training is not in these numbers")
    if not whole.resolved:
        notes.append("not resolvable: the interval of |G|^2 contains zero, so the noise scale has no upper end")
    return notes
