"""A small regression problem, and rows of it to draw training sets by."""

import numpy as np


def rows_of(X, y, seed=0):
    return np.random.default_rng(seed).integers(0, len(X), (30, len(X)))


def regression_data(outputs=1, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.uniform(-1, 1, (80, 1))
    y = np.sin(3 * X + np.arange(outputs)) + 0.2 * generator.standard_normal((80, outputs))
    y = y[:, 0] if outputs == 1 else y
    return (X[:50], y[:50]), (X[50:], y[50:])
