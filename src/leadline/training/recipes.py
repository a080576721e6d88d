"""A recipe says how to train; a plan is what it comes to on so many examples, step by step."""

import math
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real

import numpy as np
from jaxtyping import Float, Int

from leadline.core import refuse
from leadline.training.objectives import Loss, Objective, objective_of
from leadline.training.optimizers import HYPER_PARAMETERS, Optimizer, optimizer_of
from leadline.training.schedules import BatchGrowth, Constant, Schedule

_refuse = partial(refuse, "Recipe")

_BATCH_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train one model: give `epochs` or `steps`; everything else has a default.

    Attributes:
        lr: learning rate, times the schedule's factor at every step.
        epochs, steps: how long; exactly one of them.
        batch_size: examples per optimizer step; None: 64, or what a DataLoader has.
        loss: a standard loss's name, a callable `(outputs, targets) -> scalar`, or an `Objective`.
        optimizer: a name, or an `Optimizer` for its variants (kind of decay, eps inside the root, ...).
        weight_decay, momentum, dampening, smoothing, beta1, beta2, eps: hyper-parameters that the optimizer has;
            None: torch's default. `smoothing` is rmsprop's alpha.
        schedule: factor on `lr`, a pure function of the step; None: constant.
        growth: batch size by epoch.
        drop_last: leave out an epoch's last batch where it is smaller than the others.
        accumulation: compute each batch in this many parts, to save memory; parts weigh by their examples.
        autocast: forward pass in bfloat16 where torch deems it safe.
        channels_last: memory layout of images and of the model's kernels.
        label_noise: share of the training labels replaced by another class; for real-valued targets the standard
            deviation of noise added to them.
        seed: names all random numbers: dropout, initial parameters (in an ensemble), data order, label noise.
        init_seed, order_seed, noise_seed: seeds of their own for the last three; None: `seed`.

    >>> Recipe(lr=0.1, epochs=2, optimizer="momentum").hyper_parameters()
    {'weight_decay': 0.0, 'momentum': 0.9, 'dampening': 0.0}
    """

    lr: float
    epochs: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    loss: str | Loss | Objective = "cross_entropy"
    optimizer: str | Optimizer = "sgd"
    weight_decay: float | None = None
    momentum: float | None = None
    dampening: float | None = None
    smoothing: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    eps: float | None = None
    schedule: Schedule | None = None
    growth: BatchGrowth | None = None
    drop_last: bool = False
    accumulation: int = 1
    autocast: bool = False
    channels_last: bool = False
    label_noise: float = 0.0
    seed: int = 0
    init_seed: int | None = None
    order_seed: int | None = None
    noise_seed: int | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            got = "neither" if self.epochs is None else "both"
            _refuse("epochs or steps", got, "say how long to train, e.g. epochs=10")
        for name in ("epochs", "steps", "batch_size", "accumulation"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Integral) and int(value) >= 1):
                _refuse(f"a whole {name} of at least 1", str(value), f"pass a positive {name}")
        for name, meaning in (("lr", "a learning rate"), ("label_noise", "a share or a standard deviation")):
            value = getattr(self, name)
            _check_number(name, value, meaning)
        objective_of(self.loss)
        for name, value in self.hyper_parameters().items():
            _check_number(name, value, "a number of at least 0")

    def hyper_parameters(self) -> dict[str, float]:
        """What the optimizer wants beside the learning rate."""
        return optimizer_of(self.optimizer).hyper_parameters(**{name: getattr(self, name) for name in HYPER_PARAMETERS})

    def seed_for(self, purpose: str) -> int:
        """The seed of "init", "order" or "noise"."""
        own = getattr(self, f"{purpose}_seed")
        return self.seed if own is None else own


def _check_number(name: str, value: object, meaning: str) -> None:
    if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= 0):
        _refuse(f"a finite {name} of at least 0", repr(value), f"pass {meaning}")


@dataclass(frozen=True, eq=False)
class Plan:
    """What every step of a training run does."""

    epoch: Int[np.ndarray, " steps"]
    start: Int[np.ndarray, " steps"]  # of the batch, in the epoch's order
    size: Int[np.ndarray, " steps"]
    lr: Float[np.ndarray, " steps"]

    def evaluated(self, every: int | None = None) -> np.ndarray:
        """By step: is the model evaluated after it? After `every` steps, or each epoch, and after the last."""
        ends = np.diff(self.epoch) > 0 if every is None else np.arange(1, len(self.epoch)) % every == 0
        return np.append(ends, True)


def plan_of(recipe: Recipe, examples: int) -> Plan:
    """The plan of a recipe for so many examples.

    Raises:
        InputError: a batch is larger than the data.

    >>> plan_of(Recipe(lr=0.1, epochs=2, batch_size=4), 10).size
    array([4, 4, 2, 4, 4, 2])
    """
    first = recipe.batch_size or min(_BATCH_SIZE, examples)
    cuts: dict[int, np.ndarray] = {}  # batch size -> where an epoch's batches start
    epochs: list[int] = []  # batch size of each
    steps = 0
    while steps < recipe.steps if recipe.steps is not None else len(epochs) < (recipe.epochs or 0):
        size = min(recipe.growth(len(epochs), first), max(examples, first)) if recipe.growth else first
        if size > examples:
            got = f"batch size {size} for {examples}"
            _refuse("batches no larger than the data", got, f"pass batch_size={examples} or less")
        if size not in cuts:
            cuts[size] = np.arange(0, examples - size + 1 if recipe.drop_last else examples, size)
        epochs.append(size)
        steps += len(cuts[size])
    lengths, total = [len(cuts[size]) for size in epochs], recipe.steps or steps
    epoch, start = np.repeat(np.arange(len(epochs)), lengths), np.concatenate([cuts[size] for size in epochs])
    size = np.minimum(np.repeat(epochs, lengths), examples - start)
    return Plan(epoch[:total], start[:total], size[:total], rates(recipe, total))


def rates(recipe: Recipe, total: int) -> Float[np.ndarray, " steps"]:
    """The learning rate of every step."""
    factors = (recipe.schedule or Constant())(np.arange(total), total)
    lr = recipe.lr * np.asarray(factors, dtype=float)
    if lr.shape != (total,):
        _refuse(
            f"a schedule with a factor for each of {total} steps",
            f"shape {lr.shape}",
            "return an array as long as its first argument",
        )
    if not np.isfinite(lr).all():
        _refuse("finite rates at every step", f"{int((~np.isfinite(lr)).sum())} that are not", "mend the schedule")
    return lr
