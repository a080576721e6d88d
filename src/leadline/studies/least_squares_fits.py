"""What do least squares, maximum likelihood and least absolute deviations give for a linear model?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leadline.claims import Table
from leadline.claims.assertions import IdentityProcedure, Remark, decided, decisions_table, identity_check
from leadline.claims.identities import Decision
from leadline.claims.premises import Premises, Quantity, sizes
from leadline.core import numpy_generator
from leadline.data import embedded_set
from leadline.generalization import (
    LeastAbsoluteDeviations,
    LinearGaussianFit,
    least_absolute_deviations,
    linear_gaussian_fit,
)
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

# y ~ N(X w, s2); the constant -n/2 log(2 pi) is left out.
LINEAR_GAUSSIAN = Premises(
    quantities=(
        Quantity("X", ("n", "d")), Quantity("w", ("d",)), Quantity("y", ("n",)), Quantity("s2", domain="positive"),
    ),
    definitions=("squares = |X w - y|^2", "loglik = 0 - squares/(2 s2) - n/2 log(s2)"),
    small=(sizes(n=2, d=1), sizes(n=3, d=2)),
    large=(sizes(n=9, d=4), sizes(n=6, d=5)),
)  # fmt: skip
FEW_OBSERVATIONS = Premises(
    LINEAR_GAUSSIAN.quantities, LINEAR_GAUSSIAN.definitions, small=(sizes(n=2, d=3),), large=(sizes(n=4, d=9),)
)
LEAST_SQUARES = "(X'X)^-1 X'y"

DRAWS, ROWS = {"quick": 200, "full": 4000}, 80  # of the simulation
WEIGHTS = np.array([1.0, -2.0, 0.5])  # the last is the intercept
# By name: draws of so many rows, and the limit of the absolute fit's variance over the squared one's.
NOISES: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], float]] = {
    "Gaussian": (np.random.Generator.standard_normal, np.pi / 2),
    "Laplace": (lambda generator, rows: generator.laplace(size=rows), 1 / 2),
}


CHECKS = (
    identity_check(
        "ds541.5.w",
        IdentityProcedure(
            premises=LINEAR_GAUSSIAN,
            # Stationary for the likelihood and for the squares, and above every other w.
            templates=(
                "at(grad(loglik, w), w, {0}) = 0",
                "at(grad(squares, w), w, {0}) = 0",
                "at(loglik, w, {0}) - loglik = |X (w - {0})|^2/(2 s2)",
            ),
            correct=(LEAST_SQUARES,),
            remarks=(Remark("With fewer observations than features", f"at(grad(loglik, w), w, {LEAST_SQUARES}) = 0",
                            FEW_OBSERVATIONS),),
        ),
        asserted=LEAST_SQUARES,
        altered="(X'X)^-1 X'y/n",
    ),
    identity_check(
        "ds541.5.sigma",
        IdentityProcedure(
            premises=LINEAR_GAUSSIAN,
            # Increasing below the asserted variance and decreasing above it, at every w.
            templates=("grad(loglik, s2) = n/(2 s2^2) ({} - s2)",),
            correct=("mean (X w - y)^2",),
        ),
        asserted="mean (X w - y)^2",
        altered="n/(n - 1) mean (X w - y)^2",
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Both fits of many data sets with known weights.

    Attributes:
        squared_variance, absolute_variance: of the weights, mean over weights.
        squared_coverage, absolute_coverage: how often 95 % intervals hold the true weight.
        limit: of the variances' ratio for many rows.
    """

    noise: str
    squared_variance: float
    absolute_variance: float
    squared_coverage: float
    absolute_coverage: float
    limit: float


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The decisions, the two fits of one data set, and how both do where the truth is known."""

    decisions: tuple[tuple[str, Decision], ...]
    squared: LinearGaussianFit
    absolute: LeastAbsoluteDeviations
    squared_mae: float
    simulated: tuple[Simulated, ...]
    draws: int


def simulated(noise: str, draws: int) -> Simulated:
    """Fit both ways, draw after draw."""
    draw, limit = NOISES[noise]
    found = np.zeros((2, draws, len(WEIGHTS)))
    covered = np.zeros((2, draws, len(WEIGHTS)), dtype=bool)
    for number in range(draws):
        generator = numpy_generator("least squares fits", noise, number)
        X = generator.standard_normal((ROWS, len(WEIGHTS) - 1))
        y = X @ WEIGHTS[:-1] + WEIGHTS[-1] + draw(generator, ROWS)
        for place, fit in enumerate((linear_gaussian_fit(X, y), least_absolute_deviations(X, y))):
            low, high = fit.intervals.T
            found[place, number], covered[place, number] = fit.weights, (low <= WEIGHTS) & (high >= WEIGHTS)
    variances, shares = np.square(found - WEIGHTS).mean((1, 2)), covered.mean((1, 2))
    return Simulated(noise=noise, squared_variance=float(variances[0]), absolute_variance=float(variances[1]),
                     squared_coverage=float(shares[0]), absolute_coverage=float(shares[1]), limit=limit)  # fmt: skip


def observe(settings: Settings) -> Observation:
    """Decide the formulas of the likelihood's maximum; fit the embedded diabetes regression; simulate."""
    diabetes = embedded_set("diabetes-regression")
    X = (diabetes.inputs - diabetes.inputs.mean(0)) / diabetes.inputs.std(0)
    names = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    squared = linear_gaussian_fit(X, diabetes.targets, names=names)
    residuals = X @ squared.weights[:-1] + squared.weights[-1] - diabetes.targets
    return Observation(
        decisions=tuple(decided(CHECKS)),
        squared=squared,
        absolute=least_absolute_deviations(X, diabetes.targets, names=names),
        squared_mae=float(np.abs(residuals).mean()),
        simulated=tuple(simulated(noise, DRAWS[settings.scale]) for noise in NOISES),
        draws=DRAWS[settings.scale],
    )


