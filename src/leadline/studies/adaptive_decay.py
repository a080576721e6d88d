"""Are an L2 penalty and weight decay the same thing under adaptive methods?"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from leadline.claims import Check, Evidence, Table
from leadline.core import torch_generator
from leadline.optimization import EquivalentDecay, equivalent_decay
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import Recipe, initialized

_EXAMPLES = 64
_SCALES = (0.1, 0.3, 1.0, 3.0)  # of the features: their gradients differ alike
_RATES = {"sgd": 0.05, "rmsprop": 0.02, "adam": 0.02}
_PENALTY = 0.1
_FACTORS = np.geomspace(1 / 16, 16, 7)  # strengths of decay tried, around the matched one
_SAME, _DIFFERENT = 1e-9, 0.05  # distance between the ends of two runs / effect of the penalty
_SEEDS = {"quick": 3, "full": 10}


@dataclass(frozen=True)
class Observation:
    """By optimizer, the comparison on each seed."""

    by_optimizer: dict[str, tuple[EquivalentDecay, ...]]

    def distances(self, optimizer: str) -> list[float]:
        """By seed, between the run with the penalty and the nearest run with decay of any strength."""
        return [one.distance for one in self.by_optimizer[optimizer]]


def compare(optimizer: str, seed: int) -> EquivalentDecay:
    """A linear regression on features of unequal scales, decay tried at many strengths."""
    generator = torch_generator("adaptive decay", seed)
    inputs = torch.randn(_EXAMPLES, 4, generator=generator, dtype=torch.float64) * torch.tensor(_SCALES)
    targets = inputs @ torch.randn(4, 1, generator=generator, dtype=torch.float64)
    model = initialized(lambda: nn.Linear(4, 1, dtype=torch.float64), seed)
    recipe = Recipe(lr=_RATES[optimizer], steps=100, batch_size=16, loss="half_mse", optimizer=optimizer,
                    weight_decay=_PENALTY, seed=seed)  # fmt: skip
    matched = equivalent_decay(model, (inputs, targets), recipe).matched
    return equivalent_decay(model, (inputs, targets), recipe, strengths=tuple(matched * _FACTORS))


def observe(settings: Settings) -> Observation:
    seeds = range(_SEEDS[settings.scale])
    return Observation({name: tuple(compare(name, seed) for seed in seeds) for name in _RATES})


def decide(observation: Observation, optimizers: tuple[str, ...]) -> Evidence:
    """Is there, under each of these optimizers and on every seed, no strength of decay that equals the penalty?"""
    found = {name: [round(distance, 4) for distance in observation.distances(name)] for name in optimizers}
    nearest = {name: min(observation.distances(name)) for name in optimizers}
    farthest = max(observation.distances("sgd"))
    spreads = [f"{name} {np.median([one.spread for one in observation.by_optimizer[name]]):.3g}" for name in _RATES]
    return Evidence(
        as_stated=all(distance > _DIFFERENT for distance in nearest.values()),
        found=found,
        how=f"Runs with an L2 penalty of {_PENALTY:g} beside runs with decoupled decay at {len(_FACTORS)} strengths, "
        "same start and batches, over seeds: distance to the nearest in units of what the penalty changed.",
        details=(
            f"Under SGD decay of the same strength gives the same run to {max(farthest, 1e-16):.0e}: "
            f"{'identical' if farthest < _SAME else 'different'} after rescaling.",
            f"Effective decay per entry, 90 % over 10 % quantile: {', '.join(spreads)}.",
        ),
    )


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple(
        (name, seed, one.matched, one.spread, float(one.distances[len(_FACTORS) // 2]), one.distance)
        for name, each in observation.by_optimizer.items()
        for seed, one in enumerate(each)
    )
    columns = ("optimizer", "seed", "matched decay", "spread over entries", "distance at matched", "smallest distance")
    adam = observation.by_optimizer["adam"][0]
    table = Table(title="L2 penalty against decoupled decay", columns=columns, rows=rows,
                  caption=f"Penalty {_PENALTY:g}; distances in units of the penalty's own effect.")  # fmt: skip
    return Exhibits(tables=(table,), figures=(picture("Effective decay under Adam, by parameter", adam.draw),))


STUDY = Study(
    name="adaptive-decay",
    title="L2 penalty and weight decay under adaptive methods",
    question="Is there a strength of weight decay that does what an L2 penalty does, under RMSProp and Adam?",
    observe=observe,
    checks=(Check(claim="csc413b.2.3.3", procedure=decide, asserted=("rmsprop", "adam"), altered=("sgd",)),),
    exhibit=exhibit,
)
