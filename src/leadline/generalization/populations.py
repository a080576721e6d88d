"""Where data sets come from when the truth is known: inputs, a target function, noise."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadline.core import refuse
from leadline.generalization.lawful_numbers import interval, number

TEST_POINTS = 1000
_OPERATION = "Population"


@dataclass(frozen=True, kw_only=True)
class Population:
    """A known target observed with noise.

    Args:
        target: inputs (n, ...) -> noiseless values (n,) or (n, outputs), or labels of any type (n,).
        inputs: an interval for one uniform input, of which the target gets n values, shape (n,); or a sampler
            (generator, n) -> (n, ...); or an array, which is the same in every data set, so that only the noise is
            drawn anew.
        noise_variance: variance of the Gaussian noise on each value.
        label_noise: for labels, the probability that one is replaced by another class, all others being as likely.
        classes: the labels, needed with `label_noise`; the target has no others.

    Raises:
        InputError: noise out of range or without classes, or inputs that are none of the three.
    """

    target: Callable[[np.ndarray], Any]
    inputs: tuple[int | float, int | float] | Callable[[np.random.Generator, int], np.ndarray] | np.ndarray
    noise_variance: int | float = 0.0
    label_noise: int | float = 0.0
    classes: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        number(_OPERATION, "noise_variance", self.noise_variance, least=0)
        number(_OPERATION, "label_noise", self.label_noise, least=0, below=1)
        if self.label_noise and len(self.classes) < 2:
            refuse(_OPERATION, "at least two classes with label_noise", self.classes, "name them")
        if isinstance(self.inputs, tuple):
            interval(_OPERATION, "inputs", self.inputs)
        elif not (callable(self.inputs) or (isinstance(self.inputs, np.ndarray) and self.inputs.size)):
            refuse(_OPERATION, "inputs: an interval (low, high), a sampler (generator, n), or an array", self.inputs,
                   "pass one of these")  # fmt: skip

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
        targets = self.truth(inputs)
        if self.noise_variance:
            targets = targets + np.sqrt(self.noise_variance) * generator.standard_normal(targets.shape)
        if self.label_noise:
            targets = self._relabelled(targets, generator)
        return inputs.reshape(rounds, size, *inputs.shape[1:]), targets.reshape(rounds, size, *targets.shape[1:])

    def truth(self, inputs: np.ndarray) -> np.ndarray:
        """Noiseless targets, every one among the classes where these are named.

        Raises:
            InputError: a target function that gives another number of targets, or labels that are no class.
        """
        targets = np.asarray(self.target(inputs))
        if targets.ndim not in (1, 2) or len(targets) != len(inputs):
            refuse(_OPERATION, f"a target function of shape ({len(inputs)},) for as many inputs", targets.shape,
                   "give every input one target, or one row of them")  # fmt: skip
        if self.classes:
            known = targets.ndim == 1 and self._matches(targets).any(1)
            if not np.all(known):
                strange = repr(targets[~known][0]) if targets.ndim == 1 else str(targets.shape)
                refuse(_OPERATION, f"targets (n,) among the classes {self.classes}", strange, "name all classes")
        return targets

    def default_test_inputs(self, generator: np.random.Generator) -> np.ndarray:
        """Midpoints of an even partition of the interval (no sampling error in the integral), or draws."""
        if isinstance(self.inputs, np.ndarray):
            refuse("bias_variance", "test inputs, as the population keeps its training inputs", "none",
                   "pass test=array of inputs")  # fmt: skip
        if isinstance(self.inputs, tuple):
            low, high = self.inputs
            return low + (high - low) * (np.arange(TEST_POINTS) + 0.5) / TEST_POINTS
        return self.draw_inputs(generator, TEST_POINTS)

    def _relabelled(self, labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        classes = np.asarray(self.classes)
        places = self._matches(labels).argmax(1)
        changed = generator.random(len(labels)) < self.label_noise
        shift = generator.integers(1, len(classes), len(labels))
        return classes[np.where(changed, (places + shift) % len(classes), places)]

    def _matches(self, labels: np.ndarray) -> np.ndarray:
        return labels[:, None] == np.asarray(self.classes)
