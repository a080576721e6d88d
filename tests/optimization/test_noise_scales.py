"""The noise scale against all per-example gradients, its intervals against repeated samples, and what it refuses."""

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA, STANDARD_ERRORS
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from leadline.core import InputError
from leadline.optimization import gradient_noise
from leadline.optimization.ratio_of_means import estimates, likely_needed, read_noise


def problem(examples: int = 60) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.ReLU(), nn.Linear(5, 3)).double()
    return model, (torch.randn(examples, 4, dtype=torch.float64), torch.randint(0, 3, (examples,)))


def gradients_of(model: nn.Module, data) -> np.ndarray:
    rows = []
    for x, y in zip(*data, strict=True):
        loss = nn.functional.cross_entropy(model(x[None]), y[None])
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))]))
    return torch.stack(rows).numpy()


def test_on_all_examples_it_is_exact() -> None:
    model, data = problem()
    rows = gradients_of(model, data)
    found = gradient_noise(model, data, batch_size=7, batches=100)
    trace, norm = rows.var(0).sum(), np.square(rows.mean(0)).sum()
    assert found.used == 60
    assert found.trace == pytest.approx(trace, rel=ALGEBRA)
    assert found.squared_norm == pytest.approx(norm, rel=ALGEBRA)
    assert found.noise_scale == pytest.approx(trace / norm, rel=ALGEBRA)
    assert found.whole.scale_interval == pytest.approx((found.noise_scale, found.noise_scale))
    assert found.resolved
    assert "exact for these data" in found.headline()
    np.testing.assert_allclose(np.sort(found.example_squared_norms), np.sort(np.square(rows).sum(1)), rtol=ALGEBRA)


def test_layers_add_up_to_the_whole() -> None:
    model, data = problem()
    found = gradient_noise(model, data, batch_size=6, batches=4)
    assert [one.layer for one in found.layers] == ["0", "1", "3"]
    assert [one.by_rule for one in found.layers] == [True, False, True]
    assert sum(one.reading.trace for one in found.layers) == pytest.approx(found.trace, rel=ALGEBRA)
    assert sum(one.reading.squared_norm for one in found.layers) == pytest.approx(found.squared_norm, rel=ALGEBRA)
    assert any("by vmap: 1" in caveat for caveat in found.caveats)


def population(examples: int, mean: float) -> np.ndarray:
    generator = np.random.default_rng(3)
    return generator.standard_normal((examples, 6)) + mean


def sample_reading(rows: np.ndarray, size: int, batches: int, generator: np.random.Generator, confidence=0.9):
    some = rows[generator.permutation(len(rows))[: size * batches]].reshape(batches, size, -1)
    totals = some.sum(1)
    return read_noise(np.square(some).sum((1, 2)), totals @ totals.T, np.full(batches, float(size)),
                      population=len(rows), confidence=confidence)  # fmt: skip


def test_estimates_have_no_bias_from_a_finite_population() -> None:
    rows, generator = population(200, 0.2), np.random.default_rng(0)
    trace, norm = rows.var(0).sum(), np.square(rows.mean(0)).sum()
    found = np.array([
        [reading.trace, reading.squared_norm]
        for reading in (sample_reading(rows, 10, 8, generator) for _ in range(400))
    ])  # fmt: skip
    error = found.std(0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(0) - [trace, norm]) < STANDARD_ERRORS * error)


@pytest.mark.parametrize("mean", [0.4, 0.15])
def test_intervals_cover_the_truth_as_often_as_they_say(mean: float) -> None:
    rows, generator = population(4000, mean), np.random.default_rng(1)
    true = rows.var(0).sum() / np.square(rows.mean(0)).sum()
    readings = [sample_reading(rows, 16, 12, generator) for _ in range(400)]
    covered = np.mean([low <= true <= high for low, high in (reading.scale_interval for reading in readings)])
    assert 0.85 <= covered <= 0.96  # 90 % asked for
    assert all(low <= r.scale <= high or not r.resolved for r in readings for low, high in [r.scale_interval])


def test_the_estimator_at_the_whole_population_needs_no_correction() -> None:
    trace, norm = estimates(3.0, 1.0, 10, 10)
    assert float(trace) == pytest.approx(2.0)
    assert float(norm) == pytest.approx(1.0)


def hidden(mean: float = 0.05) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """One weight whose gradients are minus the targets."""
    generator = torch.Generator().manual_seed(5)
    inputs = torch.ones(20_000, 1, dtype=torch.float64)
    targets = torch.randn(20_000, 1, generator=generator, dtype=torch.float64) + mean
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.zeros_(model.weight)
    return model, (inputs, targets)


def test_noise_that_hides_the_gradient_is_said_to_be_unresolved_and_more_batches_help() -> None:
    model, data = hidden()
    few = gradient_noise(model, data, loss="half_mse", batch_size=16, batches=8)
    assert not few.resolved
    assert few.whole.scale_interval[1] == np.inf
    assert "not resolvable" in few.headline()
    assert f"{few.more_batches} more batches" in few.headline()
    more = gradient_noise(model, data, loss="half_mse", batch_size=100, batches=190)
    assert more.resolved
    assert more.more_batches == 0
    true = float(data[1].var(correction=0) / data[1].mean() ** 2)
    assert more.whole.scale_interval[0] <= true <= more.whole.scale_interval[1]


