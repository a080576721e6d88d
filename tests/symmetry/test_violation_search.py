"""The search climbs, stays in its ball, and starts at all lengths."""

import pytest
import torch

from leadline.symmetry.comparisons import Comparison
from leadline.symmetry.violation_search import ball_around, search

DATA = torch.ones(4, 3, dtype=torch.float64)


def test_the_ball_holds_the_data_and_respects_bounds() -> None:
    ball = ball_around(DATA, (-0.5, 2.0))
    inside = ball.project(torch.tensor([[10.0, -10.0, 0.0]], dtype=torch.float64))
    assert float(inside.norm()) <= ball.radius == pytest.approx(3**0.5)
    assert float(inside.min()) == -0.5
    assert torch.equal(ball.project(DATA), DATA)


@pytest.mark.parametrize("steps", [1, 20])
def test_it_climbs_to_the_farthest_point(steps) -> None:
    direction = torch.tensor([1.0, -2.0, 1.0], dtype=torch.float64)  # at right angles to the data

    def outputs(x):
        return x.sum(1, keepdim=True) * 0, (x @ direction)[:, None]

    ball = ball_around(DATA, None)
    found = search(outputs, Comparison("outputs", 100.0), DATA, torch.zeros(4), ball, steps=steps, seed=0)
    best = float(ball.radius * direction.norm()) / 100
    assert found.relative <= best * (1 + 1e-9)
    assert (found.relative > 0.99 * best) == (steps == 20)
    assert not found.is_blind


def test_without_gradients_it_is_blind() -> None:
    def outputs(x):
        signs = x.detach().sign()
        return signs, signs.flip(-1)

    found = search(outputs, Comparison("outputs", 1.0), DATA, torch.zeros(4), ball_around(DATA, None), steps=3, seed=0)
    assert found.is_blind and found.relative == 2.0


def test_it_goes_on_from_where_outputs_were_finite() -> None:
    def outputs(x):  # without a value where the first input is negative or too large
        first = torch.where((x[:, :1] >= 0) & (x[:, :1] <= 1.2), x[:, :1], torch.nan)
        return first * 0, first

    ball = ball_around(DATA, None)
    found = search(outputs, Comparison("outputs", 10.0), DATA, torch.zeros(4), ball, steps=30, seed=0)
    assert found.left_domain
    assert 0.11 < found.relative <= 0.12
    assert 1.1 < float(found.input[0, 0]) <= 1.2


def test_a_model_without_any_other_finite_outputs_leaves_the_data() -> None:
    def outputs(x):
        one = torch.where((x == 1).all(1, keepdim=True), x, torch.inf)
        return one, one

    data = DATA.clone()
    found = search(outputs, Comparison("outputs", 1.0), data, torch.zeros(4), ball_around(data, None), steps=3, seed=0)
    assert torch.equal(found.input, data[:1])
