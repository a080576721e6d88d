"""Bytes of tensor storage alive at a time: exact and the same on every run, unlike what an operating system reports."""

import weakref
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from leadline.core.operator_modes import OperatorMode


class LiveMemory(OperatorMode):
    """Inside the `with` statement, watches every tensor that an operator makes; tensors made before are not counted.

    Attributes:
        bytes: alive now.
        peak: the most that were alive at any one time, after an operator.

    >>> with LiveMemory() as memory:
    ...     for _ in range(3):
    ...         x = torch.zeros(100)  # the old one lives until the new one is there
    >>> memory.peak, memory.bytes
    (800, 400)
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._watch(tensor.untyped_storage(), given)
        return made

    def _watch(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key = storage._cdata
        if key in given or key in self._known:  # a view, or written in place
            return
        size = storage.nbytes()
        self._known.add(key)
        self.bytes += size
        self.peak = max(self.peak, self.bytes)
        weakref.finalize(storage, self._forget, key, size).atexit = False

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.bytes -= size
