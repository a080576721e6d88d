"""Growing batches at the largest rate against the cyclical policy: which lowers the loss faster, and by what axis?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import stats
from torch.nn import functional

from leadline.claims import Evidence
from leadline.studies.clothing_images import Arrays, Pictures, small_net
from leadline.training import BatchGrowth, Cyclical, Recipe, StepDecay, train_ensemble
from leadline.training.validation import Metric

FIRST, LARGEST = 32, 4096
POLICIES = ("cyclical", "growing", "decaying")
AXES = ("epochs", "steps")  # examples seen are epochs times their number
_DOUBLINGS = (LARGEST // FIRST).bit_length() - 1
EPOCHS = _DOUBLINGS + 1  # the batch doubles after each
_READINGS = 2  # an epoch, with small batches
_CENTRAL = 0.9
_HIGH = 0.9  # training accuracy from here on is called very high
_MEASURED, _SHARE = 1000, 4  # the training loss is read on so many training images, of fewer on a quarter


@dataclass(frozen=True, eq=False, kw_only=True)
class Runs:
    """One policy, a run for each seed.

    Attributes:
        low, high: bounds of the learning rate; all policies but the cyclical one start at `high`.
        steps: taken before each reading.
        epochs: likewise.
        training_loss, training_accuracy, held_out_loss, held_out_accuracy: with the parameters of that moment.
        lr, batch_size: of every step.
        seconds: wall-clock time of a run on the machine at hand.
    """

    optimizer: str
    bounds: str
    policy: str
    low: float
    high: float
    steps: Int[np.ndarray, " readings"]
    epochs: Float[np.ndarray, " readings"]
    training_loss: Float[np.ndarray, "readings seeds"]
    training_accuracy: Float[np.ndarray, "readings seeds"]
    held_out_loss: Float[np.ndarray, "readings seeds"]
    held_out_accuracy: Float[np.ndarray, "readings seeds"]
    lr: Float[np.ndarray, " steps"]
    batch_size: Int[np.ndarray, " steps"]
    seconds: float

    @property
    def setting(self) -> str:
        """Which bounds it used, in words."""
        return f"{self.optimizer}, {self.bounds} bounds {self.low:.2g} to {self.high:.2g}"

    @property
    def full_batch(self) -> Int[np.ndarray, " steps"]:
        """Examples of a whole batch at every step; an epoch's last one may have fewer."""
        return np.maximum.accumulate(self.batch_size)

    def noise_scales(self, examples: int) -> Float[np.ndarray, " steps"]:
        """lr * examples / whole batch at every step (Smith & Le 2018)."""
        return self.lr * examples / self.full_batch