def test_as_many_more_batches_as_it_asks_for_do_resolve_the_scale() -> None:
    model, data = hidden()
    resolved = []
    for seed in range(20):
        few = gradient_noise(model, data, loss="half_mse", batch_size=16, batches=8, seed=seed)
        if few.resolved:
            continue
        assert few.used + 16 * few.more_batches < 20_016  # never more than there are
        wanted = 8 + few.more_batches  # in larger ones, which make no difference and take less time
        obeyed = gradient_noise(model, data, loss="half_mse", batch_size=400, batches=1 + wanted * 16 // 400, seed=seed)
        resolved.append(obeyed.resolved)
    assert len(resolved) >= 10
    assert np.mean(resolved) > 0.75


@pytest.mark.parametrize(("dimensions", "size"), [(1, 0.2), (6, 0.2), (60, 0.3)])
def test_the_examples_it_asks_for_are_enough_and_not_out_of_all_proportion(dimensions: int, size: float) -> None:
    generator = np.random.default_rng(4)
    rows = generator.standard_normal((100_000, dimensions)) + size / np.sqrt(dimensions)
    asked, resolved = [], []
    for _ in range(30):
        few = sample_reading(rows, 16, 8, generator)
        if not few.resolved:
            asked.append(min(likely_needed(few, 128, batches=8, confidence=0.9), len(rows)))
            resolved.append(sample_reading(rows, int(asked[-1]) // 32 + 1, 32, generator).resolved)
    assert np.mean(resolved) > 0.8
    assert np.median(asked) < 20_000


def test_with_no_gradient_in_all_data_no_more_batches_are_asked_for() -> None:
    targets = torch.tensor([[1.0], [-1.0]] * 8)
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    found = gradient_noise(model, (torch.ones(16, 1), targets), loss="half_mse", batch_size=4)
    assert found.more_batches == 0
    assert found.headline() == "no simple noise scale: the gradient over all 16 examples is zero"
    some = gradient_noise(model, (torch.ones(16, 1), targets), loss="half_mse", batch_size=4, batches=2)
    assert some.more_batches == 2  # all that are left


def test_batch_size_does_not_change_the_answer_on_the_same_examples() -> None:
    model, data = problem()
    one, other = (gradient_noise(model, data, batch_size=size, batches=60 // size) for size in (5, 12))
    assert one.noise_scale == pytest.approx(other.noise_scale, rel=ALGEBRA)


def test_dataset_and_loader_give_what_arrays_give() -> None:
    model, data = problem()
    expected = gradient_noise(model, data, batch_size=6, batches=4).noise_scale
    dataset = TensorDataset(*data)
    for other in (dataset, DataLoader(dataset, batch_size=9)):
        assert gradient_noise(model, other, batch_size=6, batches=4).noise_scale == pytest.approx(expected)


BAD = {
    "no trainable parameters": (lambda m, d: gradient_noise(m.requires_grad_(False), d), "trainable parameters"),
    "NaN": (lambda m, d: gradient_noise(m, (d[0] * torch.nan, d[1])), "NaN or infinite values in the inputs"),
    "batch larger than data": (lambda m, d: gradient_noise(m, d, batch_size=61), "no larger than the data"),
    "one batch": (lambda m, d: gradient_noise(m, d, batch_size=60), "two batches or more"),
    "loss not scalar": (
        lambda m, d: gradient_noise(m, d, loss=lambda o, y: nn.functional.cross_entropy(o, y, reduction="none")),
        "scalar tensor"),
    "unknown loss": (lambda m, d: gradient_noise(m, d, loss="entropy"), "one of cross_entropy"),
    "confidence": (lambda m, d: gradient_noise(m, d, confidence=1.0), "between 0 and 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name: str) -> None:
    call, message = BAD[name]
    with pytest.raises(InputError, match=message):
        call(*problem())


def test_two_examples_are_all_there_are() -> None:
    """Gradients -1 and -3: their mean -2, their variance 1."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    found = gradient_noise(model, ([[1.0], [1.0]], [[1.0], [3.0]]), loss="half_mse")
    assert (found.whole.trace, found.whole.squared_norm, found.whole.scale) == (1, 4, 0.25)
    assert found.whole.scale_interval == (0.25, 0.25)
    assert found.whole.resolved


@pytest.mark.parametrize(
    ("options", "message"),
    [({"batch_size": 2.5}, "whole numbers"), ({"batch_size": 1, "batches": 2}, "two examples or more outside")],
)
@pytest.mark.usefixtures("types_unchecked")
def test_sizes_that_tell_nothing(options, message) -> None:
    with pytest.raises(InputError, match=message):
        gradient_noise(nn.Linear(1, 1), (torch.ones(9, 1), torch.ones(9, 1)), loss="mse", **options)
