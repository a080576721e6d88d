"""0-1 loss, split in the two ways that the literature knows.

Domingos: error = c1 noise + bias + c2 variance, with the main prediction (the mode over rounds) in the place of the
mean. Kohavi and Wolpert: squared loss of indicator vectors, halved; its bias is squared, its terms need no factors.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from leadline.core import numpy_generator, refuse
from leadline.generalization.squared_loss import SquaredTerms, terms_of_predictions

_RESAMPLES = 100
_OPERATION, _REMEDY = "bias_variance", "let the model predict labels"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of any type as places in the sorted list of classes."""

    classes: np.ndarray
    occurring: Bool[np.ndarray, " classes"]  # which classes a label may have; the others are predictions only
    predictions: Int[np.ndarray, "rounds points"]
    truth: Int[np.ndarray, " points"]
    label_noise: float  # probability that the true label is replaced by another that occurs, all others alike

    @property
    def indicators(self) -> Float[np.ndarray, "rounds points classes"]:
        """One where a class is predicted."""
        return np.eye(len(self.classes))[self.predictions]

    @property
    def true_probabilities(self) -> Float[np.ndarray, "points classes"]:
        """Of the label of a test point."""
        rest = self.occurring * self.label_noise / max(self.occurring.sum() - 1, 1)
        return np.where(np.eye(len(self.classes), dtype=bool)[self.truth], 1 - self.label_noise, rest)


def encoded(predictions: np.ndarray, truth: np.ndarray, known: np.ndarray, label_noise: float) -> Labels:
    """Labels as numbers, refusing to compare text with numbers, or what are no labels at all.

    Args:
        predictions: (rounds, points).
        truth: (points,).
        known: labels that occur in the population or in training.
        label_noise: as in `Population`.

    Raises:
        InputError: predictions of another type than the labels, or none of which is among these.
    """
    kinds = {_kind(predictions), _kind(truth), _kind(known)}
    if len(kinds) > 1:
        refuse(_OPERATION, "predictions of the same type as the labels", " and ".join(sorted(kinds)), _REMEDY)
    values, places = np.unique(np.concatenate([known, truth, predictions.ravel()]), return_inverse=True)
    labels, predicted = np.split(places, [len(known) + len(truth)])
    occurring = np.isin(np.arange(len(values)), labels)
    if not occurring[predicted].any():
        refuse(_OPERATION, f"predictions among the labels {np.unique(known)}"[:200],
               f"none of these, {values[predicted[0]]} for one", _REMEDY)  # fmt: skip
    return Labels(classes=values, occurring=occurring, truth=labels[len(known) :], label_noise=label_noise,
                  predictions=predicted.reshape(predictions.shape))  # fmt: skip


def _kind(labels: np.ndarray) -> str:
    if labels.dtype.kind == "O":
        return "text" if all(isinstance(label, str) for label in labels.flat) else "objects"
    return "text" if labels.dtype.kind in "US" else "numbers"


@dataclass(frozen=True, kw_only=True)
class DomingosTerms:
    """One grid point; arrays are per test point, factors included in none of them."""

    main: Int[np.ndarray, " points"]  # mode of the predictions; the first class of equals
    bias: Float[np.ndarray, " points"]  # 1 where the main prediction is not the best one
    variance: Float[np.ndarray, " points"]  # share of rounds that differ from the main prediction
    noise: Float[np.ndarray, " points"]  # probability that a label is not the likeliest one
    c1: Float[np.ndarray, " points"]
    c2: Float[np.ndarray, " points"]
    error: Float[np.ndarray, " points"]  # expected loss, counted apart from the others
    ties: int

    @property
    def totals(self) -> Float[np.ndarray, " 3"]:
        """Means over test points of the error, the bias and c2 variance."""
        return np.array([self.error.mean(), self.bias.mean(), (self.c2 * self.variance).mean()])

    @property
    def gap(self) -> float:
        """Largest distance of the error from c1 noise + bias + c2 variance."""
        return float(np.abs(self.error - self.c1 * self.noise - self.bias - self.c2 * self.variance).max())


def domingos_terms(labels: Labels) -> DomingosTerms:
    """The split of Domingos from all predictions."""
    return _from_shares(labels.indicators.mean(0), labels)


def _from_shares(shares: Float[np.ndarray, "points classes"], labels: Labels) -> DomingosTerms:
    places = np.arange(len(labels.truth))
    # The best prediction is the likeliest label: the true one, unless noise makes every other one likelier.
    best = labels.true_probabilities.argmax(1)
    main = shares.argmax(1)
    right, noise = shares[places, best], 1 - labels.true_probabilities[places, best]
    variance = 1 - shares[places, main]
    unbiased = main == best
    differing = np.where(unbiased | (variance == 0), 1.0, variance)
    # P(label = prediction | both differ from the best one), by the labels' probabilities
    others = labels.true_probabilities.copy()
    others[places, best] = 0.0
    meeting = (shares * others).sum(1) / np.where(noise > 0, noise, 1.0)
    return DomingosTerms(
        main=main,
        bias=np.where(unbiased, 0.0, 1.0),
        variance=variance,
        noise=noise,
        c1=right - meeting,
        c2=np.where(unbiased, 1.0, -right / differing),
        error=1 - (shares * labels.true_probabilities).sum(1),
        ties=int(((shares == shares.max(1, keepdims=True)).sum(1) > 1).sum()),
    )


def resampled_totals(labels: Labels, seed: int) -> Float[np.ndarray, "resamples 3"]:
    """`DomingosTerms.totals` of rounds drawn with replacement: the mode has no useful jackknife."""
    rounds, points = labels.predictions.shape
    flat = labels.indicators.reshape(rounds, -1)
    weights = numpy_generator("bias_variance", seed, "resamples").multinomial(
        rounds, np.full(rounds, 1 / rounds), _RESAMPLES
    )
    totals = [
        _from_shares((weight @ flat).reshape(points, -1) / rounds, labels).totals for weight in weights.astype(float)
    ]
    return np.array(totals)


def kohavi_wolpert_terms(labels: Labels) -> SquaredTerms:
    """Half the squared loss of indicator vectors: `outputs / 2` times its mean over outputs."""
    return terms_of_predictions(labels.indicators, labels.true_probabilities)
