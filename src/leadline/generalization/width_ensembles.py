"""Two-layer networks of one width, trained as one ensemble, and what they reach on training and test rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from leadline.core import seed_of
from leadline.generalization.labelled_rows import DrawnRows
from leadline.models import mlp
from leadline.training import Cosine, Recipe, train_ensemble
from leadline.training.batches import noisy

STEADY = 25  # hidden units above which the rate falls with the root of the width, or wide networks jump about
MEASURES = ("train_loss", "test_loss", "train_error", "test_error")


@dataclass(frozen=True, kw_only=True)
class Training:
    """How all of them are trained: by default long enough for a clear peak on a thousand rows.

    Attributes:
        lr: peak of the cosine schedule, up to `STEADY` hidden units.
        epochs: passes over the rows.
        batches: in each; 1: the gradient is that of all rows.
    """

    lr: float = 0.05
    epochs: int = 400
    batches: int = 1


USUAL = Training()


@dataclass(frozen=True, kw_only=True)
class NetworkSetting:
    """What networks of one width may differ in.

    Attributes:
        label_noise: share of training labels replaced by another class.
        weight_decay: decoupled from the gradient; 0: none.
        seed: of initial weights, order of rows, and label noise.
    """

    label_noise: float = 0.2
    weight_decay: float = 0.0
    seed: int = 0


def parameters_of(inputs: int, width: int, classes: int) -> int:
    """Weights and biases of a network with one hidden layer.

    >>> parameters_of(64, 10, 10)
    760
    """
    return width * (inputs + 1 + classes) + classes


def train_width(
    rows: DrawnRows, width: int, settings: Sequence[NetworkSetting], *, training: Training = USUAL
) -> list[dict[str, float]]:
    """Train all networks of one width at once; their losses (cross-entropy) and errors after the last step.

    ReLU, biases, AdamW with a cosine schedule. No weights are taken over from narrower networks, which would make
    peaks of their own. Training loss and error are on the noisy labels that were trained on.

    Args:
        rows: to train and test on; targets have one column per class.
        width: hidden units.
        settings: one per network.
        training: the same for all.
    """
    samples, inputs = rows.inputs.shape
    scale = np.sqrt(inputs)  # every input has mean square 1 on average
    X, test_X = (torch.tensor(part * scale, dtype=torch.float32) for part in (rows.inputs, rows.test_inputs))
    y, test_y = (torch.tensor(part.argmax(1)) for part in (rows.targets, rows.test_targets))
    rate, size = training.lr * min(1.0, (STEADY / width) ** 0.5), max(1, samples // training.batches)
    recipes = [
        Recipe(lr=rate, epochs=training.epochs, batch_size=size, drop_last=True, optimizer="adamw", schedule=Cosine(),
               weight_decay=one.weight_decay, label_noise=one.label_noise, seed=seed_of("width ensemble", one.seed))
        for one in settings
    ]  # fmt: skip
    widths = (inputs, width, rows.targets.shape[1])
    trained = train_ensemble(lambda: _network(widths), (X, y), recipes)
    model, measured = mlp(widths), []
    for member, recipe in enumerate(recipes):
        seen = noisy(y, recipe.label_noise, recipe.seed_for("noise")) if recipe.label_noise else y
        on_training, on_test = (
            _reached(model, trained.parameters(member), *part) for part in ((X, seen), (test_X, test_y))
        )
        figures = dict(zip(MEASURES, (on_training[0], on_test[0], on_training[1], on_test[1]), strict=True))
        measured.append(figures | {"diverged": bool(trained.history.diverged[member])})
    return measured


def _network(widths: tuple[int, int, int]) -> nn.Sequential:
    model = mlp(widths)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def _reached(
    model: nn.Module, parameters: dict[str, torch.Tensor], X: torch.Tensor, y: torch.Tensor
) -> tuple[float, float]:
    with torch.no_grad():
        outputs = functional_call(model, parameters, (X,))
        return float(cross_entropy(outputs, y)), float((outputs.argmax(1) != y).double().mean())
