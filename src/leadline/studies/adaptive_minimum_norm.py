"""Do adaptive methods find the least-norm solution of an under-determined linear regression?"""

from dataclasses import dataclass

import torch
from torch import nn

from leadline.claims import Check, Evidence, Table
from leadline.core import torch_generator
from leadline.optimization import ImplicitBias, implicit_bias
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import Optimizer, Recipe
from leadline.training.schedules import Exponential

_EXAMPLE = (torch.tensor([[2.0, 1.0]]), torch.tensor([[2.0]]))  # the course's hint: x = (2, 1), t = 2
_EXAMPLES, _FEATURES = 4, 12
_STEPS = 1000
_CONVERGED = 1e-6  # |X w - t| / |t|
_ELSEWHERE = 1e-2  # |w - w*| / |w*|: another solution
_SEEDS = {"quick": 4, "full": 20}


@dataclass(frozen=True)
class Observation:
    """By problem, where each optimizer ends; the course's example comes first."""

    problems: tuple[tuple[str, ImplicitBias], ...]

    def of(self, optimizer: str) -> list[tuple[str, float, float]]:
        """Problem, residual and distance of all its runs."""
        return [
            (problem, one.residual, one.distance)
            for problem, bias in self.problems
            for one in bias.solutions
            if one.optimizer == optimizer
        ]


def recipes(seed: int, batch_size: int) -> list[Recipe]:
    """Mini-batch training; adaptive methods need a falling rate, or they circle around their solution."""
    rules = {
        "sgd": {},
        "momentum": {"momentum": 0.5},
        "rmsprop": {"smoothing": 0.9, "eps": 1e-8},
        "adam": {},
    }
    return [
        Recipe(
            lr=0.1,
            steps=_STEPS,
            batch_size=batch_size,
            loss="half_mse",
            optimizer=Optimizer(name, eps_inside_root=name == "rmsprop"),
            schedule=Exponential(0.98) if name in ("rmsprop", "adam") else None,
            seed=seed,
            **numbers,
        )
        for name, numbers in rules.items()
    ]


def problem(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Fewer observations than features, all standard normal."""
    generator = torch_generator("adaptive minimum norm", seed)
    draw = torch.randn(_EXAMPLES, _FEATURES + 1, generator=generator, dtype=torch.float64)
    return draw[:, :-1], draw[:, -1:]


def at_zero(features: int) -> nn.Linear:
    """A linear model without bias, all weights zero."""
    model = nn.Linear(features, 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    return model


def observe(settings: Settings) -> Observation:
    found = [("x = (2, 1), t = 2", implicit_bias(at_zero(2), _EXAMPLE, recipes(0, 1)))]
    for seed in range(_SEEDS[settings.scale]):
        bias = implicit_bias(at_zero(_FEATURES), problem(seed), recipes(seed, _EXAMPLES // 2))
        found.append((f"seed {seed}", bias))
    return Observation(tuple(found))


def decide(observation: Observation, optimizer: str) -> Evidence:
    """Does this optimizer converge, on some problem, to a solution that is not the one of least norm?"""
    runs = observation.of(optimizer)
    solved = [(name, distance) for name, residual, distance in runs if residual < _CONVERGED]
    elsewhere = {name: round(distance, 4) for name, distance in solved if distance > _ELSEWHERE}
    straight = max(distance for _, _, distance in observation.of("sgd"))
    return Evidence(
        as_stated=bool(elsewhere),
        found=elsewhere
        or {"largest distance |w - w*| / |w*|": max((distance for _, distance in solved), default=None)},
        how=f"{optimizer} trained from zero on {len(runs)} under-determined problems; runs with a relative residual "
        f"below {_CONVERGED:g} are compared with the pseudo-inverse solution.",
        details=(
            f"{len(solved)} of {len(runs)} runs converged, {len(elsewhere)} of them to another solution.",
            f"SGD on the same problems ends within {straight:.1g} of the least-norm solution.",
        ),
    )


def exhibit(observation: Observation) -> Exhibits:
    rows = [
        (name, *(value.item() if hasattr(value, "item") else value for value in row))
        for name, bias in observation.problems
        for row in bias.to_frame().drop(columns="diverged").itertuples(index=False, name=None)
    ]
    columns = ("problem", "optimizer", "|Xw - t| / |t|", "|w - w*| / |w*|", "off the row space", "|w| / |w*|")
    return Exhibits(
        tables=(Table(title="Where training from zero ends", columns=columns, rows=tuple(rows)),),
        figures=(picture("On the course's example", observation.problems[0][1].draw),
                 picture(f"{_EXAMPLES} equations, {_FEATURES} weights", observation.problems[1][1].draw)),
    )  # fmt: skip


STUDY = Study(
    name="adaptive-minimum-norm",
    title="Adaptive methods and the solution of least norm",
    question="Do RMSProp and Adam, like SGD, find the solution of least norm from a start at zero?",
    observe=observe,
    checks=(
        Check(claim="csc413a.1.2.1.conclusion", procedure=decide, asserted="rmsprop", altered="sgd"),
        Check(claim="csc413b.1.2.1.generated.conclusion", procedure=decide, asserted="rmsprop", altered="momentum"),
    ),
    exhibit=exhibit,
)
