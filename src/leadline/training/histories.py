"""What a training run or an ensemble of them went through."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn, no_grad

from leadline.core import InputError, Result
from leadline.training.steps import State

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_FEW = 8  # members that each get a curve; more are drawn as a band


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class History(Result):
    """Loss, learning rate and batch size at every step, metrics at every epoch, of every member.

    A single run is an ensemble of one. Arrays are NaN (sizes 0) after a member's last step.

    Attributes:
        loss: training loss of the batch, before the step.
        lr: learning rate of the step.
        batch_size: examples in the step's batch.
        metric_names: the first is the validation loss; empty without validation data.
        metrics: validation metrics by evaluation, member and name.
        evaluated_at: steps taken before each evaluation.
        diverged_at: by member the step whose loss was not finite; -1 where there is none. The member kept the
            parameters it had before that step.
        seeds: by member.
        examples: in the training data; 0 where unknown.
        seconds: wall-clock time of the training.
        execution: how the members were trained.
    """

    loss: Float[np.ndarray, "steps members"]
    lr: Float[np.ndarray, "steps members"]
    batch_size: Int[np.ndarray, "steps members"]
    metric_names: tuple[str, ...]
    metrics: Float[np.ndarray, "evaluations members names"]
    evaluated_at: Int[np.ndarray, "evaluations members"]
    diverged_at: Int[np.ndarray, " members"]
    seeds: tuple[int, ...]
    examples: int
    seconds: float
    execution: str

    @property
    def members(self) -> int:
        """How many models were trained."""
        return self.loss.shape[1]

    @property
    def diverged(self) -> np.ndarray:
        """By member: did its loss leave the finite numbers?"""
        return self.diverged_at >= 0

    @property
    def steps(self) -> np.ndarray:
        """By member: batches seen."""
        return (self.batch_size > 0).sum(0)

    @property
    def final_loss(self) -> np.ndarray:
        """By member: the loss of its last batch."""
        return self.loss[np.maximum(self.steps - 1, 0), np.arange(self.members)]

    def headline(self) -> str:
        last = self.final_loss[~self.diverged]
        spread = f"{np.median(last):.4g}" if len(last) else "not finite"
        if len(last) > 1:
            spread += f" (median; {last.min():.4g} to {last.max():.4g})"
        who = "1 model" if self.members == 1 else f"{self.members} models"
        lost = f", {self.diverged.sum()} diverged" if self.diverged.any() else ""
        return f"{who} trained for {self.steps.max()} steps: last training loss {spread}{lost}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per step and member; `noise_scale` is lr * examples / batch size (Smith & Le 2018)."""
        import pandas as pd

        step, member = np.nonzero(self.batch_size)
        size, lr = self.batch_size[step, member], self.lr[step, member]
        return pd.DataFrame(
            {
                "member": member,
                "step": step,
                "loss": self.loss[step, member],
                "lr": lr,
                "batch_size_examples": size,
                "noise_scale": lr * self.examples / size,
            }
        )

    def metrics_frame(self) -> "pandas.DataFrame":
        """One row per evaluation and member."""
        import pandas as pd

        evaluation, member = np.nonzero(self.evaluated_at)
        columns = {"member": member, "steps_taken": self.evaluated_at[evaluation, member]}
        columns |= {name: self.metrics[evaluation, member, i] for i, name in enumerate(self.metric_names)}
        return pd.DataFrame(columns)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        step = np.arange(1, len(self.loss) + 1)
        if self.members <= _FEW:
            alike = len(set(self.seeds)) < self.members
            for member, (seed, lr) in enumerate(zip(self.seeds, self.lr[0], strict=True)):
                label = f"member {member}, lr {lr:.3g}" if alike else f"seed {seed}"
                ax.plot(step, self.loss[:, member], linewidth=1, label=label)
        else:
            seen = np.where(np.isfinite(self.loss), self.loss, np.nan)
            some = np.isfinite(seen).any(1)
            low, middle, high = np.nanquantile(seen[some], [0.1, 0.5, 0.9], axis=1)
            ax.fill_between(step[some], low, high, alpha=0.3, linewidth=0, label="10 % to 90 %")
            ax.plot(step[some], middle, label=f"median of {self.members}")
        shown = self.loss[np.isfinite(self.loss)]
        if len(shown) and shown.min() > 0:
            ax.set_yscale("log")
        ax.set(xlabel="step", ylabel="training loss")
        if self.members > 1:
            ax.legend(fontsize="small")


@dataclass(frozen=True, eq=False, repr=False)
class Trained:
    """Trained parameters and the history of how they came about.

    Attributes:
        history: the numbers.
        states: by member the final parameters, buffers and optimizer memory.
    """

    history: History
    states: tuple[State, ...]

    def parameters(self, member: int = 0) -> dict[str, Tensor]:
        """The trained parameters of a member, by name."""
        return self.states[member].parameters

    def load_into(self, model: nn.Module, member: int = 0) -> None:
        """Write a member's parameters and buffers into a model of the same architecture.

        Raises:
            InputError: names or shapes differ.
        """
        state = self.states[member]
        ours = {**state.parameters, **state.buffers}
        theirs = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        shapes = {name: tuple(tensor.shape) for name, tensor in ours.items()}
        if shapes != {name: tuple(tensor.shape) for name, tensor in theirs.items()}:
            raise InputError(
                "Trained.load_into",
                expected="a model of the trained architecture",
                got=f"{type(model).__name__} with other parameter names or shapes",
                remedy="make it with the same constructor and arguments",
            )
        with no_grad():
            for name, tensor in theirs.items():
                tensor.copy_(ours[name])

    def __repr__(self) -> str:
        return self.history.headline()
