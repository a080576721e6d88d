"""Which policy is faster, on made-up curves where it is known, and that the policies train as they say."""

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA

from leadline.claims import Verdict
from leadline.studies.clothing_images import Pictures
from leadline.studies.growing_batches import (
    AXES,
    EPOCHS,
    Runs,
    advantage,
    decide_faster,
    gaps_between,
    train_policies,
)
from leadline.studies.policy_pictures import draw_accuracies, draw_losses, draw_noise, draw_schedules

PER_EPOCH = 128
SPREAD = np.array([0.99, 1.0, 1.01])


def made_up(policy: str, curve: np.ndarray, *, accuracy: float = 0.95, setting: str = "found") -> Runs:
    """Readings after every epoch; the growing batches take half as many steps in each epoch as in the one before."""
    sizes = 32 * 2 ** np.arange(8) if policy == "growing" else np.full(8, 32)
    per_epoch = PER_EPOCH * 32 // sizes
    lr = np.repeat(0.1 / 2.0 ** np.arange(8) if policy == "decaying" else np.full(8, 0.1), per_epoch)
    losses = curve[:, None] * SPREAD
    accuracies = np.full(losses.shape, accuracy)
    return Runs(
        optimizer="adam", bounds=setting, policy=policy, low=0.01, high=0.1, steps=np.cumsum(per_epoch),
        epochs=np.arange(1.0, 9.0), training_loss=losses, training_accuracy=accuracies, held_out_loss=losses,
        held_out_accuracy=accuracies, lr=lr, batch_size=np.repeat(sizes, per_epoch), seconds=1.0,
    )  # fmt: skip


EPOCH = np.arange(1.0, 9.0)
SLOW, FAST = 2 * 0.9**EPOCH, 2 * 0.5**EPOCH


def test_the_advantage_of_a_constant_factor_is_its_logarithm() -> None:
    growing, cyclical = made_up("growing", 0.5 * SLOW), made_up("cyclical", SLOW)
    found = advantage(growing, cyclical, "epochs")
    assert found.mean == pytest.approx(np.log(2), rel=ALGEBRA)
    assert found.low == pytest.approx(found.high, rel=ALGEBRA)  # the seeds' factors are the same for both
    assert found.winner == "growing"
    assert advantage(cyclical, growing, "epochs").mean == pytest.approx(-np.log(2), rel=ALGEBRA)


def test_at_equal_steps_the_other_is_read_between_its_epochs() -> None:
    growing, cyclical = made_up("growing", SLOW), made_up("cyclical", FAST)
    ours = np.log(SLOW)
    theirs = np.log(2) + np.log(0.5) * growing.steps / PER_EPOCH  # exponential in its steps
    np.testing.assert_allclose(gaps_between(growing, cyclical, "steps")[1], theirs - ours, rtol=1e-9)


def test_who_is_ahead_at_first_and_behind_in_the_end_does_not_win() -> None:
    growing, cyclical = made_up("growing", SLOW), made_up("cyclical", SLOW)
    cyclical.training_loss[:] *= np.where(EPOCH < 8, 2.0, 0.9)[:, None]
    found = advantage(growing, cyclical, "epochs")
    assert found.low > 0 > found.last
    assert found.winner == ""


def test_seeds_that_disagree_have_no_winner() -> None:
    growing, cyclical = made_up("growing", SLOW), made_up("cyclical", SLOW)
    cyclical.training_loss[:] = SLOW[:, None] * np.array([0.8, 1.0, 1.3])
    assert advantage(growing, cyclical, "epochs").winner == ""


