"""Batches by index from arrays on the device, or from a caller's Dataset or DataLoader.

Fetching 64 examples one by one and collating them takes as long as training a small model on them; one indexing of an
array takes a hundredth of that. So whatever can be an array becomes one.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset, default_collate

from leadline.core import numpy_generator, refuse, torch_generator
from leadline.training.recipes import Plan, Recipe, plan_of, rates

_refuse = partial(refuse, "training data")

Arrays = tuple[torch.Tensor, ...]
_IMAGES = 4  # axes of a batch of images
_AT_ONCE = 1024  # examples collated at a time, where all are wanted


def order(seed: int, epoch: int, examples: int) -> torch.Tensor:
    """The order in which a run with this seed sees the examples in an epoch.

    >>> order(0, epoch=3, examples=5).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    return torch.randperm(examples, generator=torch_generator("order", seed, epoch))


def noisy(targets: torch.Tensor, amount: float, seed: int) -> torch.Tensor:
    """Targets with label noise: that share of classes replaced by another one, or that standard deviation added.

    >>> clean = torch.arange(10) % 2
    >>> int((noisy(clean, 0.3, seed=1) != clean).sum())
    3
    """
    generator = numpy_generator("label noise", seed)
    if not targets.dtype.is_floating_point and amount > 1:
        _refuse("label noise of at most 1, a share of the classes", str(amount), "pass e.g. 0.1")
    if targets.dtype.is_floating_point:
        noise = torch.from_numpy(generator.standard_normal(tuple(targets.shape)))
        return targets + amount * noise.to(targets)
    classes = int(targets.max()) + 1
    wrong = torch.from_numpy(generator.permutation(len(targets))[: round(amount * len(targets))]).to(targets.device)
    if classes == 1 or len(wrong) == 0:
        return targets
    shift = torch.from_numpy(generator.integers(1, classes, (len(wrong), *targets.shape[1:]))).to(targets)
    changed = targets.clone()
    changed[wrong] = (targets[wrong] + shift) % classes
    return changed


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Examples as arrays on one device: model inputs, then targets."""

    arrays: Arrays

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.arrays[-1])

    def take(self, places: torch.Tensor) -> Arrays:
        """The examples at these places."""
        places = places.to(self.arrays[-1].device)
        return tuple(array.index_select(0, places) for array in self.arrays)

    def everything(self) -> Arrays:
        """All examples as one batch."""
        return self.arrays

    def with_noise(self, amount: float, seed: int) -> "ArraySource":
        """The same examples with noise in the targets."""
        return ArraySource((*self.arrays[:-1], noisy(self.arrays[-1], amount, seed))) if amount else self


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """Examples fetched one by one from a Dataset, so that its random transforms stay random."""

    dataset: Any
    device: torch.device
    dtype: torch.dtype
    collate: Callable[[list[Any]], Any] = default_collate

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.dataset)

    def take(self, places: torch.Tensor) -> Arrays:
        """The examples at these places."""
        if self.examples == 0:
            _refuse("a dataset with a length, to draw examples from", type(self.dataset).__name__, "pass arrays")
        return arrays_of(self.collate([self.dataset[place] for place in places.tolist()]), self.device, self.dtype)

    def everything(self) -> Arrays:
        """All examples as one batch.

        Raises:
            InputError: there is NaN or infinity among them.
        """
        return _joined([self.take(places) for places in torch.arange(self.examples).split(_AT_ONCE)])

    def with_noise(self, amount: float, seed: int) -> "DatasetSource":
        """Itself: noise needs all targets at hand."""
        if amount:
            _refuse("(inputs, targets) arrays to add label noise to", "a Dataset", "pass arrays or label_noise=0")
        return self


@dataclass(frozen=True, eq=False)
class LoaderSource(DatasetSource):
    """A DataLoader's own batches, in its own order."""

    loader: DataLoader = field(kw_only=True)

    @property
    def examples(self) -> int:
        """How many there are; 0 where the dataset does not say."""
        return len(self.dataset) if hasattr(self.dataset, "__len__") else 0

    def everything(self) -> Arrays:
        """All examples as one batch: by index, or from one pass over a stream."""
        if self.examples and self.loader.batch_sampler is not None:
            return super().everything()
        with self._generator_kept():
            return _joined([arrays_of(batch, self.device, self.dtype) for batch in self.loader])

    def batches(self, count: int) -> Iterator[Arrays]:
        """So many batches; the loader starts again when it runs out."""
        left = count
        with self._generator_kept():
            while left > 0:
                before = left
                for batch in itertools.islice(self.loader, left):
                    yield arrays_of(batch, self.device, self.dtype)
                    left -= 1
                if left == before:
                    _refuse("a DataLoader with batches", "an empty one", "check its batch size and drop_last")

    @contextmanager
    def _generator_kept(self) -> Iterator[None]:
        # A loader's own generator belongs to the caller, as the global one does.
        generator = self.loader.generator
        before = None if generator is None else generator.get_state()
        try:
            yield
        finally:
            if generator is not None and before is not None:
                generator.set_state(before)

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe that leaves the batches to the loader; sizes are the loader's nominal one."""
        size = self.loader.batch_size or 0
        if recipe.growth is not None or recipe.batch_size not in (None, size):
            _refuse(
                "batches as the DataLoader makes them", "a batch size or growth in the recipe", "pass arrays instead"
            )
        try:
            per_epoch = len(self.loader)
        except TypeError:
            per_epoch = recipe.steps or _refuse("steps", "epochs of unknown length", "give the recipe steps")
        per_epoch = max(per_epoch, 1)
        total = recipe.steps or per_epoch * (recipe.epochs or 0)
        step = np.arange(total)
        return Plan(step // per_epoch, step % per_epoch * size, np.full(total, size), rates(recipe, total))


Source = ArraySource | DatasetSource


def source_of(data: Any, device: torch.device, dtype: torch.dtype) -> Source:
    """Data as a source on the device, floating-point values in the model's type.

    Args:
        data: a tuple of arrays or tensors (model inputs, then targets), a `Dataset` or a `DataLoader`.
        device: where batches are wanted.
        dtype: for floating-point values; integers become int64 where they are targets.

    Raises:
        InputError: NaN or infinity, no examples, arrays of different lengths, not of numbers, or data of another kind.

    >>> source_of(([[1.0], [2.0]], [0, 1]), torch.device("cpu"), torch.float64).take(torch.tensor([1]))
    (tensor([[2.]], dtype=torch.float64), tensor([1]))
    """
    if isinstance(data, TensorDataset):
        data = data.tensors
    if isinstance(data, DataLoader):
        return LoaderSource(data.dataset, device, dtype, data.collate_fn, loader=data)
    if isinstance(data, Dataset) and hasattr(data, "__len__"):
        if len(data) == 0:  # pyright: ignore[reportArgumentType]
            _refuse("data with examples", f"an empty {type(data).__name__}", "pass at least one")
        return DatasetSource(data, device, dtype)
    if not isinstance(data, tuple | list) or len(data) < 2:
        _refuse("(inputs, targets), a Dataset with a length, or a DataLoader", type(data).__name__, "pass one of these")
    arrays = arrays_of(data, device, dtype)
    lengths = [len(array) if array.ndim else 0 for array in arrays]
    if len(set(lengths)) > 1 or lengths[0] == 0:
        _refuse("arrays with one entry per example each", f"lengths {lengths}", "give every example one target")
    check_finite(arrays)
    return ArraySource(arrays)


def arrays_of(batch: Any, device: torch.device, dtype: torch.dtype) -> Arrays:
    """A batch as tensors on the device, floating-point values in the given type."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        _refuse("batches (inputs, targets)", type(batch).__name__, "return a tuple, inputs first and targets last")
    arrays = [_tensor(a, device) for a in batch]
    arrays = [a.to(dtype) if a.dtype.is_floating_point else a for a in arrays]
    if not arrays[-1].dtype.is_floating_point:
        arrays[-1] = arrays[-1].long()
    return tuple(arrays)


def _tensor(values: Any, device: torch.device) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        if values.layout is not torch.strided:
            _refuse("dense tensors", f"a layout {values.layout}", "call .to_dense() on them")
        return values.to(device)
    try:
        array = np.asarray(values)
        native = array.astype(array.dtype.newbyteorder("="), copy=not array.flags.writeable)  # torch wants both
        return torch.as_tensor(native, device=device)
    except (TypeError, ValueError) as error:
        return _refuse("arrays of numbers", f"{type(values).__name__}: {error}", "pass numbers, classes as integers")


def _joined(parts: Sequence[Arrays]) -> Arrays:
    if not parts:
        _refuse("data with examples", "none", "pass at least one")
    arrays = tuple(torch.cat(part) for part in zip(*parts, strict=True))
    check_finite(arrays)
    return arrays


def check_finite(arrays: Sequence[torch.Tensor]) -> None:
    """Raise where the data hold NaN or infinity."""
    for place, array in enumerate(arrays):
        # The extremes are NaN or infinite where anything is, and take a twentieth of the time of looking at each.
        if array.dtype.is_floating_point and array.numel() and not all(end.isfinite() for end in array.aminmax()):
            bad = int((~array.isfinite()).sum())
            name = "targets" if place == len(arrays) - 1 else "inputs"
            _refuse("finite data", f"{bad} NaN or infinite values in the {name}", "drop or impute these examples")


def plan_for(recipe: Recipe, source: Source) -> Plan:
    """The plan of a recipe on this source."""
    return source.plan(recipe) if isinstance(source, LoaderSource) else plan_of(recipe, source.examples)


def batches(source: Source, plan: Plan, recipe: Recipe) -> Iterator[Arrays]:
    """The batches of one run."""
    if isinstance(source, LoaderSource):
        yield from source.batches(len(plan.size))
        return
    epoch, places, seed = -1, torch.empty(0), recipe.seed_for("order")
    for now, start, size in zip(plan.epoch.tolist(), plan.start.tolist(), plan.size.tolist(), strict=True):
        if now != epoch:
            epoch, places = now, order(seed, now, source.examples)
        batch = source.take(places[start : start + size])
        yield tuple(map(channels_last, batch)) if recipe.channels_last else batch


def channels_last(tensor: torch.Tensor) -> torch.Tensor:
    """Images or kernels with their channels last in memory; other tensors as they are."""
    if tensor.ndim != _IMAGES:
        return tensor
    _, channels, height, width = tensor.shape
    # With one channel any layout passes for this one, but what is made of the tensor later takes after its strides.
    strides = (channels * height * width, 1, channels * width, channels)
    return tensor.contiguous(memory_format=torch.channels_last).as_strided(tensor.shape, strides)
