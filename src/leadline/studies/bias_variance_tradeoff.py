"""Which polynomial degree fits a course's target best, which ones under- and overfit, and what ridge changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leadline.claims import Check, Evidence, Figure, Table, statements
from leadline.generalization import BiasVariance
from leadline.studies.pictures import FAINT, picture
from leadline.studies.polynomial_experiment import (
    ANEW,
    DATA_SETS,
    DEGREES,
    KEPT,
    NOISE,
    PENALTIES,
    SmallSamples,
    held_out_errors,
    integration_points,
    one_picture,
    ridge_path,
    share_interval,
    small_samples,
    split_over_degrees,
    target,
)
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

SHOWN, SHOWN_POINTS = (1, 3, 10), 20
STRENGTHS = (0.0, *(10.0 ** np.arange(-6.0, 3.1, 0.75)).tolist())
LEVEL = 0.99  # of the intervals by which a share is told from one half
SMALL_SAMPLES, REPETITIONS, PATHS = (
    {"quick": 4000, "full": 40000}, {"quick": 150, "full": 2000}, {"quick": 40, "full": 600},
)  # fmt: skip
TERMS = ("bias2", "bias2_plugin", "variance", "error")
BY_PARTS, BY_HELD_OUT = "bias^2 + variance", "error on the 20 % held out"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Everything the checks look at.

    Args:
        wins: how many repetitions each degree won, by design and criterion.
        splits: the first repetition of each design.
        paths: along `STRENGTHS`, by design and penalty: one array (repetitions, strengths) for each of the terms.
    """

    small: SmallSamples
    wins: dict[tuple[str, str], np.ndarray]
    splits: dict[str, BiasVariance]
    paths: dict[tuple[str, str], dict[str, np.ndarray]]


def observe(settings: Settings) -> Observation:
    repetitions = range(REPETITIONS[settings.scale])
    wins, splits, paths = {}, {}, {}
    for design in (ANEW, KEPT):
        runs = [split_over_degrees(design, seed) for seed in repetitions]
        splits[design] = runs[0]
        wins[design, BY_PARTS] = _counted([run.best for run in runs])
        wins[design, BY_HELD_OUT] = _counted([int(held_out_errors(design, seed).argmin()) for seed in repetitions])
        for penalty in PENALTIES:
            runs = [ridge_path(design, penalty, STRENGTHS, seed) for seed in range(PATHS[settings.scale])]
            paths[design, penalty] = {term: np.stack([getattr(run, term) for run in runs]) for term in TERMS}
    small = small_samples(SHOWN, points=SHOWN_POINTS, data_sets=SMALL_SAMPLES[settings.scale])
    return Observation(small=small, wins=wins, splits=splits, paths=paths)


def _counted(places: list[int]) -> np.ndarray:
    return np.bincount(places, minlength=len(DEGREES))


def decide_fits(observation: Observation, asserted: dict[str, list[int]]) -> Evidence:
    """In most data sets: do the degrees under- and overfit as asserted, the earlier named the more strongly?"""
    small = observation.small
    data_sets = small.training.shape[1]
    shares = {"underfits": small.underfits, "overfits": small.overfits}
    mostly = {
        name: [degree for degree, share in zip(small.degrees, found, strict=True)
               if share_interval(round(share * data_sets), data_sets, LEVEL)[0] > 0.5]
        for name, found in shares.items()
    }  # fmt: skip
    named = [small.degrees.index(degree) for degree in asserted["underfits"]]
    lessening = bool((np.diff(small.approximation[named]) < 0).all())
    lessening &= bool((np.diff(small.training.mean(1)[named]) < 0).all())
    return Evidence(
        as_stated=mostly == asserted and lessening,
        found={f"degree {degree}": {"training error": round(float(small.training[place].mean()), 4),
                                    "share underfitting": round(float(shares["underfits"][place]), 4),
                                    "share overfitting": round(float(shares["overfits"][place]), 4)}
               for place, degree in enumerate(small.degrees)},
        how=(
            f"{data_sets} data sets of {small.points} points. Underfitting: training error above the noise variance "
            "and the best polynomial's distance from the target above the fit's from that polynomial; overfitting: "
            "both the other way round. A degree counts for what it does in most data sets, by an interval of "
            f"{LEVEL:.1%}."
        ),
        details=tuple(
            f"Degree {degree}: the best polynomial misses the target by {small.approximation[place]:.3g} in mean "
            f"square, a fit misses that polynomial by {np.median(small.estimation[place]):.3g} in the median."
            for place, degree in enumerate(small.degrees)
        ),
    )  # fmt: skip


