"""Named seeds: the same name gives the same random numbers on every machine and in every process."""

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_of(*name: str | int) -> int:
    """The 63-bit seed that belongs to a name of one or more parts.

    >>> seed_of("digits", 0) == seed_of("digits", 0), seed_of("digits", 0) == seed_of("digits", 1)
    (True, False)
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in name)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_generator(*name: str | int) -> np.random.Generator:
    """A NumPy generator seeded by a name."""
    return np.random.default_rng(seed_of(*name))


def torch_generator(*name: str | int, device: str = "cpu") -> "torch.Generator":
    """A torch generator seeded by a name."""
    import torch

    return torch.Generator(device=device).manual_seed(seed_of(*name))


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Leave the global random states of Python, NumPy and torch (all devices) as they were found."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the caller's global state
    torch = sys.modules.get("torch")
    torch_state = torch.get_rng_state() if torch else None
    cuda_states = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        if torch is not None and torch_state is not None:
            torch.set_rng_state(torch_state)
            if cuda_states is not None:
                torch.cuda.set_rng_state_all(cuda_states)