def train_policies(
    pictures: Pictures, optimizer: str, bounds: str, ends: tuple[float, float], seeds: int
) -> tuple[Runs, ...]:
    """The policies between the same bounds, from the same initial parameters; the decaying rate for found bounds.

    Batches grow as in Smith, Kindermans, Ying & Le 2018, where the rate of the decaying policy would be halved.
    """
    low, high = ends
    epoch = -(-len(pictures.training[1]) // FIRST)  # steps
    schedules: dict[str, dict[str, Any]] = {
        "cyclical": {"schedule": Cyclical(half_period=epoch, low=low / high)},
        "growing": {"growth": BatchGrowth(factor=2.0, every=1, largest=LARGEST)},
        "decaying": {"schedule": StepDecay(every=epoch, factor=0.5)},
    }
    return tuple(
        _train(pictures, policy, optimizer, bounds, low, high, seeds, schedules[policy], epoch)
        for policy in POLICIES[: 2 if bounds == "stated" else 3]
    )


def _train(
    pictures: Pictures, policy: str, optimizer: str, bounds: str, low: float, high: float, seeds: int,
    options: dict[str, Any], epoch: int,
) -> Runs:  # fmt: skip
    recipes = [
        Recipe(lr=high, epochs=EPOCHS, batch_size=FIRST, optimizer=optimizer, seed=seed, **options)
        for seed in range(seeds)
    ]
    known = min(_MEASURED, len(pictures.training[1]) // _SHARE)
    both: Arrays = tuple(
        torch.cat([seen[:known], held_out]) for seen, held_out in zip(pictures.training, pictures.held_out, strict=True)
    )  # type: ignore[assignment]
    parts = {"training": slice(None, known), "held out": slice(known, None)}
    metrics = {f"{name} {what}": _on(part, what) for name, part in parts.items() for what in ("loss", "accuracy")}
    history = train_ensemble(
        small_net, pictures.training, recipes, validation=both, metrics=metrics,
        evaluate_every=None if policy == "growing" else max(1, epoch // _READINGS),
    ).history  # fmt: skip
    steps, sizes = history.evaluated_at[:, 0], history.batch_size[:, 0]
    columns = [np.nan_to_num(history.metrics[:, :, place], nan=np.inf) for place in range(1, 1 + len(metrics))]
    return Runs(
        optimizer=optimizer, bounds=bounds, policy=policy, low=low, high=high, steps=steps,
        epochs=np.cumsum(sizes)[steps - 1] / history.examples, training_loss=columns[0],
        training_accuracy=columns[1], held_out_loss=columns[2], held_out_accuracy=columns[3],
        lr=history.lr[:, 0], batch_size=sizes, seconds=history.seconds / seeds,
    )  # fmt: skip


def _on(part: slice, what: str) -> Metric:
    def measured(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if what == "loss":
            return functional.cross_entropy(outputs[part], targets[part])
        return (outputs[part].argmax(1) == targets[part]).float().mean()

    return measured


@dataclass(frozen=True)
class Advantage:
    """Mean over an axis of log(loss of the other policy / loss of the growing batches), and its interval over seeds."""

    setting: str
    other: str
    axis: str
    mean: float
    low: float
    high: float
    last: float  # the same at the last reading alone

    @property
    def winner(self) -> str:
        """The policy with the lower loss, on average and in the end; empty where there is none."""
        if self.low > 0 and self.last > 0:
            return "growing"
        return self.other if self.high < 0 and self.last < 0 else ""


def gaps_between(growing: Runs, other: Runs, axis: str) -> Float[np.ndarray, "seeds readings"]:
    """log(other loss / growing batches' loss) at each of the latter's readings, the former's between its own."""
    at, places = getattr(growing, axis), getattr(other, axis)
    return np.array([
        np.interp(at, places, np.log(theirs)) - np.log(ours)
        for theirs, ours in zip(other.training_loss.T, growing.training_loss.T, strict=True)
    ])  # fmt: skip


def advantage(growing: Runs, other: Runs, axis: str) -> Advantage:
    """Compare along an axis as far as the growing batches go, seed by seed."""
    every = gaps_between(growing, other, axis)
    gaps = every.mean(1)
    reach = stats.t.ppf((1 + _CENTRAL) / 2, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    low, mean, high = (float(gaps.mean() + side * reach) for side in (-1, 0, 1))
    return Advantage(growing.setting, other.policy, axis, mean, low, high, float(every[:, -1].mean()))


def settings_of(runs: Sequence[Runs]) -> dict[str, dict[str, Runs]]:
    """The runs by setting and policy."""
    found: dict[str, dict[str, Runs]] = {}
    for one in runs:
        found.setdefault(one.setting, {})[one.policy] = one
    return found


def decide_faster(runs: Sequence[Runs], asserted: tuple[str, tuple[str, ...]], pictures: str) -> Evidence:
    """Does the asserted policy of the two lower the training loss faster along all asserted axes, or along some?"""
    winner, axes = asserted
    arms = settings_of(runs)
    compared = [advantage(arm["growing"], arm["cyclical"], axis) for arm in arms.values() for axis in axes]
    won = [one for one in compared if one.winner == winner]
    ends = [float(np.median(run.training_accuracy[-1])) for run in runs if run.policy != "decaying"]
    high, reached = min(ends) >= _HIGH, f"; training accuracy ends at {min(ends):.0%} to {max(ends):.0%}"
    return Evidence(
        as_stated=len(won) == len(compared) and high,
        amended=bool(won),
        condition=_where(won, compared) + ("" if high else reached),
        found=[_found(setting, arm, compared) for setting, arm in arms.items()],
        how=f"A convolutional net on {pictures}, {EPOCHS} epochs, {runs[0].training_loss.shape[1]} seeds: batches of "
        f"{FIRST} doubled to {_largest(runs)} at the upper bound, against {FIRST} with the rate cycling every two "
        f"epochs; geometric mean of the loss ratio with a {_CENTRAL:.0%} interval over seeds, and its sign at the end; "
        f"very high accuracy: {_HIGH:.0%} or more.",
        details=_details(arms),
    )  # fmt: skip


def _largest(runs: Sequence[Runs]) -> int:
    return max(int(run.batch_size.max()) for run in runs)


def _where(won: Sequence[Advantage], compared: Sequence[Advantage]) -> str:
    # An axis on which every setting agrees is named alone.
    parts = []
    for axis in dict.fromkeys(one.axis for one in compared):
        here, all_of = [one for one in won if one.axis == axis], [one for one in compared if one.axis == axis]
        if len(here) == len(all_of):
            parts.append(f"at equal {axis}")
        elif here:
            parts.append(f"at equal {axis} with " + " or ".join(one.setting for one in here))
        else:
            parts.append(f"not at equal {axis}")
    return "; ".join(parts)


def _found(setting: str, arm: dict[str, Runs], compared: Sequence[Advantage]) -> dict[str, Any]:
    growing, cyclical = arm["growing"], arm["cyclical"]
    every = gaps_between(growing, cyclical, "epochs")
    return {
        "setting": setting,
        "loss of cyclical / growing, low, mean, high": {
            f"at equal {one.axis}": [float(f"{np.exp(ratio):.3g}") for ratio in (one.low, one.mean, one.high)]
            for one in compared if one.setting == setting
        },
        "after each epoch": [float(f"{ratio:.3g}") for ratio in np.exp(np.median(every, axis=0))],
        "last training loss": {name: _middle(run.training_loss) for name, run in arm.items()},
        "last training accuracy": {name: _middle(run.training_accuracy) for name, run in arm.items()},
        "steps": {name: len(run.lr) for name, run in arm.items()},
    }  # fmt: skip


def _details(arms: dict[str, dict[str, Runs]]) -> tuple[str, ...]:
    lines = []
    for setting, arm in arms.items():
        if "decaying" not in arm:
            continue
        growing, decaying = arm["growing"], arm["decaying"]
        gap = advantage(growing, decaying, "epochs")
        cut = len(growing.lr) / len(decaying.lr)
        lines.append(
            f"{setting}: at equal epochs and equal noise scale lr N/B the decaying rate's loss is "
            f"{np.exp(gap.mean):.3f} ({np.exp(gap.low):.3f} to {np.exp(gap.high):.3f}) times that of growing batches, "
            f"which take {cut:.0%} of the steps."
        )
    return tuple(lines)


def _middle(table: Float[np.ndarray, "readings seeds"]) -> float:
    return float(f"{np.median(table[-1]):.4g}")
