"""How does a batch's gradient noise depend on how it is drawn, and what does scaling the learning rate with it keep?"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import comb

import sympy as sp
import torch
from torch import nn

from leadline.claims import Check, Evidence, Table
from leadline.data import embedded_set
from leadline.optimization import BatchVariance, GradientNoise, batch_variance, gradient_noise
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study
from leadline.training import Recipe, initialized, train

POPULATIONS = ((3, 1, 4, 1, 5, 9, 2, 6), (0, 0, 0, 0, 7), (-2, 1, 1, 10, -3, 4))  # gradients of single observations
FACTORS = (2, 3, 4)
_MOST_TUPLES = 3  # drawn with replacement, all of them are enumerated up to this many


@dataclass(frozen=True)
class Draw:
    """The exact variance of the mean of n of N numbers whose variance is `single`."""

    N: int
    n: int
    single: Fraction
    variance: Fraction


@dataclass(frozen=True)
class Observation:
    """Exact variances by enumeration, and those of a network's gradient on digits, before and after training."""

    without: tuple[Draw, ...]
    with_replacement: tuple[Draw, ...]
    digits: BatchVariance
    noise: tuple[tuple[str, GradientNoise], ...]


def observe(settings: Settings) -> Observation:
    """Enumerate every batch of the small populations; sample batches of digits."""
    data = embedded_set("digits")
    arrays = torch.tensor(data.inputs / 16, dtype=torch.float32), torch.tensor(data.targets)
    model = initialized(lambda: nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)))
    draws = 40 if settings.scale == "quick" else 400
    sizes = [1, 4, 16, 64, 256, 1024, 1536]
    variance = batch_variance(model, arrays, batch_sizes=sizes, draws=draws)
    noise = [("before training", gradient_noise(model, arrays))]
    for epochs in (2, 20):
        train(model, arrays, Recipe(lr=0.5, epochs=epochs)).load_into(model)
        noise.append((f"after {epochs} more epochs", gradient_noise(model, arrays)))
    return Observation(tuple(_enumerated(replace=False)), tuple(_enumerated(replace=True)), variance, tuple(noise))


def _enumerated(*, replace: bool) -> Iterator[Draw]:
    for population in POPULATIONS:
        N = len(population)
        for n in range(1, _MOST_TUPLES + 1 if replace else N + 1):
            batches = product(population, repeat=n) if replace else combinations(population, n)
            means = [Fraction(sum(batch), n) for batch in batches]
            assert len(means) == (N**n if replace else comb(N, n))  # every batch, once
            yield Draw(N, n, _variance([Fraction(one) for one in population]), _variance(means))


def _variance(values: list[Fraction]) -> Fraction:
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)


def _formula(text: str) -> sp.Expr:
    names = {name: sp.Symbol(name, positive=True) for name in ("sigma", "n", "N", "k")}
    return sp.parse_expr(text.replace("^", "**"), local_dict=names)


def _at(formula: sp.Expr, draw: Draw) -> Fraction:
    sigma, n, N = (sp.Symbol(name, positive=True) for name in ("sigma", "n", "N"))
    sigma_squared = sp.Rational(draw.single.numerator, draw.single.denominator)
    value = sp.simplify(formula.subs({sigma: sp.sqrt(sigma_squared), n: draw.n, N: draw.N}))
    return Fraction(int(value.p), int(value.q))  # pyright: ignore[reportAttributeAccessIssue] - a Rational


def decide_variance(observation: Observation, stated: str) -> Evidence:
    """Does the stated formula give the variance of every enumerated batch mean?"""
    formula = _formula(stated)
    wrong = [draw for draw in observation.without if _at(formula, draw) != draw.variance]
    factor = "(N-n)/(N-1)"
    corrected = _formula(f"sigma^2/n*{factor}")
    law = all(_at(corrected, draw) == draw.variance for draw in observation.without)
    replaced = all(_at(formula, draw) == draw.variance for draw in observation.with_replacement)
    found = None
    if wrong:
        worst = wrong[0]
        found = {"N": worst.N, "n": worst.n, "stated": str(_at(formula, worst)), "enumerated": str(worst.variance)}
        if law:
            found["right value"] = f"sigma^2/n {factor}"
    last = observation.digits
    return Evidence(
        as_stated=not wrong,
        amended=bool(wrong) and replaced,
        condition="batches drawn with replacement (or N much larger than n)" if replaced else "",
        found=found if wrong else stated,
        how=f"All {sum(comb(d.N, d.n) for d in observation.without)} batches without and all "
        f"{sum(d.N**d.n for d in observation.with_replacement)} ordered batches with replacement of "
        f"{len(POPULATIONS)} small populations, in exact fractions.",
        details=(
            f"On {last.examples} digits batches of {last.batch_sizes[-1]} have {last.without_replacement[-1]:.3g} "
            f"without replacement (with the factor {factor}: {last.predicted_without[-1]:.3g}; without it "
            f"{last.predicted_with[-1]:.3g}).",
        ),
    )


