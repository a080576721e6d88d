"""AdaBoost and logistic regression on OpenML 'diabetes': are the published areas those of the held-out rows?"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import count, islice

import numpy as np
from jaxtyping import Bool, Float

from leadline.claims import Check, Evidence, Table, agrees
from leadline.core import MissingDataError
from leadline.evaluation import Areas, ScoreComparison, compare_scores, score_curves
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

POSITIVES, NEGATIVES = 55, 99  # of the source's held-out rows
SPLITS = {"quick": 40, "full": 400}  # with exactly these counts; about one seed in twelve gives them
CENTRAL = 0.95  # share of the splits between the ends of the interval
PUBLISHED_GAIN_AREAS = {"ada": Decimal("0.3798"), "logreg": Decimal("0.3722")}  # tell which split the source used
NEEDS = "the data: leadline data fetch openml-diabetes, or LEADLINE_DATA=DIR leadline report"
TITLES = {"ada": "AdaBoost", "logreg": "logistic regression"}

Labels = Bool[np.ndarray, " rows"]
HeldOut = Bool[np.ndarray, " held_out"]
Scores = Float[np.ndarray, " held_out"]


@dataclass(frozen=True, kw_only=True)
class Split:
    """What both classifiers reach on one split's held-out rows."""

    seed: int
    areas: dict[str, Areas]
    gain_areas_by_cut_ratios: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """All splits with the source's class counts, and what was measured on the one that the source used."""

    splits: tuple[Split, ...]
    used: Split | None
    comparison: ScoreComparison | None
    readings: tuple[tuple[str, float, float], ...]  # formula -> AdaBoost, logistic regression

    def over_splits(self, classifier: str, area: str) -> Float[np.ndarray, " splits"]:
        """One area of one classifier on every split."""
        return np.array([getattr(split.areas[classifier], area) for split in self.splits])


def observe(settings: Settings) -> Observation | None:
    """Fit both classifiers on splits with the source's counts; None where the data is not on this machine."""
    from sklearn import config_context

    from leadline.data import read_diabetes

    try:
        rows = read_diabetes(settings.data)
    except MissingDataError:
        return None
    seeds = islice(filter(lambda seed: _has_the_counts(rows.positive, seed), count()), SPLITS[settings.scale])
    with config_context(assume_finite=True, skip_parameter_validation=True):  # checks take longer than the stumps
        held_out = {seed: _fit(rows.measurements, rows.positive, seed) for seed in seeds}
    splits = tuple(
        Split(
            seed=seed,
            areas={name: score_curves(truth, score).areas for name, score in scores.items()},
            gain_areas_by_cut_ratios={name: cut_ratio_area(truth, score, 0.36) for name, score in scores.items()},
        )
        for seed, (truth, scores) in held_out.items()
    )
    used = next((split for split in splits if agrees(split.gain_areas_by_cut_ratios, PUBLISHED_GAIN_AREAS)), None)
    if used is None:
        return Observation(splits=splits, used=None, comparison=None, readings=())
    truth, scores = held_out[used.seed]
    comparison = compare_scores(truth, {TITLES[name]: score for name, score in scores.items()})
    return Observation(splits=splits, used=used, comparison=comparison, readings=_readings(truth, scores))


def _has_the_counts(positive: Labels, seed: int) -> bool:
    from sklearn.model_selection import train_test_split

    held_out = np.asarray(train_test_split(positive, test_size=0.2, random_state=seed)[1])
    return (held_out.sum(), (~held_out).sum()) == (POSITIVES, NEGATIVES)


def _fit(
    measurements: Float[np.ndarray, "rows features"], positive: Labels, seed: int
) -> tuple[HeldOut, dict[str, Scores]]:
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parts = train_test_split(measurements, positive, test_size=0.2, random_state=seed)
    train, test, train_truth, truth = map(np.asarray, parts)
    classifiers = {
        "ada": AdaBoostClassifier(random_state=0),
        "logreg": make_pipeline(StandardScaler(), LogisticRegression()),
    }
    return truth, {
        name: classifier.fit(train, train_truth).decision_function(test) for name, classifier in classifiers.items()
    }