def decide_best_degree(observation: Observation, asserted: int) -> Evidence:
    """Does the degree win most repetitions, in either design and by either criterion?"""
    winners = {key: DEGREES[int(counts.argmax())] for key, counts in observation.wins.items()}
    agreeing = [
        design for design in (ANEW, KEPT)
        if all(winner == asserted for (one, _), winner in winners.items() if one == design)
    ]  # fmt: skip
    sentences = []
    for (design, criterion), counts in observation.wins.items():
        winner, total = winners[design, criterion], int(counts.sum())
        low, high = share_interval(int(counts.max()), total)
        others = ", ".join(f"{DEGREES[place]} in {counts[place]}" for place in np.argsort(-counts)[1:3])
        sentences.append(f"With {design}, by {criterion}, degree {winner} wins {counts.max()} of {total} repetitions "
                         f"(share {low:.2f} to {high:.2f}), then {others}.")  # fmt: skip
    return Evidence(
        as_stated=all(winner == asserted for winner in winners.values()),
        amended=bool(agreeing),
        condition="with " + " or ".join(agreeing),
        found={f"{criterion}, {design}": winner for (design, criterion), winner in winners.items()},
        how=(
            f"The whole experiment, {DATA_SETS} data sets of 50 points split 80/20, repeated; the winner is the degree "
            "that comes out best most often. The source does not say whether all data sets share their inputs."
        ),
        details=tuple(sentences),
    )


def directions(path: dict[str, np.ndarray], term: str) -> list[str]:
    """Per strength whether in most repetitions the term is above that of no ridge, below, or neither can be told."""
    higher = (path[term][:, 1:] > path[term][:, :1]).sum(0).tolist()
    intervals = [share_interval(count, len(path[term]), LEVEL) for count in higher]
    return ["rises" if low > 0.5 else "falls" if high < 0.5 else "" for low, high in intervals]


def pattern(found: list[str]) -> list[str]:
    """The directions in their order along the path, each once, those that cannot be told left out."""
    told = [direction for direction in found if direction]
    return [direction for place, direction in enumerate(told) if place == 0 or told[place - 1] != direction]


def ridge_check(claim: str, term: str, *, asserted: list[str], altered: list[str]) -> Check:
    """Does the term move as asserted along the strengths, whatever the penalty and the design?"""

    def procedure(observation: Observation, wanted: list[str]) -> Evidence:
        told = {key: directions(path, term) for key, path in observation.paths.items()}
        patterns = {key: pattern(found) for key, found in told.items()}
        ends = [key for key, found in patterns.items() if found[-len(wanted) :] == wanted]
        holds = all(found == wanted for found in patterns.values())
        clauses = [f"{_start(told[key], wanted[-1]):.2g} ({key[1]}, {key[0]})" for key in ends]
        return Evidence(
            as_stated=holds,
            amended=bool(ends) and not holds,
            condition="for ridge strengths from about " + ", ".join(clauses) if ends and not holds else "",
            found={f"{penalty}, {design}": ", then ".join(found) for (design, penalty), found in patterns.items()},
            how=(
                f"Degree 10, {len(next(iter(observation.paths.values()))[term])} repetitions of {DATA_SETS} data sets; "
                f"three bases whose coefficients may be penalised; at each of {len(STRENGTHS) - 1} strengths the share "
                f"of repetitions in which the term is higher than without ridge, against one half ({LEVEL:.0%} "
                "interval). The source names neither strength nor basis."
            ),
            details=(*_least_errors(observation), *_at_stated_bias2(observation)),
        )

    return Check(claim=claim, procedure=procedure, asserted=asserted, altered=altered)


def _start(found: list[str], direction: str) -> float:
    # The first strength from which on the direction, where it can be told, is this one.
    other = [place for place, one in enumerate(found) if one not in ("", direction)]
    start = other[-1] + 1 if other else 0
    return STRENGTHS[1:][start + found[start:].index(direction)]


def _least_errors(observation: Observation) -> list[str]:
    sentences = []
    for (design, penalty), path in observation.paths.items():
        best = np.array(STRENGTHS)[path["error"].argmin(1)]
        low, middle, high = np.quantile(best, [0.1, 0.5, 0.9], method="nearest")
        least, none = np.median(path["error"].min(1)), np.median(path["error"][:, 0])
        sentences.append(f"{penalty} penalty, {design}: error is least at strength {middle:.2g} in the median "
                         f"({low:.2g} to {high:.2g} in eight repetitions of ten), {least:.3g} against {none:.3g} "
                         "without ridge.")  # fmt: skip
    return sentences


def _at_stated_bias2(observation: Observation) -> list[str]:
    stated = float(statements()["e6998.1.5.bias"].stated[1])
    sentences = []
    for penalty in PENALTIES:
        path = {term: np.median(values, axis=0) for term, values in observation.paths[KEPT, penalty].items()}
        strength, variance, error = at_bias2(path, stated)
        sentences.append(
            f"{penalty} penalty, {KEPT}: the stated squared bias with ridge, {stated:.4f}, belongs to strength "
            f"{strength:.2g}, with {variance / path['variance'][0]:.2f} of the variance without ridge and "
            f"{error / path['error'][0]:.2f} of the error."
        )
    plug_in = {key: pattern(directions(path, "bias2_plugin")) for key, path in observation.paths.items()}
    falling = [f"{penalty}, {design}" for (design, penalty), found in plug_in.items() if "falls" in found]
    return [
        *sentences,
        "The stated variances agree to eight digits, so they are not of two fits whose bias differs as stated; and as "
        "the strength is not given, neither figure with ridge can be met or missed.",
        f"Squared bias is freed of its plug-in part, variance/{DATA_SETS}; left in, the average over data sets falls "
        f"at some strengths with: {'; '.join(falling) or 'none'}.",
    ]


