"""Staleness in asynchronous gradient descent: a course's push order, and what speeds make of it."""

from dataclasses import dataclass

from leadline.claims import Check, Evidence, Table, agrees
from leadline.optimization import Staleness, staleness
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

_ORDER = ("L1", "L1", "L2", "L1", "L1", "L2")
_SPEEDS = {"L1": 1.0, "L2": 0.4}


@dataclass(frozen=True)
class Observation:
    """The push order of the course's problem, and two learners that would push at steady speeds."""

    ordered: Staleness
    timed: Staleness


def observe(settings: Settings) -> Observation:
    return Observation(staleness(_ORDER), staleness(speeds=_SPEEDS, pushes=12))


def _stated_list(observation: Observation, stated: list[int]) -> Evidence:
    found = list(observation.ordered.values)
    return Evidence(
        as_stated=agrees(found, stated),
        found=found,
        how="Each gradient's staleness counted as updates applied between its learner's reading and its push.",
        details=(f"Mean {observation.ordered.mean:.4g}, largest {observation.ordered.largest}.",),
    )


def exhibit(observation: Observation) -> Exhibits:
    frame = observation.ordered.to_frame().drop(columns="time")
    return Exhibits(
        tables=(Table(title="Staleness per gradient", columns=tuple(frame.columns),
                      rows=tuple(tuple(row) for row in frame.astype(object).to_numpy().tolist())),),
        figures=(
            picture("Pushes in the course's order", observation.ordered.draw, size=(6.4, 2.6)),
            picture("Two learners, the second at 0.4 of the first's speed", observation.timed.draw, size=(6.4, 2.6),
                    caption=observation.timed.headline()),
        ),
    )  # fmt: skip


STUDY = Study(
    name="asynchronous-staleness",
    title="Staleness of asynchronous gradients",
    question="How many updates late is each gradient that two learners push to a parameter server?",
    observe=observe,
    checks=(Check(claim="e6998.5.staleness", procedure=_stated_list, altered=[0, 0, 2, 1, 0, 3]),),
    exhibit=exhibit,
)
