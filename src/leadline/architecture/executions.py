"""A model together with the inputs that it is to be run on, on meta or for real."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from leadline.architecture.module_calls import CallStack
from leadline.core import InputError, LeadlineError, ModelError, random_state_kept, torch_generator

_DATA_DEPENDENT = ("meta tensor", "Meta tensor", "data-dependent", "aten::nonzero", "aten::_local_scalar_dense")


@dataclass(frozen=True, eq=False)
class Execution:
    """What `run` runs: positional and keyword arguments on the right device."""

    operation: str
    model: nn.Module
    arguments: tuple
    keywords: dict[str, Any]
    device: str
    caveats: tuple[str, ...] = ()

    def run(self) -> Any:
        """Call the model."""
        return self.model(*self.arguments, **self.keywords)

    def tensors(self) -> list[Tensor]:
        """All tensors among the arguments."""
        return [one for one in tree_leaves((self.arguments, self.keywords)) if isinstance(one, Tensor)]

    @property
    def batch(self) -> int:
        """Examples in the first input: the length of its first axis, where it has more than one axis."""
        first = next(iter(self.tensors()), None)
        return first.shape[0] if first is not None and first.dim() > 1 and first.shape[0] else 1

    def materialize(self) -> None:
        """Let lazy modules find their sizes."""
        with self.errors_named(None), torch.no_grad():
            self.run()

    @contextmanager
    def errors_named(self, stack: CallStack | None) -> Iterator[None]:
        """Turn what the model raises into a `ModelError` that names the module which was running."""
        try:
            yield
        except LeadlineError:
            raise
        except Exception as error:
            raise ModelError(self.operation, expected="a forward pass that runs", got=self._what(error, stack),
                             remedy=self._remedy(error)) from error  # fmt: skip

    def _what(self, error: Exception, stack: CallStack | None) -> str:
        where = ""
        if stack is not None:
            frame = stack.current
            shapes = ", ".join(str(shape) for shape in frame.input_shapes)
            where = (
                f" in {frame.path or 'the model itself'} ({type(frame.module).__name__}, given {shapes or 'nothing'})"
            )
        message = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
        return f"{type(error).__name__}{where}: {message}"

    def _remedy(self, error: Exception) -> str:
        if self.device == "meta" and any(sign in str(error) for sign in _DATA_DEPENDENT):
            return 'the forward looks at values, which meta tensors lack: pass device="cpu"'
        return "check the input's shape and type (integer inputs: pass inputs=...)"


def prepare(
    operation: str,
    model_or_factory: nn.Module | Callable[[], nn.Module],
    *,
    input_size: Any = None,
    inputs: Any = None,
    kwargs: dict[str, Any] | None = None,
    device: str = "meta",
) -> Execution:
    """The model (built, if a factory was given) and its inputs, ready to run."""
    if (input_size is None) == (inputs is None):
        got = "neither" if inputs is None else "both"
        raise InputError(operation, expected="either input_size or inputs", got=got,
                         remedy="pass e.g. input_size=(1, 3, 32, 32)")  # fmt: skip
    model, caveats = _model(operation, model_or_factory, device)
    if inputs is None:
        inputs = _inputs_of_size(operation, input_size, _floating_type(model), device)
    elif device == "meta":
        inputs, kwargs = tree_map_only(Tensor, _to_meta, (inputs, kwargs))
    arguments, keywords = _split(inputs)
    return Execution(operation, model, arguments, {**keywords, **(kwargs or {})}, device, caveats)


def _model(operation: str, given: Any, device: str) -> tuple[nn.Module, tuple[str, ...]]:
    caveats: tuple[str, ...] = ()
    if isinstance(given, nn.Module):
        if any(nn.parameter.is_lazy(one) for one in (*given.parameters(), *given.buffers())):
            raise InputError(operation, expected="a model whose parameters have sizes", got="one with lazy parameters",
                             remedy="run it once, or pass the callable that builds it")  # fmt: skip
        return given, caveats
    if not callable(given):
        raise InputError(operation, expected="an nn.Module or a callable that builds one", got=type(given).__name__,
                         remedy="pass the model itself or e.g. lambda: Net(10)")  # fmt: skip
    with random_state_kept():
        try:
            with torch.device(device):
                model = given()
        except Exception as error:
            if device != "meta":
                raise ModelError(operation, expected="a factory that builds a model", got=repr(error),
                                 remedy="call it by hand and mend it") from error  # fmt: skip
            model, caveats = (
                _built_for_real(operation, cast(Callable, given)),
                ("the factory does not run on meta: built on the CPU",),
            )
    if not isinstance(model, nn.Module):
        raise InputError(operation, expected="a factory that returns an nn.Module", got=type(model).__name__,
                         remedy="return the model from the factory")  # fmt: skip
    return model, caveats


def _built_for_real(operation: str, factory: Callable[[], nn.Module]) -> nn.Module:
    try:
        return factory()
    except Exception as error:
        raise ModelError(operation, expected="a factory without arguments that builds a model", got=repr(error),
                         remedy="wrap it: lambda: Net(10)") from error  # fmt: skip


def _floating_type(model: nn.Module) -> torch.dtype:
    types = [one.dtype for one in model.parameters() if one.dtype.is_floating_point]
    return types[0] if types else torch.float32


def _inputs_of_size(operation: str, size: Any, dtype: torch.dtype, device: str) -> Any:
    def make(shape: Any) -> Tensor:
        if not isinstance(shape, tuple | list | torch.Size) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise InputError(operation, expected="shapes of non-negative integers", got=repr(shape),
                             remedy="pass e.g. (1, 3, 32, 32), or a list of such tuples")  # fmt: skip
        if device == "meta":
            return torch.empty(*shape, dtype=dtype, device="meta")
        generator = torch_generator(operation, "inputs")
        return torch.randn(*shape, generator=generator).to(device=device, dtype=dtype)

    if isinstance(size, dict):
        return {name: make(shape) for name, shape in size.items()}
    if isinstance(size, list | tuple) and size and isinstance(size[0], list | tuple):
        return tuple(make(shape) for shape in size)
    return make(size)


def _split(inputs: Any) -> tuple[tuple, dict[str, Any]]:
    if isinstance(inputs, dict):
        return (), dict(inputs)
    return (tuple(inputs), {}) if isinstance(inputs, list | tuple) else ((inputs,), {})


def _to_meta(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
