"""Networks of one width: as each would be by itself, measured as by hand."""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from leadline.core import seed_of
from leadline.generalization.labelled_rows import rows_of
from leadline.generalization.width_ensembles import (
    STEADY,
    NetworkSetting,
    Training,
    _network,
    parameters_of,
    train_width,
)
from leadline.models import mlp
from leadline.training import Cosine, Recipe, initialized, train
from leadline.training.batches import noisy

SINGLE = 1e-5  # float32 sums in another order
ROWS = rows_of(None).drawn(0, 0, 60, 0.0)
SHORT = Training(lr=0.01, epochs=5, batches=10)


@pytest.mark.parametrize("width", [4, 2 * STEADY])
def test_figures_are_those_of_a_training_run_by_itself(width):
    one = NetworkSetting(label_noise=0.25, weight_decay=0.5, seed=3)
    figures = train_width(ROWS, width, [NetworkSetting(seed=9), one], training=SHORT)[1]
    lr = SHORT.lr / np.sqrt(2) if width > STEADY else SHORT.lr
    recipe = Recipe(lr=lr, epochs=5, batch_size=6, optimizer="adamw", weight_decay=0.5, schedule=Cosine(),
                    label_noise=0.25, seed=seed_of("width ensemble", 3))  # fmt: skip
    X, test_X = (torch.tensor(8 * part, dtype=torch.float32) for part in (ROWS.inputs, ROWS.test_inputs))
    y, test_y = (torch.tensor(part.argmax(1)) for part in (ROWS.targets, ROWS.test_targets))
    model = initialized(lambda: _network((64, width, 10)), recipe.seed)
    parameters = train(model, (X, y), recipe).parameters()
    seen = noisy(y, 0.25, recipe.seed)
    assert (seen != y).sum() == 15
    for part, inputs, targets in (("train", X, seen), ("test", test_X, test_y)):
        outputs = functional_call(mlp([64, width, 10]), parameters, (inputs,)).double()
        loss = -torch.log_softmax(outputs, 1)[torch.arange(len(targets)), targets].mean()
        np.testing.assert_allclose(figures[f"{part}_loss"], float(loss), rtol=SINGLE)
        wrong = sum(int(row.argmax()) != int(target) for row, target in zip(outputs, targets, strict=True))
        assert figures[f"{part}_error"] == wrong / len(targets)


def test_who_else_is_in_the_ensemble_does_not_matter():
    settings = [NetworkSetting(label_noise=noise, seed=seed) for noise in (0.0, 0.3) for seed in range(3)]
    together = train_width(ROWS, 5, settings, training=SHORT)
    assert train_width(ROWS, 5, settings[4:5], training=SHORT) == together[4:5]
    assert len({one["train_loss"] for one in together}) == len(settings)


def test_parameters_are_those_of_the_network():
    assert parameters_of(7, 5, 3) == sum(one.numel() for one in mlp([7, 5, 3]).parameters())


def test_a_wide_network_fits_wrong_labels_and_a_narrow_one_does_not():
    narrow, wide = (train_width(ROWS, width, [NetworkSetting(label_noise=0.5)], training=Training(epochs=150))[0]
                    for width in (1, 100))  # fmt: skip
    assert wide["train_error"] == 0 < 0.3 < narrow["train_error"]
    assert wide["test_error"] > 0.3
