"""What probes have in common: they train many runs of one recipe, which differ in a few of its settings."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, cast

from torch import nn

from leadline.core import InputError, refuse, twin
from leadline.training import Recipe
from leadline.training.members import Factory


def factory_of(operation: str, model: Any) -> Factory:
    """Copies of a module, or the factory itself.

    Raises:
        InputError: it is neither.
    """
    if isinstance(model, nn.Module):
        return lambda: twin(model)
    if callable(model):
        return cast("Factory", model)
    raise InputError(operation, expected="a module or a factory of modules", got=type(model).__name__,
                     remedy="pass e.g. lambda: MyModel()")  # fmt: skip


def seeds_of(seeds: Sequence[int] | int) -> tuple[int, ...]:
    """So many from 0 on, or the ones given."""
    if not isinstance(seeds, Integral | Sequence):
        refuse("seeds", "how many, or which", repr(seeds), "pass e.g. 3 or (0, 1, 2)")
    return tuple(range(int(seeds))) if isinstance(seeds, Integral) else tuple(seeds)


def probe_recipe(recipe: Recipe | None, **given: Any) -> Recipe:
    """A recipe with what is given (not None) in place of its own; length and rates are the probe's to set.

    >>> probe_recipe(Recipe(lr=0.1, epochs=9, optimizer="adam", beta2=0.95), loss="mse", momentum=None).beta2
    0.95
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(recipe or Recipe(lr=1.0, steps=1), epochs=None, steps=1, **chosen)