def cut_ratio_area(truth: HeldOut, score: Scores, prevalence: float) -> float:
    """Trapezoids over 1 - odds · min(FP/TP, 1) and 1 - odds · min(FN/TP, 1), at the points scikit-learn keeps.

    Not AUPRG: cutting the ratios at 1 keeps every gain above 1 - odds, so the low-recall part, where recall gain is
    negative, is squeezed into the picture and what lies left of it is missing.
    """
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(truth, score)
    tp, fp = tpr * truth.sum(), fpr * (~truth).sum()
    odds = prevalence / (1 - prevalence)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain, recall_gain = (1 - odds * np.fmin(1, wrong / tp) for wrong in (fp, truth.sum() - tp))
    return float(np.trapezoid(gain, recall_gain))


def clipped_gain_area(truth: HeldOut, score: Scores) -> float:
    """Trapezoids over both gains cut to [0, 1], at every threshold."""
    curve = score_curves(truth, score).precision_recall_gain
    gain, recall_gain = (np.clip(axis, 0, 1) for axis in (curve.precision_gain, curve.recall_gain))
    return float(np.trapezoid(gain, recall_gain))


def _readings(truth: HeldOut, scores: dict[str, Scores]) -> tuple[tuple[str, float, float], ...]:
    formulas: dict[str, Callable[[HeldOut, Scores], float]] = {
        "AUPRG: exact, from recall gain 0": lambda truth, score: score_curves(truth, score).areas.auprg,
        "gains cut to [0, 1], trapezoids": clipped_gain_area,
        "FP/TP and FN/TP cut at 1, trapezoids": lambda truth, score: cut_ratio_area(truth, score, truth.mean()),
        "the same with prevalence rounded to 0.36": lambda truth, score: cut_ratio_area(truth, score, 0.36),
    }
    return tuple(
        (name, formula(truth, scores["ada"]), formula(truth, scores["logreg"])) for name, formula in formulas.items()
    )


def area_check(claim: str, classifier: str, area: str, *, altered: str, else_area: str = "") -> Check:
    """The check of a stated area: inside the central interval over the splits, and met on the split that was used."""

    def meets(observation: Observation, name: str, stated: Decimal) -> bool:
        low, _, high = _quantiles(observation.over_splits(classifier, name))
        on_split = observation.used is None or agrees(getattr(observation.used.areas[classifier], name), stated)
        return low <= float(stated) <= high and on_split

    def procedure(observation: Observation | None, stated: Decimal) -> Evidence:
        if observation is None:
            return _missing()
        values = observation.over_splits(classifier, area)
        low, middle, high = _quantiles(values)
        found = {"median_over_splits": round(middle, 4), "central_95_percent": [round(low, 4), round(high, 4)]}
        if observation.used is not None:
            on_split = observation.used.areas[classifier]
            found = {area: round(getattr(on_split, area), 6), **found}
            if else_area:
                found[else_area] = round(getattr(on_split, else_area), 6)
        return Evidence(
            as_stated=meets(observation, area, stated),
            amended=bool(else_area) and meets(observation, else_area, stated),
            condition=f"{area} is read as {else_area.replace('_', ' ')}, the step sum" if else_area else "",
            found=found,
            how=f"{TITLES[classifier]} fitted on {values.size} splits with exactly {NEGATIVES} negatives and "
            f"{POSITIVES} positives held out; the stated value must lie in the central {CENTRAL:.0%} and be met on "
            "the split that the source's figures identify.",
            details=(f"{np.mean(values < float(stated)):.0%} of these splits give less than {stated}.",
                     *_identification(observation)),
        )  # fmt: skip

    return Check(claim=claim, procedure=procedure, altered=Decimal(altered))