@pytest.mark.parametrize(
    ("growing", "cyclical", "accuracy", "verdict", "condition"),
    [
        (FAST, SLOW, 0.95, Verdict.HOLDS, "at equal epochs; at equal steps"),
        (FAST, SLOW, 0.8, Verdict.QUALIFIED, "at equal epochs; at equal steps; training accuracy ends at 80% to 80%"),
        (SLOW, 0.97 * SLOW, 0.95, Verdict.QUALIFIED, "not at equal epochs; at equal steps"),
        (SLOW, 0.1 * FAST, 0.95, Verdict.FAILS, "not at equal epochs; not at equal steps"),
    ],
    ids=["everywhere", "low accuracy", "by steps alone", "nowhere"],
)
def test_verdicts_name_the_axis(
    growing: np.ndarray, cyclical: np.ndarray, accuracy: float, verdict: Verdict, condition: str
) -> None:
    runs = [made_up("growing", growing, accuracy=accuracy), made_up("cyclical", cyclical, accuracy=accuracy)]
    found = decide_faster(runs, ("growing", AXES), "made-up pictures")
    assert found.verdict == verdict
    assert found.condition == condition
    assert decide_faster(runs, ("cyclical", ("steps",)), "made-up pictures").verdict != verdict


def test_settings_that_disagree_are_named() -> None:
    runs = [made_up("growing", FAST), made_up("cyclical", SLOW)]
    runs += [made_up("growing", SLOW, setting="stated"), made_up("cyclical", 0.1 * FAST, setting="stated")]
    found = decide_faster(runs, ("growing", ("epochs",)), "made-up pictures")
    assert found.verdict == Verdict.QUALIFIED
    assert found.condition == "at equal epochs with adam, found bounds 0.01 to 0.1"


def test_policies_train_as_they_say() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.rand(256, 1, 28, 28, generator=generator), torch.arange(256) % 10
    pictures = Pictures("noise", (inputs, targets), (inputs[:20], targets[:20]), real=False)
    runs = train_policies(pictures, "sgd", "found", (0.01, 0.1), seeds=2)
    cyclical, growing, decaying = runs
    assert [run.policy for run in runs] == ["cyclical", "growing", "decaying"]
    assert growing.batch_size.tolist() == [32] * 8 + [64] * 4 + [128] * 2 + [256] * 5
    assert set(decaying.batch_size.tolist()) == set(cyclical.batch_size.tolist()) == {32}
    np.testing.assert_allclose(growing.lr, 0.1, rtol=ALGEBRA)
    np.testing.assert_allclose(cyclical.lr[[0, 8, 16, 24]], [0.01, 0.1, 0.01, 0.1], rtol=ALGEBRA)
    np.testing.assert_allclose(decaying.lr[::8], 0.1 / 2.0 ** np.arange(EPOCHS), rtol=ALGEBRA)
    assert all(run.epochs[-1] == EPOCHS for run in runs)
    # Same initial parameters and data order: up to the first doubling and halving the two are one run.
    np.testing.assert_allclose(growing.training_loss[0], decaying.training_loss[1], rtol=1e-4)
    halves = slice(None, 14)  # up to the largest batch there can be, noise scales agree epoch by epoch
    np.testing.assert_allclose(
        growing.noise_scales(256)[halves], np.repeat(decaying.noise_scales(256)[::8][:3], [8, 4, 2]), rtol=ALGEBRA
    )
    assert len(train_policies(pictures, "sgd", "stated", (0.01, 0.1), seeds=2)) == 2


def test_pictures_show_every_policy() -> None:
    from matplotlib.figure import Figure

    arm = {policy: made_up(policy, SLOW) for policy in ("cyclical", "growing", "decaying")}
    for draw in (draw_losses, draw_accuracies):
        for axis in AXES:
            ax = Figure().subplots()
            draw(ax, arm=arm, axis=axis, examples=4096)
            assert axis in ax.get_xlabel()
            assert len(ax.get_legend_handles_labels()[1]) == 3
    for draw in (draw_noise, draw_schedules):
        ax = Figure().subplots()
        draw(ax, arm=arm, examples=4096)
        assert len(ax.lines) == 3
        assert ax.get_yscale() == "log"
