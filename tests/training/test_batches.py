import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from leadline.core import InputError
from leadline.training import batches as batching
from leadline.training.batches import LoaderSource, batches, noisy, order, plan_for, source_of
from leadline.training.recipes import Recipe

CPU = torch.device("cpu")
INPUTS, TARGETS = np.arange(20.0).reshape(10, 2), np.arange(10)


class Pairs(Dataset):
    def __len__(self):
        return len(TARGETS)

    def __getitem__(self, place):
        return INPUTS[place], TARGETS[place]


def seen(data, recipe):
    source = source_of(data, CPU, torch.float64)
    return list(batches(source, plan_for(recipe, source), recipe))


@pytest.mark.parametrize(
    "data",
    [
        (INPUTS, TARGETS),
        (INPUTS.tolist(), TARGETS.tolist()),
        (torch.tensor(INPUTS), torch.tensor(TARGETS)),
        TensorDataset(torch.tensor(INPUTS), torch.tensor(TARGETS)),
        Pairs(),
    ],
    ids=["arrays", "lists", "tensors", "TensorDataset", "Dataset"],
)
def test_all_kinds_of_data_give_the_same_batches(data):
    recipe = Recipe(lr=0.1, epochs=2, batch_size=4, seed=7)
    expected = torch.cat([order(7, epoch, 10) for epoch in range(2)])
    found = seen(data, recipe)
    assert [len(targets) for _, targets in found] == [4, 4, 2] * 2
    assert torch.equal(torch.cat([targets for _, targets in found]), expected)
    assert torch.equal(torch.cat([inputs for inputs, _ in found]), torch.tensor(INPUTS)[expected])


def test_a_loader_keeps_its_own_batches():
    loader = DataLoader(Pairs(), batch_size=3)
    found = seen(loader, Recipe(lr=0.1, steps=6))
    assert [targets.tolist() for _, targets in found] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9], [0, 1, 2], [3, 4, 5]]


def test_orders_are_permutations_that_depend_on_seed_and_epoch():
    first = order(0, 0, 50)
    assert torch.equal(first.sort().values, torch.arange(50))
    assert torch.equal(first, order(0, 0, 50))
    assert not torch.equal(first, order(0, 1, 50))
    assert not torch.equal(first, order(1, 0, 50))


def test_label_noise_replaces_the_share_by_other_classes():
    clean = torch.arange(1000) % 10
    noise = noisy(clean, 0.3, seed=0)
    assert int((noise != clean).sum()) == 300
    assert set(noise.tolist()) == set(range(10))
    assert torch.equal(noise, noisy(clean, 0.3, seed=0))
    assert not torch.equal(noise, noisy(clean, 0.3, seed=1))


def test_noise_on_real_targets_has_the_deviation():
    noise = noisy(torch.zeros(10_000, dtype=torch.float64), 0.5, seed=0)
    assert abs(float(noise.std()) - 0.5) < 4 * 0.5 / np.sqrt(2 * 10_000)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_can_be_channels_last(channels):
    data = (torch.randn(6, channels, 4, 5), torch.zeros(6, dtype=torch.long))
    source = source_of(data, CPU, torch.float32)
    recipe = Recipe(lr=0.1, steps=1, batch_size=4, channels_last=True)
    (inputs, _), *_ = batches(source, plan_for(recipe, source), recipe)
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(inputs, data[0][order(0, 0, 6)[:4]])
    # joined with other images, they pass their layout on
    joined = torch.cat([inputs, torch.zeros(4, 2, 4, 5).contiguous(memory_format=torch.channels_last)], dim=1)
    assert joined.is_contiguous(memory_format=torch.channels_last)


def with_nan():
    spoiled = INPUTS.copy()
    spoiled[3, 1] = np.nan
    return spoiled, TARGETS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_nan(), "1 NaN or infinite values in the inputs; drop or impute"),
        ((INPUTS, np.full(10, np.inf)), "10 NaN or infinite values in the targets"),
        ((INPUTS, TARGETS[:9]), r"lengths \[10, 9\]"),
        ((INPUTS[:0], TARGETS[:0]), r"lengths \[0, 0\]"),
        (INPUTS, "got ndarray; pass one of these"),
        ((INPUTS,), "got tuple"),
        ((INPUTS, ["cat"] * 10), "arrays of numbers, got list: .*; pass numbers, classes as integers"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "arrays of numbers, got list"),
        (({"ids": INPUTS}, TARGETS), "arrays of numbers, got dict"),
    ],
)
def test_bad_data(data, message):
    with pytest.raises(InputError, match=message):
        source_of(data, CPU, torch.float64)