def decide_rank(observation: Observation | None, differ: bool) -> Evidence:
    """Do AUPR and AUPRG put the two classifiers in different order on the split that the source used?"""
    if observation is None:
        return _missing()
    if observation.used is None or observation.comparison is None:
        return Evidence(as_stated=None, how="No split gives the source's figures.", needs="the split that was used")
    margins = {area: _margin(observation.used, area) for area in ("aupr", "average_precision", "auprg")}
    orders_differ = margins["aupr"] * margins["auprg"] < 0
    over_splits = np.mean([_margin(split, "aupr") * _margin(split, "auprg") < 0 for split in observation.splits])
    intervals = {one.area: one for one in observation.comparison.differences}
    return Evidence(
        as_stated=orders_differ == differ,
        found={f"{area}_adaboost_minus_logistic": round(margin, 6) for area, margin in margins.items()},
        how="Both exact areas of both classifiers on the split that the source's figures identify.",
        details=(
            f"On {over_splits:.0%} of the splits with these class counts the two orders differ.",
            *(f"95% interval of the difference in {area}: [{intervals[area].low:.3f}, {intervals[area].high:.3f}]."
              for area in ("aupr", "auprg")),
            *_identification(observation),
        ),
    )  # fmt: skip


def _margin(split: Split, area: str) -> float:
    return getattr(split.areas["ada"], area) - getattr(split.areas["logreg"], area)


def _quantiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [(1 - CENTRAL) / 2, 0.5, (1 + CENTRAL) / 2])
    return float(low), float(middle), float(high)


def _identification(observation: Observation) -> tuple[str, ...]:
    if observation.used is None:
        return ("No split tried gives the source's figures.",)
    found = observation.used.gain_areas_by_cut_ratios
    return (
        f"With scikit-learn's train_test_split(test_size=0.2, random_state={observation.used.seed}) and standardized "
        f"inputs for logistic regression, trapezoids over FP/TP and FN/TP cut at 1, with prevalence rounded to 0.36, "
        f"give {found['ada']!r} and {found['logreg']!r}: the published areas under the gain curve.",
    )


def _missing() -> Evidence:
    return Evidence(as_stated=None, how="The data set is not on this machine.", needs=NEEDS)


def exhibit(observation: Observation | None) -> Exhibits:
    """The three plots on the split that was used, areas over splits, and what the published gain areas are."""
    if observation is None:
        return Exhibits(notes=(f"Not computed; needs {NEEDS}.",))
    rows = tuple(
        (TITLES[name], area, *(round(value, 4) for value in _quantiles(observation.over_splits(name, area))),
         None if observation.used is None else round(getattr(observation.used.areas[name], area), 4))
        for name in TITLES for area in ("auroc", "aupr", "average_precision", "aupr_trapezoid", "auprg")
    )  # fmt: skip
    spread = Table(
        title=f"Areas over {len(observation.splits)} splits with {NEGATIVES} negatives, {POSITIVES} positives",
        columns=("classifier", "area", "2.5%", "median", "97.5%", "on the source's split"),
        rows=rows,
    )
    readings = Table(title="What the published areas under the gain curve are",
                     columns=("formula", "AdaBoost", "logistic regression"), rows=observation.readings)  # fmt: skip
    comparison = observation.comparison
    if comparison is None:
        return Exhibits(tables=(spread,))
    names = {"roc": "ROC", "precision_recall": "Precision and recall", "precision_recall_gain": "Gains"}
    figures = tuple(
        picture(title, partial(comparison.draw_space, space=space), size=(4.4, 4.4),
                caption="Bands: 95% of 1000 bootstrap replicates of the held-out rows.")
        for space, title in names.items()
    )  # fmt: skip
    return Exhibits(tables=(spread, readings), figures=figures)


STUDY = Study(
    name="diabetes-curves",
    title="ROC, precision-recall and gain curves of two classifiers",
    question="Are the published areas those of AdaBoost and logistic regression on held-out diabetes rows?",
    observe=observe,
    checks=(
        area_check("e6998.2.3.auroc.ada", "ada", "auroc", altered="0.95"),
        area_check("e6998.2.3.aupr.ada", "ada", "aupr", altered="0.90", else_area="average_precision"),
        area_check("e6998.2.3.auroc.logreg", "logreg", "auroc", altered="0.95"),
        area_check("e6998.2.3.aupr.logreg", "logreg", "aupr", altered="0.90", else_area="average_precision"),
        area_check("e6998.2.3.auprg.ada", "ada", "auprg", altered="0.75"),
        area_check("e6998.2.3.auprg.logreg", "logreg", "auprg", altered="0.76"),
        Check(claim="e6998.2.3.rank", procedure=decide_rank, asserted=True, altered=False),
    ),
    exhibit=exhibit,
    data=("openml-diabetes",),
)
