import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import ALGEBRA
from torch.optim import lr_scheduler

from leadline.core import InputError
from leadline.training import BatchGrowth, Constant, Cosine, Cyclical, Exponential, OneCycle, StepDecay, WarmUp

TOTAL, LR = 40, 0.3


def torch_rates(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler, rates = make(optimizer), []
    for _ in range(TOTAL):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def cyclic(mode, gamma=1.0):
    return lambda optimizer: lr_scheduler.CyclicLR(
        optimizer, base_lr=0.2 * LR, max_lr=LR, step_size_up=7, mode=mode, gamma=gamma, cycle_momentum=False
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Constant(), lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
        (StepDecay(every=7, factor=0.3), lambda o: lr_scheduler.StepLR(o, 7, 0.3)),
        (Exponential(0.9), lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
        (Cosine(final=0.1), lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL, eta_min=0.1 * LR)),
        (OneCycle(), lambda o: lr_scheduler.OneCycleLR(o, LR, total_steps=TOTAL + 1, cycle_momentum=False)),
        (Cyclical(7, low=0.2), cyclic("triangular")),
        (Cyclical(7, low=0.2, policy="triangular2"), cyclic("triangular2")),
        (Cyclical(7, low=0.2, policy="exp_range", factor=0.95), cyclic("exp_range", 0.95)),
        (WarmUp(10, start=0.25), lambda o: lr_scheduler.LinearLR(o, 0.25, 1.0, total_iters=10)),
    ],
)
def test_schedules_equal_those_of_torch(ours, theirs):
    total = TOTAL + 1 if isinstance(ours, OneCycle) else TOTAL  # torch steps once more at the end
    rates = LR * ours(np.arange(TOTAL), total)
    np.testing.assert_allclose(rates, torch_rates(theirs), rtol=ALGEBRA, atol=ALGEBRA)


def test_warm_up_then_cosine_joins_at_the_top():
    factors = WarmUp(5, then=Cosine())(np.arange(25), 25)
    assert factors.argmax() == 5
    np.testing.assert_allclose(factors[5:], Cosine()(np.arange(20), 20), rtol=ALGEBRA)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(
    st.sampled_from(
        [Constant(), StepDecay(3), Exponential(0.9), Cosine(), OneCycle(), Cyclical(4), WarmUp(3, then=Cosine())]
    ),
    st.integers(1, 60),
)
def test_a_schedule_is_a_pure_function_of_the_step(schedule, total):
    together = schedule(np.arange(total), total)
    assert together.max() <= 1 + ALGEBRA
    assert together.min() >= 0
    one_by_one = [schedule(np.array([step]), total)[0] for step in range(total)]
    np.testing.assert_allclose(one_by_one, together, rtol=ALGEBRA, atol=ALGEBRA)


def test_batch_growth():
    growth = BatchGrowth(factor=1.1, every=1, largest=13)
    assert [growth(epoch, 10) for epoch in range(5)] == [10, 11, 12, 13, 13]


def test_unknown_policy():
    with pytest.raises(InputError, match="a policy triangular, triangular2 or exp_range"):
        Cyclical(3, policy="saw")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(0), "StepDecay: expected every above 0, got 0"),
        (lambda: Cyclical(0), "Cyclical: expected half_period above 0, got 0"),
        (lambda: BatchGrowth(factor=2.0, every=0), "BatchGrowth: expected every above 0, got 0"),
        (lambda: BatchGrowth(factor=float("nan"), every=1), "BatchGrowth: expected factor above 0, got nan"),
    ],
)
def test_numbers_that_no_schedule_has(make, message):
    with pytest.raises(InputError, match=message):
        make()