@dataclass(frozen=True)
class Readings:
    """Noise after scaling batch and rate, over noise before, by factor k: of one step, and of one epoch's steps."""

    step: tuple[sp.Expr, ...]
    epoch: tuple[sp.Expr, ...]


def read_scaling(rate: str) -> Readings:
    """Scale the batch by k and the rate by `rate`; an epoch has k times fewer, independent steps."""
    k = sp.Symbol("k", positive=True)
    step, epoch = [], []
    for factor in FACTORS:
        scale = _formula(rate).subs(k, factor)
        variance = sp.simplify(scale**2 / factor)  # of rate^2 sigma^2 / n
        step.append(variance)
        epoch.append(sp.simplify(variance / factor))  # times N / n steps
    return Readings(tuple(step), tuple(epoch))


def decide_scaling(observation: Observation, rate: str) -> Evidence:
    """Is scaling the rate by `rate` wrong as a way to keep the noise: of a step, of an epoch?"""
    readings = read_scaling(rate)
    keeps_step, keeps_epoch = (all(one == 1 for one in ratios) for ratios in (readings.step, readings.epoch))
    one = [draw for draw in observation.with_replacement if len(POPULATIONS[0]) == draw.N]
    return Evidence(
        as_stated=not keeps_step and not keeps_epoch,
        amended=not keeps_step,
        condition="constant noise per step is wanted; per epoch (lr / batch size) the rule keeps it",
        found={"k": list(FACTORS), "noise of one step grows by": [str(r) for r in readings.step],
               "noise of one epoch grows by": [str(r) for r in readings.epoch]},
        how="Variance of rate x batch gradient for one step, and summed over the N/(kn) independent steps of an epoch, "
        "as ratios to k = 1, exactly.",
        details=(
            "The variance of one batch used here, sigma^2/n, is that of independent draws: enumerated for n = "
            + ", ".join(str(draw.n) for draw in one) + " as " + ", ".join(str(draw.variance) for draw in one) + ".",
            "Drawn without replacement through a whole epoch, at parameters that stay fixed, the noise adds up to zero "
            "under either rule: the steps add up to the whole gradient.",
        ),
    )  # fmt: skip


CHECKS = (
    Check(claim="ds541.1d", procedure=decide_variance, altered="sigma^2/n*(N-n)/(N-1)"),
    Check(claim="ds541.1f.paper", procedure=decide_scaling, asserted="k", altered="sqrt(k)"),
)


def exhibit(observation: Observation) -> Exhibits:
    """Both variances on digits, the two readings of the scaling rule, and the noise scale as training goes on."""
    rows = []
    for name in ("k", "sqrt(k)"):
        readings = read_scaling(name)
        rows += [(name, k, str(step), str(epoch))
                 for k, step, epoch in zip(FACTORS, readings.step, readings.epoch, strict=True)]  # fmt: skip
    scales = [
        (when, one.noise_scale, *one.whole.scale_interval, "yes" if one.resolved else "no", one.more_batches)
        for when, one in observation.noise
    ]
    return Exhibits(
        tables=(
            Table(title="What scaling the rate keeps when the batch grows k-fold",
                  columns=("rate times", "k", "noise of a step", "noise of an epoch"), rows=tuple(rows)),
            Table(title="Simple noise scale on digits, from 20 batches of 64",
                  columns=("", "examples", "from", "to", "resolved", "more batches needed"), rows=tuple(scales)),
        ),
        figures=(picture("Variance of a batch's gradient on digits", observation.digits.draw,
                         caption=observation.digits.headline()),),
    )  # fmt: skip


STUDY = Study(
    name="gradient-noise-and-batches",
    title="Gradient noise: how batches are drawn, and what a scaled learning rate keeps",
    question="What is the variance of a mini-batch's gradient, and which noise does the linear scaling rule keep?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
