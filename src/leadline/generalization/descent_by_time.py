"""Risk along training: exactly for a linear student of a teacher on two scales, and for a two-layer network."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from leadline.core import numpy_generator, seed_of
from leadline.generalization.descent_curves import DoubleDescent
from leadline.generalization.descent_seeds import kept_seeds
from leadline.generalization.labelled_rows import LabelledRows
from leadline.generalization.lawful_numbers import numbers
from leadline.training import Recipe, train_ensemble

# A teacher half of whose signal lies in directions of small variance, which gradient flow learns late.
FAST, SLOW, SLOW_SCALE, TEACHER_NOISE = 50, 40, 0.05, 0.5
TEACHER_SAMPLES = 100
_TIMES = np.logspace(-1, 6, 141)

# What it takes for a clear bump in a small network: label noise, momentum and a large first layer.
HIDDEN, LR, MOMENTUM, WEIGHT_DECAY, FIRST_LAYER = 256, 0.03, 0.9, 0.01, 3.0
EPOCHS, NETWORK_SAMPLES, NETWORK_NOISE = 300, 200, 0.4
_SMOOTHING = 5  # epochs: spikes of one or two do not count


def descent_of_teacher(
    values: Sequence[float | int] | np.ndarray | None, *, noise: float, samples: int, seeds: int, seed: int
) -> DoubleDescent:
    """Gradient flow on squared loss, in closed form through one singular value decomposition per seed."""
    times = _TIMES if values is None else np.unique(numbers("double_descent", "values", values, above=0))
    scales = np.concatenate([np.ones(FAST), np.full(SLOW, SLOW_SCALE)])
    curves = [_flow(numpy_generator("two-scale teacher", seed, member), times, scales, noise, samples)
              for member in range(seeds)]  # fmt: skip
    train, test = (np.stack(some) for some in zip(*curves, strict=True))
    return DoubleDescent(
        axis="time",
        model=f"linear student of a teacher with {FAST} fast and {SLOW} slow directions, gradient flow",
        values=times,
        parameters=np.full(len(times), len(scales)),
        samples=np.full(len(times), samples),
        label_noise=noise,
        loss="squared error",
        train_loss=train,
        test_loss=test,
        train_error=np.zeros((seeds, 0)),
        test_error=np.zeros((seeds, 0)),
        threshold=np.full(seeds, np.nan),
        sources=("Pezeshki, Mitra, Bengio & Lajoie 2022 (two time scales)", "Heckel & Yilmaz 2021"),
    )


def _flow(
    generator: np.random.Generator, times: np.ndarray, scales: np.ndarray, noise: float, samples: int
) -> tuple[Float[np.ndarray, " times"], Float[np.ndarray, " times"]]:
    teacher = generator.standard_normal(len(scales))
    for part in (slice(0, FAST), slice(FAST, None)):
        teacher[part] *= np.sqrt(0.5) / np.linalg.norm(scales[part] * teacher[part])
    X = generator.standard_normal((samples, len(scales))) * scales
    y = X @ teacher + noise * generator.standard_normal(samples)
    left, singular, right = np.linalg.svd(X, full_matrices=False)
    learned = -np.expm1(-np.outer(times, np.square(singular) / samples))
    seen = left.T @ y
    weights = (learned * (seen / singular)) @ right
    test = np.square(noise) + np.square((weights - teacher) * scales).sum(1)
    train = (np.square(y).sum() - np.square(seen).sum() + np.square((1 - learned) * seen).sum(1)) / samples
    return train, test


def descent_of_network(
    rows: LabelledRows,
    *,
    epochs: int = EPOCHS,
    width: int = HIDDEN,
    samples: int = NETWORK_SAMPLES,
    label_noise: float = NETWORK_NOISE,
    momentum: float = MOMENTUM,
    seeds: int,
    seed: int,
) -> DoubleDescent:
    """A ReLU network with one hidden layer on full batches; seeds differ in initial weights and label noise."""
    rows.admit(samples, labelled='model="two-scale teacher"')
    drawn = rows.drawn(seed, 0, samples, 0.0)
    unit = np.sqrt(rows.inputs.shape[1])  # every input has mean square 1 on average
    data, validation = (
        (torch.tensor(inputs * unit, dtype=torch.float32), torch.tensor(targets.argmax(1)))
        for inputs, targets in ((drawn.inputs, drawn.targets), (drawn.test_inputs, drawn.test_targets))
    )
    recipes = [
        Recipe(lr=LR, epochs=epochs, batch_size=samples, optimizer="momentum", momentum=momentum,
               weight_decay=WEIGHT_DECAY, label_noise=label_noise, seed=seed_of("double_descent", seed, member))
        for member in range(seeds)
    ]  # fmt: skip
    inputs, classes = rows.inputs.shape[1], rows.targets.shape[1]
    history = train_ensemble(
        lambda: _network(inputs, width, classes), data, recipes, validation=validation, metrics=("accuracy",)
    ).history
    kept, left_out = kept_seeds(history.diverged)
    return DoubleDescent(
        axis="epochs",
        model=f"network of {width} hidden units, momentum {momentum:g}, first layer {FIRST_LAYER:g} x He",
        values=np.arange(1.0, epochs + 1),
        parameters=np.full(epochs, width * (inputs + 1 + classes) + classes),
        samples=np.full(epochs, samples),
        label_noise=label_noise,
        loss="cross-entropy",
        train_loss=history.loss.T[kept],
        test_loss=history.metrics[:, kept, 0].T,
        train_error=np.zeros((len(kept), 0)),
        test_error=1 - history.metrics[:, kept, history.metric_names.index("accuracy")].T,
        threshold=np.full(len(kept), np.nan),
        outputs=classes,
        left_out=tuple(np.flatnonzero(history.diverged).tolist()),
        smoothing=_SMOOTHING,
        caveats=("training loss is that before the epoch's step, on noisy labels",
                 "clear only with label noise, momentum and a large first layer",
                 "all seeds share the training rows", *left_out),
        sources=("Nakkiran, Kaplun, Bansal, Yang, Barak & Sutskever 2020 (epoch-wise double descent)",),
    )  # fmt: skip


def _network(inputs: int, width: int, classes: int) -> nn.Sequential:
    first, last = nn.Linear(inputs, width), nn.Linear(width, classes)
    for layer, factor in ((first, FIRST_LAYER), (last, 1.0)):
        nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layer.weight.mul_(factor)
    return nn.Sequential(first, nn.ReLU(), last)
