"""A grid search whose members train as one ensemble; apart from the errands, which do without torch."""

from typing import Any

import torch
from errands import note
from torch import nn

from leadline.core import numpy_generator
from leadline.sweep import takes_batch
from leadline.training import Recipe, train_ensemble


def recipe_of(one: dict[str, Any]) -> Recipe:
    """How a member of `searched` is trained."""
    return Recipe(lr=one["lr"], weight_decay=one["weight_decay"], momentum=one["momentum"], seed=one["seed"],
                  optimizer="momentum", loss="mse", steps=12, batch_size=8)  # fmt: skip


def network() -> nn.Module:
    """What a member of `searched` trains."""
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def rows_to_fit() -> tuple[torch.Tensor, torch.Tensor]:
    """On what."""
    X = torch.from_numpy(numpy_generator("rows to fit").standard_normal((40, 3)))
    return X, (X.prod(1) + X[:, 0]).unsqueeze(1)


@takes_batch(alike=("log",))
def searched(members: list[dict[str, Any]]) -> list[Any]:
    """A grid search as one ensemble; notes how many were in it."""
    note(members[0]["log"], len(members))
    trained = train_ensemble(network, rows_to_fit(), [recipe_of(one) for one in members])
    return [{"loss": loss, "first": trained.parameters(place)["0.weight"].numpy()}
            for place, loss in enumerate(trained.history.final_loss.tolist())]  # fmt: skip