def exhibit(observation: Observation) -> Exhibits:
    """The decisions, both fits with intervals, and what the simulation says of them."""
    squared, absolute = observation.squared, observation.absolute
    pairs = zip(squared.names, squared.weights, squared.intervals, absolute.weights, absolute.intervals, strict=True)
    weights = Table(
        title="Two fits of one data set",
        columns=("feature", "least squares", "95 % interval", "least absolute deviations", "95 % interval "),
        rows=tuple((name, f"{w:.2f}", f"{low:.2f} to {high:.2f}", f"{v:.2f}", f"{down:.2f} to {up:.2f}")
                   for name, w, (low, high), v, (down, up) in pairs),
        caption=f"Embedded diabetes regression, features standardized. Noise variance {squared.variance_ml:.1f} by "
        f"maximum likelihood, {squared.variance:.1f} without bias [{squared.variance_low:.1f}, "
        f"{squared.variance_high:.1f}]; log likelihood {squared.log_likelihood:.1f}. Mean absolute error: "
        f"{absolute.mae:.3f} for the fit that makes it least, {observation.squared_mae:.3f} for least squares.",
    )  # fmt: skip
    rows = tuple(
        (one.noise, f"{one.squared_variance:.4f}", f"{one.absolute_variance:.4f}",
         f"{one.absolute_variance / one.squared_variance:.2f}", f"{one.limit:.2f}",
         f"{one.squared_coverage:.1%}", f"{one.absolute_coverage:.1%}")
        for one in observation.simulated
    )  # fmt: skip
    simulation = Table(
        title="Which loss for which noise",
        columns=("noise", "variance, squares", "variance, absolute", "ratio", "limit", "cover, squares",
                 "cover, absolute"),
        rows=rows,
        caption=f"{observation.draws} data sets of {ROWS} rows with known weights; how often 95 % intervals hold them. "
        "Each loss is the likelihood of one of the two kinds of noise, and wins under it.",
    )  # fmt: skip
    figure = picture("Weights by loss", lambda ax: draw_fits(ax, squared, absolute), size=(6.4, 4.4))
    decisions = decisions_table("Maximum of the likelihood", list(observation.decisions))
    return Exhibits(tables=(decisions, weights, simulation), figures=(figure,),
                    notes=(squared.headline(), absolute.headline()))  # fmt: skip


def draw_fits(ax: "matplotlib.axes.Axes", squared: LinearGaussianFit, absolute: LeastAbsoluteDeviations) -> None:
    """Both fits' weights with intervals."""
    squared.draw_beside(ax, lower=-0.12, label="least squares")
    absolute.draw_beside(ax, lower=0.12, label="least absolute deviations")
    ax.axvline(0.0, color="C3", linewidth=1)


STUDY = Study(
    name="least-squares-fits",
    title="Least squares and maximum likelihood",
    question="Which weights do least squares, maximum likelihood and least absolute deviations give, and how surely?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