def test_tables_and_other_byte_orders_are_arrays_too():
    big = INPUTS.astype(INPUTS.dtype.newbyteorder(">"))
    for inputs in (big, pd.DataFrame(INPUTS)):
        source = source_of((inputs, pd.Series(TARGETS)), CPU, torch.float64)
        np.testing.assert_array_equal(source.everything()[0].numpy(), INPUTS)


def named(place):
    return {"inputs": torch.from_numpy(INPUTS[place]), "target": int(TARGETS[place])}


def paired(examples):
    return torch.stack([one["inputs"] for one in examples]), torch.tensor([one["target"] for one in examples])


def test_all_examples_of_a_loader_come_through_its_own_collation(monkeypatch):
    monkeypatch.setattr(batching, "_AT_ONCE", 4)
    loader = DataLoader([named(place) for place in range(10)], batch_size=3, collate_fn=paired)  # pyright: ignore
    source = source_of(loader, CPU, torch.float64)
    for found in (source.everything(), source.take(torch.arange(10))):
        np.testing.assert_array_equal(found[0].numpy(), INPUTS)
        np.testing.assert_array_equal(found[1].numpy(), TARGETS)


def test_all_examples_of_a_stream():
    source = source_of(DataLoader(Stream(5), batch_size=2), CPU, torch.float64)
    np.testing.assert_array_equal(source.everything()[0].numpy(), INPUTS[:5])
    with pytest.raises(InputError, match="a dataset with a length, to draw examples from, got Stream"):
        source.take(torch.arange(2))


def test_bad_examples_of_a_dataset():
    spoiled = [(values, target) for values, target in zip(*with_nan(), strict=True)]
    source = source_of(DataLoader(spoiled), CPU, torch.float64)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="1 NaN or infinite values in the inputs"):
        source.everything()
    with pytest.raises(InputError, match="data with examples, got none"):
        source_of(DataLoader(Stream(0)), CPU, torch.float64).everything()


class Stream(IterableDataset):
    def __init__(self, length):
        self.length = length

    def __iter__(self):
        return iter([(INPUTS[place], TARGETS[place]) for place in range(self.length)])


def test_a_stream_starts_again():
    found = seen(DataLoader(Stream(3), batch_size=2), Recipe(lr=0.1, steps=4))
    assert [targets.tolist() for _, targets in found] == [[0, 1], [2], [0, 1], [2]]


def test_bad_loaders():
    with pytest.raises(InputError, match="give the recipe steps"):
        seen(DataLoader(Stream(3)), Recipe(lr=0.1, epochs=1))
    with pytest.raises(InputError, match="check its batch size and drop_last"):
        seen(DataLoader(Stream(0)), Recipe(lr=0.1, steps=1))
    named = [{"inputs": value} for value in INPUTS]
    with pytest.raises(InputError, match="got dict; return a tuple, inputs first"):
        seen(DataLoader(named), Recipe(lr=0.1, steps=1))  # pyright: ignore[reportArgumentType]


def test_what_needs_arrays():
    with pytest.raises(InputError, match="pass arrays or label_noise=0"):
        source_of(Pairs(), CPU, torch.float64).with_noise(0.1, 0)
    loader = source_of(DataLoader(Pairs(), batch_size=3), CPU, torch.float64)
    with pytest.raises(InputError, match="batches as the DataLoader makes them"):
        plan_for(Recipe(lr=0.1, epochs=1, batch_size=4), loader)


def test_a_loader_s_own_generator_is_left_as_it_was():
    generator = torch.Generator().manual_seed(0)
    data = TensorDataset(torch.arange(12.0)[:, None], torch.zeros(12, 1))
    source = source_of(DataLoader(data, batch_size=4, shuffle=True, generator=generator), CPU, torch.float32)
    assert isinstance(source, LoaderSource)
    before = generator.get_state()
    first = [batch[0] for batch in source.batches(5)]
    assert torch.equal(generator.get_state(), before)
    assert all(map(torch.equal, first, [batch[0] for batch in source.batches(5)]))


def test_label_noise_is_a_share_of_classes():
    with pytest.raises(InputError, match="at most 1, a share of the classes"):
        noisy(torch.arange(4), 3.0, seed=0)
