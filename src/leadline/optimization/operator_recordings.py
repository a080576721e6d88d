"""A function of tensors as the list of operators that it ran, to be run again without its Python and its autograd.

Calling small operators costs more than they compute, and the graph with which they are differentiated costs as much
again. A recording holds what is left after all derivatives are taken: operators, and nothing between them.
"""

import math
import weakref
from collections.abc import Callable, Sequence
from operator import getitem
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.utils._pytree import tree_leaves, tree_map

from leadline.core import random_state_kept
from leadline.core.operator_modes import OperatorMode

Function = Callable[[Sequence[torch.Tensor]], Sequence[torch.Tensor]]
_PATHS = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
_RECORDINGS = 2  # shapes of batches: the full one, and the last of an epoch


class NotRepeatableError(Exception):
    """The function may do something else at its next call."""


class Repeated:
    """The function, recorded at its first call with tensors of some shapes and repeated from then on.

    A repetition takes the path that the first call took. So the function is run in earnest as well at the 1st, 4th,
    16th, ... repetition, and NotRepeatableError is raised where it returns something else: what was repeated until then
    may be wrong.
    """

    def __init__(self, function: Function) -> None:
        self.function = function
        self.recordings: dict[tuple, Function] = {}
        self.calls: dict[tuple, int] = {}

    def __call__(self, given: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
        shapes = tuple([tensor.shape for tensor in given])
        calls = self.calls[shapes] = self.calls.get(shapes, -1) + 1
        try:
            if calls == 0 and len(self.recordings) < _RECORDINGS:
                found, self.recordings[shapes] = record(self.function, given)
                return found
            if shapes not in self.recordings:
                return self.function(given)
            if calls.bit_count() > 1 or calls.bit_length() % 2 == 0:
                return self.recordings[shapes](given)
            with random_state_kept():
                found = self.recordings[shapes](given)
        except Exception as error:  # the function itself, called by someone else, avoids it or says it better
            raise NotRepeatableError from error
        true = self.function(given)
        if not all(map(_agree, found, true)):
            raise NotRepeatableError
        return true


def record(function: Function, given: Sequence[torch.Tensor]) -> tuple[Sequence[torch.Tensor], Function]:
    """What the function returns for these tensors, and its operators as a function of their own.

    Raises:
        NotRepeatableError: it reads a tensor's value, or makes a tensor whose shape depends on values.

    >>> found, again = record(lambda given: [given[0].relu() + 1], [torch.tensor([1.0, -1.0])])
    >>> found, again([torch.tensor([-3.0, 3.0])])
    ([tensor([2., 1.])], [tensor([1., 4.])])
    """
    tape = _Tape(given)
    with tape:
        found = function(given)
    return found, tape.replay(found)


class _Tape(OperatorMode):
    def __init__(self, given: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.graph, self.constants = Graph(), dict[str, torch.Tensor]()
        # Storage -> where a tensor lies in it -> its node. Autograd hands on tensors that are new objects in the same
        # memory; memory that was freed may be used again, and then means something else.
        self.nodes: dict[int, dict[tuple, Node]] = {}
        for place, tensor in enumerate(given):
            self._put(tensor, self.graph.placeholder(f"given_{place}"))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not _PATHS.isdisjoint(func.tags):
            raise NotRepeatableError(str(func))
        known = tree_map(self._node, args), tree_map(self._node, kwargs or {})
        made = func(*args, **(kwargs or {}))
        if not func._schema.is_mutable and all(self._find(t) for t in tree_leaves(made) if isinstance(t, torch.Tensor)):
            return made  # a view that was there already
        node = self.graph.call_function(func, *known)
        if isinstance(made, torch.Tensor):
            self._put(made, node)
        elif isinstance(made, list | tuple):
            for place, tensor in enumerate(made):
                if isinstance(tensor, torch.Tensor):
                    self._put(tensor, self.graph.call_function(getitem, (node, place)))
        return made

    def replay(self, found: Sequence[torch.Tensor]) -> Function:
        """The operators up to here as a function, with these of their tensors as its outputs."""
        self.graph.output([self._node(tensor) for tensor in found])
        self.graph.eliminate_dead_code()
        run = GraphModule(self.constants, self.graph).forward
        self.nodes.clear()
        return lambda given: run(*given)

    def _node(self, value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        node = self._find(value)
        if node is None:  # made elsewhere: a constant
            name = f"constant_{len(self.constants)}"
            self.constants[name] = value.detach()
            node = self.graph.get_attr(name)
            self._put(value, node)
        return node

    def _find(self, tensor: torch.Tensor) -> Node | None:
        return self.nodes.get(tensor.untyped_storage()._cdata, {}).get(_place(tensor))

    def _put(self, tensor: torch.Tensor, node: Node) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.nodes:
            self.nodes[storage._cdata] = {}
            weakref.finalize(storage, self.nodes.pop, storage._cdata, None).atexit = False
        self.nodes[storage._cdata][_place(tensor)] = node


def _place(tensor: torch.Tensor) -> tuple:
    return tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype, tensor.is_conj(), tensor.is_neg()


def _agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not one.dtype.is_floating_point:
        return torch.equal(one, other)
    error, size = float(torch.linalg.vector_norm(one - other)), float(torch.linalg.vector_norm(other))
    return not error > math.sqrt(torch.finfo(one.dtype).eps) * size  # not finite in both: no error to speak of
