"""Which module is running: the path of calls, not the place in the tree.

A module under two parents has two paths, a module that calls itself goes one level deeper, and operators outside any
submodule belong to whoever called them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import nn
from torch.nn.modules import module as hooks


@dataclass(eq=False)
class Frame:
    """One path that was entered: what was called there, how often, and with which shapes."""

    path: str
    module: nn.Module
    depth: int
    calls: int = 0
    input_shapes: tuple[tuple[int, ...], ...] = ()
    output_shapes: tuple[tuple[int, ...], ...] = ()
    children: dict[int, "Frame"] = field(default_factory=dict)
    names: dict[int, str] | None = None  # id of a descendant -> its name below this module

    def child(self, module: nn.Module) -> "Frame":
        """The frame of a module that this one calls."""
        found = self.children.get(id(module))
        if found is None:
            name = self._name_of(module)
            found = Frame(f"{self.path}.{name}" if self.path else name, module, self.depth + 1)
            self.children[id(module)] = found
        return found

    def _name_of(self, module: nn.Module) -> str:
        if module is self.module:
            return "(itself)"
        if self.names is None:
            pairs = self.module.named_modules(remove_duplicate=False)
            self.names = {id(one): name for name, one in reversed(list(pairs))}  # the first name wins
        return self.names.get(id(module), f"({type(module).__name__})")

    def walk(self) -> Iterator["Frame"]:
        """This frame and all below it, in order of first call."""
        yield self
        for child in self.children.values():
            yield from child.walk()


@dataclass(eq=False)
class CallStack:
    """The modules that are running now, outermost first."""

    root: Frame
    frames: list[Frame]

    @property
    def current(self) -> Frame:
        """The innermost running module."""
        return self.frames[-1]


@contextmanager
def module_calls(model: nn.Module) -> Iterator[CallStack]:
    """Follow the calls of modules while `model` runs; the model itself gets no hooks, torch's global ones are used.

    After an exception the stack still shows where it happened.
    """
    root = Frame("", model, 0)
    stack = CallStack(root, [root])
    thread = threading.get_ident()

    def enter(module: nn.Module, arguments: tuple) -> None:
        if threading.get_ident() != thread:
            return
        is_model = module is model and len(stack.frames) == 1 and root.calls == 0
        frame = root if is_model else stack.frames[-1].child(module)
        frame.calls += 1
        frame.input_shapes = shapes_of(arguments)
        stack.frames.append(frame)

    def leave(module: nn.Module, arguments: tuple, output: object) -> None:
        if threading.get_ident() == thread:
            stack.frames.pop().output_shapes = shapes_of(output)

    handles = [hooks.register_module_forward_pre_hook(enter), hooks.register_module_forward_hook(leave)]
    try:
        yield stack
    finally:
        for handle in handles:
            handle.remove()


def shapes_of(value: object) -> tuple[tuple[int, ...], ...]:
    """The shapes of all tensors in nested lists, tuples and dictionaries."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return (tuple(value.shape),)  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return tuple(shape for one in value for shape in shapes_of(one))
    return ()
