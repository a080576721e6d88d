"""One grid point of a bias-variance split, made from predictions or from coefficients."""

from dataclasses import dataclass

import numpy as np

from leadline.generalization.squared_loss import SquaredTerms
from leadline.generalization.zero_one_loss import Labels, domingos_terms, kohavi_wolpert_terms, resampled_totals

_DOMINANT = 0.2  # share of the summed error that one round must not exceed if intervals are to mean what they say


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """One grid point; the fields are those of `BiasVariance`."""

    bias2_plugin: float
    variance_plugin: float
    noise: float
    training_error: float
    replicates: tuple[np.ndarray, np.ndarray, np.ndarray]  # error, bias2, variance
    point: dict[str, np.ndarray]
    gap: float
    notes: tuple[str, ...] = ()


def squared_row(terms: SquaredTerms, *, noise: float, training_error: float, notes: tuple[str, ...] = ()) -> GridRow:
    """The row of a squared loss, plug-in bias taken out."""
    rounds = len(terms.distances)
    bias2 = terms.pseudo_bias2
    variance = terms.point_variance * rounds / (rounds - 1)
    if not np.isfinite(terms.distances).all():
        notes += ("predictions that are not finite: this grid point has no error",)
    elif rounds >= 3 / _DOMINANT and terms.distances.max() > _DOMINANT * terms.distances.sum():
        share = terms.distances.max() / terms.distances.sum()
        notes += (f"at some grid point one training set of {rounds} makes up over {_DOMINANT:.0%} of the summed error "
                  f"(here {share:.0%}): heavy tails, in which means and intervals say little",)  # fmt: skip
    return GridRow(
        bias2_plugin=float(terms.point_bias2.mean()),
        variance_plugin=float(terms.point_variance.mean()),
        noise=noise,
        training_error=training_error,
        replicates=(noise + terms.distances, bias2, terms.distances - bias2),
        point={
            "prediction": terms.point_prediction,
            "bias2": terms.point_bias2 - variance / rounds,
            "variance": variance,
            "noise": np.full(len(variance), noise),
        },
        gap=terms.gap,
        notes=notes,
    )


def kohavi_wolpert_row(labels: Labels, *, training_error: float) -> GridRow:
    """The row of 0-1 loss as half the squared loss of indicators, whose mean over classes the terms are."""
    terms, scale = kohavi_wolpert_terms(labels), len(labels.classes) / 2
    row = squared_row(terms, noise=0.0, training_error=training_error)
    noise = 0.5 * (1 - np.square(labels.true_probabilities).sum(1))
    wrong = 1 - np.take_along_axis(labels.true_probabilities, labels.predictions.T, axis=1).mean(0)
    bias2_plugin, variance_plugin = scale * row.bias2_plugin, scale * row.variance_plugin
    bias2 = scale * row.replicates[1]
    return GridRow(
        bias2_plugin=bias2_plugin,
        variance_plugin=variance_plugin,
        noise=float(noise.mean()),
        training_error=training_error,
        replicates=(wrong, bias2, wrong - noise.mean() - bias2),
        point={
            "prediction": labels.classes[labels.indicators.mean(0).argmax(1)],
            "bias2": scale * row.point["bias2"],
            "variance": scale * row.point["variance"],
            "noise": noise,
        },
        gap=abs(float(wrong.mean() - noise.mean()) - bias2_plugin - variance_plugin),
    )


def domingos_row(labels: Labels, *, training_error: float, seed: int) -> GridRow:
    """The row of 0-1 loss with main predictions; its standard errors come from rounds drawn with replacement."""
    terms = domingos_terms(labels)
    totals, resamples = terms.totals, resampled_totals(labels, seed)
    # Spread so that the standard error of their mean is the spread of the resampled totals.
    error, bias, variance = (totals + np.sqrt(len(resamples)) * (resamples - resamples.mean(0))).T
    notes = (f"{terms.ties} main predictions are ties, settled for the first class",) if terms.ties else ()
    return GridRow(
        bias2_plugin=float(totals[1]),
        variance_plugin=float(totals[2]),
        noise=float((terms.c1 * terms.noise).mean()),
        training_error=training_error,
        replicates=(error, bias, variance),
        point={
            "prediction": labels.classes[terms.main],
            "bias2": terms.bias,
            "variance": terms.c2 * terms.variance,
            "noise": terms.c1 * terms.noise,
            "c1": terms.c1,
            "c2": terms.c2,
        },
        gap=terms.gap,
        notes=notes,
    )