def at_bias2(path: dict[str, np.ndarray], bias2: float) -> tuple[float, float, float]:
    """The strength at which squared bias first exceeds a value, and variance and error there, by interpolation."""
    place = int(np.argmax(path["bias2"] > bias2))
    share = (bias2 - path["bias2"][place - 1]) / (path["bias2"][place] - path["bias2"][place - 1])
    strengths = np.log(np.maximum(STRENGTHS, STRENGTHS[1]))
    strength, variance, error = (
        values[place - 1] + share * (values[place] - values[place - 1])
        for values in (strengths, path["variance"], path["error"])
    )
    return float(np.exp(strength)), float(variance), float(error)


def exhibit(observation: Observation) -> Exhibits:
    rows = [
        (degree, *(int(counts[place]) for counts in observation.wins.values())) for place, degree in enumerate(DEGREES)
    ]
    wins = Table(title="Repetitions won by each degree", rows=tuple(rows),
                 columns=("degree", *(f"{criterion}, {design}" for design, criterion in observation.wins)))  # fmt: skip
    return Exhibits(tables=(wins,), figures=_figures(observation))


def _figures(observation: Observation) -> tuple[Figure, ...]:
    def fits(ax: "matplotlib.axes.Axes") -> None:
        x, y, curves = one_picture(SHOWN, points=SHOWN_POINTS)
        ax.plot(x, y, "o", color=FAINT, label="data", markersize=4)
        ax.plot(integration_points(), target(integration_points()), "--", color=FAINT, label="target")
        for degree, curve in curves.items():
            ax.plot(integration_points(), curve, label=f"degree {degree}")
        ax.set(xlabel="x", ylabel="y", ylim=(-3, 14))
        ax.legend(fontsize="small", ncols=2)

    def won(ax: "matplotlib.axes.Axes") -> None:
        width = 0.8 / len(observation.wins)
        for place, ((design, criterion), counts) in enumerate(observation.wins.items()):
            ax.bar(np.array(DEGREES) + (place - 1.5) * width, counts / counts.sum(), width,
                   label=f"{criterion}, {design}")  # fmt: skip
        ax.set(xlabel="degree", ylabel="share of repetitions won")
        ax.legend(fontsize="x-small")

    def along(design: str) -> Any:
        def draw(ax: "matplotlib.axes.Axes") -> None:
            for place, penalty in enumerate(PENALTIES):
                path = observation.paths[design, penalty]
                low, middle, high = np.quantile(path["error"][:, 1:], [0.1, 0.5, 0.9], axis=0)
                ax.plot(STRENGTHS[1:], middle, color=f"C{place}", label=f"error, {penalty}")
                ax.fill_between(STRENGTHS[1:], low, high, color=f"C{place}", alpha=0.2, linewidth=0)
                ax.plot(STRENGTHS[1:], np.maximum(np.median(path["bias2"][:, 1:], axis=0), 1e-4), ":",
                        color=f"C{place}", label=f"bias$^2$, {penalty}")  # fmt: skip
            none = float(np.median(observation.paths[design, PENALTIES[0]]["error"][:, 0]))  # the same for all three
            ax.axhline(none, color=FAINT, linestyle="--", label="error without ridge")
            ax.set(xscale="log", yscale="log", xlabel="ridge strength", ylabel="squared units of y")
            ax.legend(fontsize="x-small", ncols=2)

        return draw

    return (
        picture("Degrees 1, 3 and 10 on 20 points", fits),
        picture("Which degree wins", won),
        *(picture(f"One repetition over degrees, {design}", split.draw, caption=split.headline())
          for design, split in observation.splits.items()),
        *(picture(f"Ridge on degree 10, {design}", along(design),
                  caption="Medians over repetitions; bands hold eight of ten.") for design in (KEPT, ANEW)),
    )  # fmt: skip


STUDY = Study(
    name="bias-variance-tradeoff",
    title="Bias, variance and the degree of a polynomial",
    question=f"Which degree fits x + sin(1.5 x) with noise variance {NOISE} best, and what does ridge change?",
    observe=observe,
    checks=(
        Check(claim="e6998.1.3.underfit", procedure=decide_fits,
              asserted={"underfits": [1, 3], "overfits": [10]}, altered={"underfits": [1], "overfits": [3, 10]}),
        Check(claim="e6998.1.4.best", procedure=decide_best_degree, altered=7),
        ridge_check("e6998.1.5.bias", "bias2", asserted=["rises"], altered=["falls"]),
        ridge_check("e6998.1.5.mse", "error", asserted=["rises"], altered=["rises", "falls"]),
    ),
    exhibit=exhibit,
)  # fmt: skip
