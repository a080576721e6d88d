import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from leadline.training import History, Recipe, train_ensemble

INPUTS = torch.linspace(-1, 1, 24).unsqueeze(1)
DATA = INPUTS, 3 * INPUTS


@pytest.fixture(scope="module")
def history():
    recipes = [Recipe(lr=lr, epochs=epochs, batch_size=8, loss="mse", seed=seed)
               for seed, (lr, epochs) in enumerate([(0.1, 2), (1e30, 2), (0.1, 1)])]  # fmt: skip
    return train_ensemble(lambda: nn.Linear(1, 1), DATA, recipes, validation=DATA, metrics=["mae"]).history


def test_headline(history):
    assert history.headline().startswith("3 models trained for 6 steps: last training loss ")
    assert history.headline().endswith("1 diverged")
    assert "\n" not in history.headline()


def test_frame_has_a_row_per_step_and_member(history):
    frame = history.to_frame()
    assert list(frame) == ["member", "step", "loss", "lr", "batch_size_examples", "noise_scale"]
    assert frame.groupby("member").size().tolist() == [6, history.diverged_at[1] + 1, 3]
    first = frame.iloc[0]
    assert first.noise_scale == pytest.approx(0.1 * 24 / 8)


def test_metrics_frame_has_a_row_per_evaluation(history):
    frame = history.metrics_frame()
    assert list(frame) == ["member", "steps_taken", "loss", "mae"]
    assert frame[frame.member == 0].steps_taken.tolist() == [3, 6]
    assert frame[frame.member == 2].steps_taken.tolist() == [3]


def test_summary_arrays(history):
    assert history.members == 3
    assert history.steps.tolist() == [6, history.diverged_at[1] + 1, 3]
    assert history.final_loss[2] == history.loss[2, 2]


def test_round_trip(history):
    plain = history.to_dict()
    again = History.from_dict(json.loads(json.dumps(plain, allow_nan=False)))
    assert again.to_dict() == plain
    assert again.to_frame().equals(history.to_frame())


def test_few_members_get_a_curve_each_and_many_a_band(history):
    ax = history.plot(Figure().subplots())
    assert len(ax.lines) == 3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "training loss")
    many = train_ensemble(
        lambda: nn.Linear(1, 1), DATA, [Recipe(lr=0.1, steps=5, loss="mse", seed=s) for s in range(9)]
    )
    ax = many.history.plot(Figure().subplots())
    assert (len(ax.lines), len(ax.collections)) == (1, 1)
    np.testing.assert_allclose(np.asarray(ax.lines[0].get_ydata()), np.median(many.history.loss, axis=1))


def test_trained_says_its_history():
    trained = train_ensemble(lambda: nn.Linear(1, 1), DATA, [Recipe(lr=0.1, steps=5, loss="mse")])
    assert repr(trained) == trained.history.headline()


def test_members_with_one_seed_are_told_apart_by_their_rates():
    data = torch.ones(4, 1), torch.ones(4, 1)
    recipes = [Recipe(lr=lr, steps=2, loss="mse") for lr in (0.01, 0.1)]
    ax = train_ensemble(lambda: nn.Linear(1, 1), data, recipes).history.plot()
    assert ax.get_legend_handles_labels()[1] == ["member 0, lr 0.01", "member 1, lr 0.1"]
