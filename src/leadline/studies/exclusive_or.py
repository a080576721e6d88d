"""What can no linear model do on four points, and what does a first hidden layer change?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
import torch
from jaxtyping import Bool, Float, Int
from torch import nn

from leadline.claims import Table, value_check
from leadline.models import mlp
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import Recipe, initialized, train_ensemble

if TYPE_CHECKING:
    import matplotlib.axes

POINTS = np.array(list(product((0, 1), repeat=2)))
XOR = POINTS[:, 0] ^ POINTS[:, 1]
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"ReLU": nn.ReLU, "tanh": nn.Tanh}
HIDDEN = (1, 2, 4, 8)
SEEDS, STEPS = {"quick": 100, "full": 1000}, {"quick": 500, "full": 4000}
LR = 0.3
# Goodfellow, Bengio & Courville 2016, section 6.1: hidden weights, hidden biases, output weights; the output bias is 0.
KNOWN = np.array([[1, 1], [1, 1]]), np.array([0, -1]), np.array([1, -2])
SETTLED = 0.01  # share of the loss
INFEASIBLE = 2  # linprog's status


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Networks 2-h-1 of one activation, by seed.

    Attributes:
        right: points on the right side of 1/2 after training.
        settled: has the loss fallen by less than 1 % over the last half of the training?
        separable_before, separable: could a threshold unit on the hidden layer get all four right?
    """

    activation: str
    hidden: int
    right: Int[np.ndarray, " seeds"]
    settled: Bool[np.ndarray, " seeds"]
    separable_before: Bool[np.ndarray, " seeds"]
    separable: Bool[np.ndarray, " seeds"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The linear models, exactly, and the networks."""

    squared: dict[str, Any]
    squared_numeric: tuple[float, ...]
    logistic: dict[str, Any]
    labelings: tuple[tuple[tuple[int, ...], int], ...]  # labels of the points -> most that a half-plane gets right
    known_hidden: Int[np.ndarray, "points 2"]
    known_outputs: Int[np.ndarray, " points"]
    networks: tuple[Runs, ...]


def squared_fit() -> dict[str, Any]:
    """The one stationary point of the mean squared error of w'x + b, by SymPy."""
    w1, w2, b = unknowns = sympy.symbols("w1 w2 b")
    loss = sum((w1 * x1 + w2 * x2 + b - (x1 ^ x2)) ** 2 for x1, x2 in POINTS.tolist()) / sympy.Integer(4)
    system, right = sympy.linear_eq_to_matrix([sympy.diff(loss, name) for name in unknowns], unknowns)
    *weights, bias = (float(value) for value in system.LUsolve(right))  # raises where the solution is not unique
    return {"w": weights, "b": bias}


def logistic_fit() -> dict[str, Any]:
    """Gradient and least curvature of the mean logistic loss at w = 0, b = 0, by SymPy.

    The loss is convex; a positive least eigenvalue of its Hessian makes the stationary point the only one.
    """
    unknowns = sympy.symbols("w1 w2 b")
    loss = sympy.Integer(0)
    for (x1, x2), label in zip(POINTS.tolist(), XOR.tolist(), strict=True):
        score = unknowns[0] * x1 + unknowns[1] * x2 + unknowns[2]
        loss += sympy.log(1 + sympy.exp(-score if label else score)) / 4
    zero = dict.fromkeys(unknowns, 0)
    gradient = [sympy.simplify(sympy.diff(loss, name).subs(zero)) for name in unknowns]
    curvature = sympy.hessian(loss, unknowns).subs(zero)
    least = min(float(sympy.re(value)) for value in np.linalg.eigvalsh(np.array(curvature, dtype=float)))
    return {"gradient": [float(part) for part in gradient], "least_curvature": least, "loss": float(loss.subs(zero))}


def separates(features: Float[np.ndarray, "points features"], labels: np.ndarray) -> bool:
    """Is there w, b with w'x + b >= 1 where the label is 1 and <= -1 where it is 0? Decided by a linear program.

    >>> separates(POINTS.astype(float), POINTS[:, 0] & POINTS[:, 1]), separates(POINTS.astype(float), XOR)
    (True, False)
    """
    from scipy.optimize import linprog

    signs = 2.0 * labels - 1
    rows = signs[:, None] * np.column_stack([features, np.ones(len(features))])
    solved: Any = linprog(np.zeros(rows.shape[1]), A_ub=-rows, b_ub=-np.ones(len(rows)), bounds=(None, None))
    return solved.status != INFEASIBLE


def most_right(labels: np.ndarray) -> int:
    """How many of the four points the best half-plane gets right."""
    for count in range(len(POINTS), 0, -1):
        for some in map(list, combinations(range(len(POINTS)), count)):
            if separates(POINTS[some].astype(float), labels[some]):
                return count
    return 0


def known_network() -> tuple[np.ndarray, np.ndarray]:
    """Hidden units and output of the textbook's network on the four points, in whole numbers."""
    weights, biases, out = KNOWN
    hidden = np.maximum(POINTS @ weights + biases, 0)
    return hidden, hidden @ out


def network_runs(activation: str, hidden: int, seeds: int, steps: int) -> Runs:
    """Train 2-h-1 networks on the four points from torch's own initial weights."""

    def make() -> nn.Sequential:
        return mlp([2, hidden, 1], activation=ACTIVATIONS[activation]).double()

    data = POINTS.astype(float), XOR[:, None].astype(float)
    recipes = [Recipe(lr=LR, steps=steps, batch_size=len(POINTS), loss="mse", seed=seed) for seed in range(seeds)]
    trained = train_ensemble(make, data, recipes)
    model, right, separable = make(), [], []
    before = [_hidden(initialized(make, seed)) for seed in range(seeds)]
    for seed in range(seeds):
        trained.load_into(model, seed)
        right.append(int(((_outputs(model) > 0.5) == XOR).sum()))
        separable.append(separates(_hidden(model), XOR))
    loss = trained.history.loss
    return Runs(activation=activation, hidden=hidden, right=np.array(right), separable=np.array(separable),
                settled=loss[-1] > (1 - SETTLED) * loss[steps // 2],
                separable_before=np.array([separates(units, XOR) for units in before]))  # fmt: skip


def _hidden(model: nn.Module) -> np.ndarray:
    assert isinstance(model, nn.Sequential)
    with torch.no_grad():
        return model[:2](torch.from_numpy(POINTS.astype(float))).numpy()


def _outputs(model: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model(torch.from_numpy(POINTS.astype(float))).numpy()[:, 0]


def observe(settings: Settings) -> Observation:
    """Fit the linear models, go through all labelings, train the networks."""
    design = np.column_stack([POINTS, np.ones(len(POINTS))])
    numeric = np.linalg.lstsq(design, XOR, rcond=None)[0]
    hidden, outputs = known_network()
    sizes = SEEDS[settings.scale], STEPS[settings.scale]
    return Observation(
        squared=squared_fit(),
        squared_numeric=tuple(float(value) for value in numeric),
        logistic=logistic_fit(),
        labelings=tuple((labels, most_right(np.array(labels))) for labels in product((0, 1), repeat=len(POINTS))),
        known_hidden=hidden,
        known_outputs=outputs,
        networks=tuple(network_runs(name, width, *sizes) for name in ACTIVATIONS for width in HIDDEN),
    )


def exhibit(observation: Observation) -> Exhibits:
    """The linear models, the share of networks that solve it, and the hidden layer's picture."""
    seeds = len(observation.networks[0].right)
    unsolved = [labels for labels, most in observation.labelings if most < len(POINTS)]
    most = dict(observation.labelings)[tuple(XOR.tolist())]
    weights, loss = observation.squared, observation.logistic["loss"]
    linear = Table(
        title="The best linear models",
        columns=("loss", "best weights and bias", "what it predicts", "points right"),
        rows=(
            ("squared", f"{_plain(weights['w'])}, {weights['b']:g}", f"{weights['b']:g} everywhere", "ties"),
            ("logistic", "(0, 0), 0", f"probability 1/2 everywhere; loss log 2 = {loss:.4f}", "ties"),
            ("0-1 (threshold unit)", "many", f"{most} of 4 points", f"{most} of 4"),
        ),
        caption=f"Of all {len(observation.labelings)} ways to label the four points a half-plane gets all but "
        f"{len(unsolved)}: {' and '.join(map(_plain, unsolved))}, XOR and its opposite (linear programs).",
    )
    rows = tuple(
        (runs.activation, runs.hidden, *map(_share, (runs.right == 4, runs.separable, runs.separable_before)),
         f"{(runs.settled & (runs.right < 4)).sum()} of {(runs.right < 4).sum()}",
         " ".join(f"{count}: {(runs.right == count).sum()}" for count in range(5) if (runs.right == count).any()))
        for runs in observation.networks
    )  # fmt: skip
    networks = Table(
        title="Networks 2-h-1 that solve it",
        columns=("activation", "h", "all four right", "hidden layer separates", "before training",
                 "of the others, settled", "seeds by points right"),
        rows=rows,
        caption=f"{seeds} seeds, torch's own initial weights, gradient descent on the squared error at {LR}; 95 % "
        "Wilson intervals. Settled: the loss fell by less than 1 % over the last half of the training.",
    )  # fmt: skip
    outputs = _plain(observation.known_outputs)
    figures = (
        picture("The four points, and a half-plane that gets three", draw_points, size=(4.2, 3.8)),
        picture("The same points in a hidden layer", partial(draw_hidden, hidden=observation.known_hidden),
                size=(4.2, 3.8), caption=f"ReLU network of Goodfellow et al. 2016, section 6.1; its outputs are "
                f"{outputs}: both points of class 1 have become one, and a line separates."),
        picture("Share of networks that solve it", partial(draw_shares, networks=observation.networks),
                caption="95 % Wilson intervals"),
    )  # fmt: skip
    notes = (
        "The points of both classes have one centre, (1/2, 1/2), so no line has them on different sides: the sum of "
        "a linear score over the two points of class 1 is its sum over those of class 0.",
        "One hidden unit is no help: what follows it is a function of one linear score, monotone here.",
        "Two units suffice, as the textbook's network shows, yet gradient descent from random weights does not always "
        "find such a solution; with more units than needed it is likelier to.",
    )
    return Exhibits(tables=(linear, networks), figures=figures, notes=notes)


def _share(yes: np.ndarray) -> str:
    low, high = _wilson(yes)
    return f"{yes.mean():.2f} [{low:.2f}, {high:.2f}]"


def _wilson(yes: np.ndarray) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(int(yes.sum()), len(yes)).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _plain(values: Sequence[Any] | np.ndarray) -> str:
    return f"({', '.join(f'{float(value):g}' for value in values)})"


def draw_points(ax: "matplotlib.axes.Axes") -> None:
    """XOR in the plane of its inputs."""
    _scatter(ax, POINTS, "x1", "x2")
    ax.plot([-0.4, 1.4], [1.9, 0.1], color="C2", label="x1 + x2 = 3/2")
    ax.legend(fontsize="small", loc="upper right")


def draw_hidden(ax: "matplotlib.axes.Axes", hidden: np.ndarray) -> None:
    """XOR in the plane of the textbook's hidden units."""
    _scatter(ax, hidden, "h1 = relu(x1 + x2)", "h2 = relu(x1 + x2 - 1)")
    across = np.array([-0.3, 2.3])
    ax.plot(across, (across - 0.5) / 2, color="C2", label="h1 - 2 h2 = 1/2")
    ax.legend(fontsize="small", loc="upper left")


def _scatter(ax: "matplotlib.axes.Axes", points: np.ndarray, first: str, second: str) -> None:
    for label, (marker, colour) in enumerate((("o", "C0"), ("s", "C1"))):
        some = points[label == XOR]
        ax.plot(some[:, 0], some[:, 1], marker, color=colour, markersize=8, label=f"XOR = {label}")
    for place, inputs in zip(points, POINTS, strict=True):
        other = (points == place).all(1).sum() > 1 and tuple(inputs) == (1, 0)  # two points in one place
        ax.annotate(f"({inputs[0]}, {inputs[1]})", place, textcoords="offset points",
                    xytext=(8, -12 if other else 6), fontsize="small")  # fmt: skip
    ax.set(xlabel=first, ylabel=second)
    ax.margins(0.25)


def draw_shares(ax: "matplotlib.axes.Axes", networks: Sequence[Runs]) -> None:
    """By width and activation, with intervals."""
    for name in ACTIVATIONS:
        some = [runs for runs in networks if runs.activation == name]
        shares = np.array([(runs.right == 4).mean() for runs in some])
        low, high = np.array([_wilson(runs.right == 4) for runs in some]).T
        ends = [np.maximum(shares - low, 0), np.maximum(high - shares, 0)]
        ax.errorbar([runs.hidden for runs in some], shares, yerr=ends, fmt="o-", markersize=4, capsize=3, label=name)
    ax.set_xscale("log", base=2)
    ax.set_xticks([runs.hidden for runs in networks], [str(runs.hidden) for runs in networks])
    ax.set(xlabel="hidden units", ylabel="share of seeds with all four right", ylim=(-0.03, 1.05))
    ax.legend(fontsize="small")


STUDY = Study(
    name="exclusive-or",
    title="XOR: what a linear model cannot do",
    question="What do the best linear models make of XOR, and what does a first hidden layer change?",
    observe=observe,
    checks=(
        value_check(
            "ds541.2",
            lambda observed: observed.squared,
            "SymPy solves gradient = 0 for the four points; the solution is unique.",
            altered={"w": [1, 1], "b": Decimal("0.0")},
        ),
    ),
    exhibit=exhibit,
)
