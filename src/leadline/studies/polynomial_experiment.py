"""A course's experiment with polynomials, run many times over: x + sin(1.5 x) on [0, 10], noise variance 0.3."""

from dataclasses import dataclass

import numpy as np

from leadline.core import numpy_generator
from leadline.generalization import BiasVariance, Population, bias_variance, polynomial_family
from leadline.generalization.linear_families import nested_fits
from leadline.generalization.squared_loss import FeatureSpace

DOMAIN, NOISE = (0.0, 10.0), 0.3
DEGREES = tuple(range(1, 16))
DATA_SETS, POINTS, TRAINING = 100, 50, 40  # 50 points, split 80/20
INTEGRATION_POINTS = 250
ANEW, KEPT = "inputs drawn anew", "inputs kept"  # in the data sets of one repetition
PENALTIES = ("legendre", "scaled monomials", "monomials")


def target(x: np.ndarray) -> np.ndarray:
    """The course's noiseless values."""
    return x + np.sin(1.5 * x)


def integration_points() -> np.ndarray:
    """Midpoints of an even partition of the domain."""
    low, high = DOMAIN
    return low + (high - low) * (np.arange(INTEGRATION_POINTS) + 0.5) / INTEGRATION_POINTS


def population(design: str, seed: int) -> Population:
    """Where the data sets of one repetition come from."""
    kept = numpy_generator("polynomial experiment", "inputs", seed).uniform(*DOMAIN, TRAINING)
    return Population(target=target, inputs=kept if design == KEPT else DOMAIN, noise_variance=NOISE)


def split_over_degrees(design: str, seed: int) -> BiasVariance:
    """Bias, variance and noise over the degrees, from one repetition of 100 data sets."""
    return bias_variance(polynomial_family(DOMAIN), population(design, seed), grid={"degree": DEGREES}, seed=seed,
                         rounds=DATA_SETS, train_size=TRAINING, test=integration_points())  # fmt: skip


def held_out_errors(design: str, seed: int) -> np.ndarray:
    """Mean squared error on the 20 % of every data set that no fit saw, per degree."""
    generator = numpy_generator("polynomial experiment", "held out", seed)
    x = generator.uniform(*DOMAIN, (1 if design == KEPT else DATA_SETS, POINTS))
    x = np.broadcast_to(x, (DATA_SETS, POINTS))
    y = target(x) + np.sqrt(NOISE) * generator.standard_normal(x.shape)
    family = polynomial_family(DOMAIN)
    features = family.features(x, DEGREES[-1])
    fits = nested_fits(features[:, :TRAINING], y[:, :TRAINING, None], columns=[degree + 1 for degree in DEGREES],
                       ridges=[0.0], root=family.penalty_root(DEGREES[-1]))  # fmt: skip
    errors = []
    for fit in fits:
        columns = fit.coefficients.shape[1]
        predicted = features[:, TRAINING:, :columns] @ fit.coefficients
        errors.append(np.square(predicted[..., 0] - y[:, TRAINING:]).mean())
    return np.array(errors)


@dataclass(frozen=True, kw_only=True)
class SmallSamples:
    """Fits to many data sets of a few points. By Pythagoras squared distance to the target is the sum of two parts.

    Args:
        approximation: distance of the best polynomial of a degree from the target, mean square over the domain.
        estimation: of the fitted from the best one, (degrees, data sets).
        training: mean squared error on the points themselves, (degrees, data sets).
    """

    degrees: tuple[int, ...]
    points: int
    approximation: np.ndarray
    estimation: np.ndarray
    training: np.ndarray

    @property
    def underfits(self) -> np.ndarray:
        """In how large a share of the data sets: the points are missed by more than noise, for want of degree."""
        short = self.approximation[:, None] > self.estimation
        return ((self.training > NOISE) & short).mean(1)

    @property
    def overfits(self) -> np.ndarray:
        """In how large a share: the points are met better than noise allows, and sampling makes most of the error."""
        loose = self.estimation > self.approximation[:, None]
        return ((self.training < NOISE) & loose).mean(1)


def small_samples(degrees: tuple[int, ...], *, points: int, data_sets: int) -> SmallSamples:
    """Fits of several degrees to data sets of `points` points each."""
    generator = numpy_generator("polynomial experiment", "small samples")
    x, y = population(ANEW, 0).draw(generator, data_sets, points)
    family, grid = polynomial_family(DOMAIN), integration_points()
    space = FeatureSpace(family.features(grid, degrees[-1]), target(grid)[:, None])
    beyond = [space.outside + np.square(space.projection[degree + 1 :]).sum() for degree in degrees]
    fits = list(nested_fits(family.features(x, degrees[-1]), y[..., None], columns=[degree + 1 for degree in degrees],
                            ridges=[0.0], root=family.penalty_root(degrees[-1])))  # fmt: skip
    approximation = np.array(beyond) / len(grid)
    distances = np.stack([space.terms(fit.coefficients).distances for fit in fits])
    return SmallSamples(degrees=degrees, points=points, approximation=approximation,
                        estimation=distances - approximation[:, None],
                        training=np.stack([fit.training_error for fit in fits]))  # fmt: skip


def one_picture(degrees: tuple[int, ...], *, points: int) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """One data set, and the fits of the degrees on the integration points."""
    x, y = population(ANEW, 0).draw(numpy_generator("polynomial experiment", "picture"), 1, points)
    family = polynomial_family(DOMAIN)
    return x[0], y[0], {degree: family(degree=degree)(x[0], y[0])(integration_points()) for degree in degrees}


def ridge_path(design: str, penalty: str, strengths: tuple[float, ...], seed: int) -> BiasVariance:
    """Bias and variance of degree 10 along ridge strengths, from one repetition of 100 data sets."""
    return bias_variance(
        polynomial_family(DOMAIN, penalty=penalty), population(design, seed), seed=seed, rounds=DATA_SETS,
        grid={"degree": [10], "ridge": strengths}, train_size=TRAINING, test=integration_points(),
    )  # fmt: skip


def share_interval(successes: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a share of the repetitions."""
    from scipy.stats import binomtest

    interval = binomtest(int(successes), int(of)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
