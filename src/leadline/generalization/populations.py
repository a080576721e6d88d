"""Where data sets come from when the truth is known: inputs, a target function, noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadline.core import InputError

TEST_POINTS = 1000


@dataclass(frozen=True, kw_only=True)
class Population:
    """A known target observed with noise.

    Args:
        target: inputs (n, ...) -> noiseless values (n,) or (n, outputs), or labels of any type (n,).
        inputs: an interval for one uniform input; or a sampler (generator, n) -> (n, ...); or an array, which is the
            same in every data set, so that only the noise is drawn anew.
        noise_variance: variance of the Gaussian noise on each value.
        label_noise: for labels, the probability that one is replaced by another class, all others being as likely.
        classes: the labels, needed with `label_noise`.
    """

    target: Callable[[np.ndarray], Any]
    inputs: tuple[int | float, int | float] | Callable[[np.random.Generator, int], np.ndarray] | np.ndarray
    noise_variance: int | float = 0.0
    label_noise: int | float = 0.0
    classes: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        shares = self.noise_variance >= 0 and 0 <= self.label_noise < 1
        if not shares or (self.label_noise and len(self.classes) < 2):
            raise InputError(
                "Population", expected="noise_variance >= 0, label_noise in [0, 1) with at least two classes",
                got=f"{self.noise_variance}, {self.label_noise} with {len(self.classes)} classes",
                remedy="name the classes and a share",
            )  # fmt: skip

    def draw_inputs(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """`count` inputs, drawn anew or the ones that are kept."""
        if isinstance(self.inputs, np.ndarray):
            return np.resize(self.inputs, (count, *self.inputs.shape[1:]))
        if isinstance(self.inputs, tuple):
            low, high = self.inputs
            return generator.uniform(low, high, count)
        return np.asarray(self.inputs(generator, count))

    def draw(self, generator: np.random.Generator, rounds: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and noisy targets of `rounds` independent data sets: (rounds, size, ...)."""
        inputs = self.draw_inputs(generator, rounds * size)
        targets = np.asarray(self.target(inputs))
        if self.noise_variance:
            targets = targets + np.sqrt(self.noise_variance) * generator.standard_normal(targets.shape)
        if self.label_noise:
            targets = self._relabelled(targets, generator)
        return inputs.reshape(rounds, size, *inputs.shape[1:]), targets.reshape(rounds, size, *targets.shape[1:])

    def default_test_inputs(self, generator: np.random.Generator) -> np.ndarray:
        """Midpoints of an even partition of the interval (no sampling error in the integral), or draws."""
        if isinstance(self.inputs, np.ndarray):
            raise InputError(
                "bias_variance", expected="test inputs, as the population keeps its training inputs", got="none",
                remedy="pass test=array of inputs",
            )  # fmt: skip
        if isinstance(self.inputs, tuple):
            low, high = self.inputs
            return low + (high - low) * (np.arange(TEST_POINTS) + 0.5) / TEST_POINTS
        return self.draw_inputs(generator, TEST_POINTS)

    def _relabelled(self, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        classes = np.asarray(self.classes)
        places = (labels[:, None] == classes).argmax(1)
        changed = generator.random(len(labels)) < self.label_noise
        shift = generator.integers(1, len(classes), len(labels))
        return classes[np.where(changed, (places + shift) % len(classes), places)]
