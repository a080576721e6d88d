"""Asynchronous gradient descent with a parameter server: how many updates each gradient comes too late."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_SOURCE = "Zhang, Gupta, Lian & Liu (2016), Staleness-aware Async-SGD for Distributed Deep Learning"


@dataclass(frozen=True, kw_only=True)
class Push:
    """One gradient's way: made by a learner from weights `read`, it turned weights `update - 1` into `update`.

    Args:
        gradient: which of the learner's gradients, from 1.
        staleness: updates applied between reading and pushing.
        time: when it was pushed: in units of the speeds, or the update's number.
    """

    update: int
    learner: str
    gradient: int
    read: int
    staleness: int
    time: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Staleness(Result):
    """The staleness, in updates, of every gradient pushed to a parameter server."""

    learners: tuple[str, ...]
    pushes: tuple[Push, ...]
    timed: bool

    @property
    def values(self) -> tuple[int, ...]:
        """Staleness per gradient, in the order of the pushes."""
        return tuple(push.staleness for push in self.pushes)

    @property
    def mean(self) -> float:
        """Mean staleness in updates."""
        return sum(self.values) / len(self.values)

    @property
    def largest(self) -> int:
        """Largest staleness in updates."""
        return max(self.values)

    @property
    def histogram(self) -> dict[int, int]:
        """Number of gradients by staleness, from 0 to the largest."""
        counts = Counter(self.values)
        return {staleness: counts[staleness] for staleness in range(self.largest + 1)}

    def headline(self) -> str:
        return (
            f"{len(self.pushes)} gradients from {len(self.learners)} learners: "
            f"staleness {self.mean:.3g} updates in the mean, {self.largest} at most"
        )

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        return pd.DataFrame(
            [[push.update, push.learner, push.gradient, push.read, push.staleness, push.time] for push in self.pushes],
            columns=["update", "learner", "gradient", "read_update", "staleness_updates", "time"],
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        time_of = {0: 0.0} | {push.update: push.time for push in self.pushes}
        width = max(time_of.values())
        written = len(self.pushes) <= 40  # more labels than that cover each other
        for push in self.pushes:
            lane, start = -self.learners.index(push.learner), time_of[push.read]
            colour = "C1" if push.staleness else "C0"
            ax.annotate("", (push.time, lane), (start, lane), arrowprops={"arrowstyle": "-|>", "color": colour,
                        "lw": 1.5 + push.staleness / (1 + self.largest), "shrinkA": 5, "shrinkB": 0})  # fmt: skip
            ax.plot(start, lane, "|", color=colour, markersize=9)
            ax.axvline(push.time, color="C0", linewidth=0.5, alpha=0.4)
            if written:
                ax.annotate(str(push.staleness), ((start + push.time) / 2, lane), xytext=(0, 4),
                            textcoords="offset points", ha="center", color=colour, fontsize=10)  # fmt: skip
                ax.annotate(f"w{push.update}", (push.time, lane), xytext=(0, -12), textcoords="offset points",
                            ha="center", fontsize=8)  # fmt: skip
        ax.set_yticks([-lane for lane in range(len(self.learners))], self.learners)
        ax.set(ylim=(0.4 - len(self.learners), 0.6), xlim=(-0.02 * width, 1.04 * width))
        ax.set_xlabel("time (1 / speed)" if self.timed else "update")
        ax.set_title("From weights read to gradient pushed; numbers: staleness in updates")
        ax.grid(visible=False)


def staleness(
    push_order: Sequence[str] | None = None,
    *,
    speeds: Mapping[str, float | int] | None = None,
    pushes: int | None = None,
) -> Staleness:
    """Staleness of every gradient in asynchronous gradient descent with a parameter server.

    All learners read the first weights at the start; each reads again right after its own push. A gradient's
    staleness, in updates, is the number of updates applied between its learner's reading and its push.

    Args:
        push_order: the learner of each push, in order.
        speeds: instead of an order: gradients that each learner makes per unit of time, at a steady pace. Pushes at
            the same moment are served in the order of this mapping.
        pushes: with `speeds`, how many pushes to follow.

    Returns:
        Per gradient the update it made, the update it had read, its staleness; mean, largest, histogram; a timeline.

    Raises:
        InputError: both or neither of order and speeds, no pushes, a speed that is not positive.

    >>> staleness(["A", "B", "A", "A", "B"]).values
    (0, 1, 1, 0, 2)
    >>> staleness(speeds={"fast": 2, "slow": 0.5}, pushes=5)
    5 gradients from 2 learners: staleness 0.8 updates in the mean, 4 at most
    """
    if (push_order is None) == (speeds is None) or (pushes is None) != (speeds is None):
        raise InputError("staleness", expected="either push_order, or speeds with pushes",
                         got=f"push_order={push_order!r}, speeds={speeds!r}, pushes={pushes!r}",
                         remedy="describe the run in one of the two ways")  # fmt: skip
    if speeds is not None and pushes is not None:
        timed_order = _order(speeds, pushes)
        learners = tuple(speeds)
    else:
        timed_order = [(float(place), learner) for place, learner in enumerate(push_order or (), 1)]
        learners = tuple(sorted({learner for _, learner in timed_order}))
    if not timed_order:
        raise InputError("staleness", expected="at least one push", got="none", remedy="name the pushing learners")
    read, made, found = dict.fromkeys(learners, 0), Counter[str](), []
    for update, (time, learner) in enumerate(timed_order, 1):
        made[learner] += 1
        found.append(Push(update=update, learner=learner, gradient=made[learner], read=read[learner],
                          staleness=update - 1 - read[learner], time=time))  # fmt: skip
        read[learner] = update
    return Staleness(learners=learners, pushes=tuple(found), timed=speeds is not None, sources=(_SOURCE,))


def _order(speeds: Mapping[str, float | int], pushes: int) -> list[tuple[float, str]]:
    if pushes < 1 or not speeds or not all(0 < speed < float("inf") for speed in speeds.values()):
        raise InputError("staleness", expected="positive speeds and at least one push",
                         got=f"speeds={dict(speeds)!r}, pushes={pushes}",
                         remedy="give gradients per unit of time")  # fmt: skip
    # Fractions of the speeds as written, so that pushes which coincide on paper coincide here.
    pace = {learner: 1 / Fraction(str(speed)) for learner, speed in speeds.items()}
    made, order = dict.fromkeys(speeds, 0), []
    for _ in range(pushes):
        learner = min(pace, key=lambda one: (made[one] + 1) * pace[one])  # the first of equals
        made[learner] += 1
        order.append((float(made[learner] * pace[learner]), learner))
    return order
