"""Training with gradients that arrive late, as many updates late as learners' speeds or a law make them."""

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from leadline.core import numpy_generator, random_state_kept, refuse, seed_of
from leadline.optimization.parameter_server import staleness
from leadline.training import History, Recipe, State, Step, Trained, state_of
from leadline.training.batches import batches, check_finite, plan_for, source_of
from leadline.training.loops import copied, floating_type, model_errors, step_of
from leadline.training.quick_layers import quicken
from leadline.training.steps import check_trainable

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_SOURCES = (
    "Zhang, Gupta, Lian & Liu 2016, Staleness-aware Async-SGD for Distributed Deep Learning",
    "Levin & May 1976, A note on difference-delay equations (the stability edge)",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class AsynchronousHistory(History):
    """A training history with the staleness of every gradient.

    Attributes:
        staleness: by step, updates applied between reading the parameters and applying their gradient.
    """

    staleness: Int[np.ndarray, " steps"]

    def headline(self) -> str:
        late = f"gradients {self.staleness.mean():.3g} updates late in the mean, {self.staleness.max()} at most"
        return f"{super().headline()}; {late}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per step."""
        return super().to_frame().assign(staleness_updates=self.staleness[: int(self.steps[0])])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        super().draw(ax)
        ax.set_title(f"gradients {self.staleness.mean():.3g} updates late in the mean", fontsize="medium")


def train_asynchronously(
    model: nn.Module,
    data: Any,
    recipe: Recipe,
    *,
    delays: int | Sequence[int] | None = None,
    speeds: Mapping[str, float | int] | None = None,
) -> Trained:
    """Train a copy of a model with stale gradients: taken at the parameters of so many updates ago.

    The simulation is deterministic: a queue of the last parameters, and a gradient of each step's batch at the place
    in the queue that the delay says. In the first steps no delay reaches back behind the start. With delay 0 the run
    equals `train` bit for bit.

    Args:
        model: where training starts; stays as it is.
        data: `(inputs, targets)` arrays or tensors, a `Dataset` or a `DataLoader`.
        recipe: how to train.
        delays: updates; a pair for whole numbers drawn uniformly between the two, ends included.
        speeds: instead, gradients per unit of time by learner; delays are those of `staleness`.

    Returns:
        `.history` (a result, with the staleness of every gradient) and `.states`, the trained parameters.

    Raises:
        InputError: both or neither of delays and speeds, delays that are negative or not whole, nothing to train, NaN
            in the data.
        ModelError: the model or loss raised.

    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> data = torch.tensor([[1.0]]), torch.tensor([[3.0]])
    >>> trained = train_asynchronously(model, data, Recipe(lr=0.2, steps=100, loss="half_mse"), delays=2)
    >>> round(trained.parameters()["weight"].item(), 6)
    3.0
    """
    check_trainable(model)
    began = time.perf_counter()
    place = next(model.parameters()).device
    mine = copied(model, place, recipe)
    if recipe.channels_last:
        quicken(mine)
    step, state = step_of(mine, recipe, Step), state_of(mine)
    source = source_of(data, place, floating_type(model))
    plan = plan_for(recipe, source)
    late = _staleness(delays, speeds, len(plan.lr), recipe.seed)
    source = source.with_noise(recipe.label_noise, recipe.seed_for("noise"))
    hyper: dict[str, Any] = recipe.hyper_parameters()
    past: deque[State] = deque(maxlen=int(late.max()) + 1)
    losses, sizes, diverged_at = [], [], -1
    with random_state_kept(), torch.enable_grad(), model_errors("train_asynchronously"):
        torch.manual_seed(seed_of("training", recipe.seed))
        for number, batch in enumerate(batches(source, plan, recipe)):
            past.append(state)
            read = past[-1 - int(late[number])]
            loss, gradients, buffers = step.gradients(read._replace(buffers=state.buffers), batch)
            losses.append(loss.item())
            sizes.append(len(batch[-1]))
            if not math.isfinite(losses[-1]):
                check_finite(batch)
                diverged_at = number
                break
            hyper["lr"] = float(plan.lr[number])
            state = step.update(state, gradients, buffers, hyper)
    history = AsynchronousHistory(
        loss=np.array(losses)[:, None],
        lr=plan.lr[: len(losses), None],
        batch_size=np.array(sizes)[:, None],
        metric_names=(),
        metrics=np.empty((0, 1, 0)),
        evaluated_at=np.empty((0, 1), dtype=int),
        diverged_at=np.array([diverged_at]),
        seeds=(recipe.seed,),
        examples=source.examples,
        seconds=time.perf_counter() - began,
        execution="one model, stale gradients",
        staleness=late[: len(losses)],
        caveats=("the loss is that of the stale parameters, before the step",) if late.any() else (),
        sources=_SOURCES,
    )
    return Trained(history, (state,))


def stable_rate(curvature: float, delay: int) -> float:
    """The learning rate below which gradient descent with a constant delay converges on a quadratic.

    w <- w - lr * curvature * (w of `delay` updates ago) contracts for lr * curvature < 2 sin(pi / (2 (2 delay + 1))).
    In a quadratic of several dimensions the largest curvature counts.

    Args:
        curvature: second derivative, above 0.
        delay: updates.

    Raises:
        InputError: a curvature or delay out of range.

    >>> stable_rate(1.0, 0), round(stable_rate(1.0, 1), 6)
    (2.0, 1.0)
    """
    if not (curvature > 0 and delay >= 0 and isinstance(delay, Integral)):
        refuse("stable_rate", "a positive curvature and a whole delay of at least 0", f"{curvature} and {delay}",
                "pass the largest eigenvalue of the Hessian")  # fmt: skip
    return 2 * math.sin(math.pi / (2 * (2 * delay + 1))) / curvature


def _staleness(
    delays: int | Sequence[int] | None, speeds: Mapping[str, float | int] | None, steps: int, seed: int
) -> np.ndarray:
    if speeds is not None and delays is None:
        return np.array(staleness(speeds=speeds, pushes=steps).values)
    if delays is None or speeds is not None:
        got = "neither" if delays is None else "both"
        refuse("train_asynchronously", "either delays or speeds", got, "pass one of them")
    ends = tuple(delays) if isinstance(delays, Sequence) else (delays, delays)
    if len(ends) != 2 or not all(isinstance(end, Integral) for end in ends) or not 0 <= ends[0] <= ends[1]:
        refuse("train_asynchronously", "one or two whole delays of at least 0, the lower first", repr(delays),
                "pass e.g. 2 or (0, 4)")  # fmt: skip
    low, high = ends
    drawn = numpy_generator("delays", seed).integers(low, high, size=steps, endpoint=True)
    return np.minimum(drawn, np.arange(steps))
