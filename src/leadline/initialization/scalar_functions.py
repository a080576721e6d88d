"""Whatever a caller means by an activation, as values and slopes at points of the real line."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import nn

from leadline.core import InputError, random_state_kept, refuse, twin

_NAMED: dict[str, Callable[..., Any]] = {
    **{name: getattr(F, name) for name in (
        "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign",
        "hardtanh", "hardswish", "hardsigmoid", "logsigmoid", "tanhshrink", "softshrink", "hardshrink",
    )},
    **{name: getattr(torch, name) for name in ("tanh", "sigmoid", "erf", "sin", "cos")},
    "identity": lambda z: z,
}  # fmt: skip
_ALIASES = {"linear": "identity", "swish": "silu"}
_TORCH_TABLE = {"identity": "linear", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "leaky_relu": "leaky_relu",
                "selu": "selu"}  # fmt: skip
_PROBE = np.linspace(-3.1, 2.9, 13)  # no point at 0, where kinks lie
_STEP = 1e-6  # of central differences, where there is no autograd


@dataclass(frozen=True, eq=False)
class ScalarFunction:
    """A function of one real number.

    `name` says it; `entry` is how torch's own table of gains calls it, with its parameter, where it does.
    """

    name: str
    operation: str
    function: Callable[..., Any]
    takes_tensors: bool
    entry: tuple[str, float | None] | None

    def __call__(self, z: Float[np.ndarray, " points"]) -> Float[np.ndarray, "2 points"]:
        """Values and slopes."""
        found = self._by_autograd(z) if self.takes_tensors else self._by_differences(z)
        if not np.isfinite(found).all():
            place = z[~np.isfinite(found).all(0)][0]
            refuse(self.operation, "a function that is finite on the whole line", f"{self.name} at {place:.4g}",
                    "restrict or clamp it")  # fmt: skip
        return found

    def _by_autograd(self, z: np.ndarray) -> np.ndarray:
        points = torch.tensor(z, dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            values = self.function(points * 1)  # an in-place activation may write on the copy
        slopes = torch.zeros_like(points)
        if values.requires_grad:
            (slopes,) = torch.autograd.grad(values.sum(), points, allow_unused=True, materialize_grads=True)
        return np.stack([values.detach().double().numpy(), slopes.numpy()])

    def _by_differences(self, z: np.ndarray) -> np.ndarray:
        at = np.vectorize(self.function, otypes=[float])
        return np.stack([at(z), (at(z + _STEP) - at(z - _STEP)) / (2 * _STEP)])


def scalar_function(function: str | Callable[..., Any], *, operation: str) -> ScalarFunction:
    """The scalar function that a name, a module, or a callable on tensors or on floats stands for.

    Raises:
        InputError: unknown name, not callable, not elementwise, or random.

    >>> scalar_function("relu", operation="example")(np.array([-1.0, 2.0])).tolist()
    [[0.0, 2.0], [0.0, 1.0]]
    """
    entry = _entry(function)
    if isinstance(function, str):
        name = _known(function)
        if name is None:
            known = ", ".join((*_NAMED, *_ALIASES))
            refuse(operation, f"one of {known}", repr(function), "name one of these or pass a callable")
        return ScalarFunction(name, operation, _NAMED[name], True, entry)
    if not callable(function):
        refuse(operation, "a scalar function or its name", type(function).__name__, "pass e.g. torch.tanh")
    name = str(getattr(function, "__name__", None) or type(function).__name__)
    if isinstance(function, nn.Module):
        function = twin(function).double().eval()  # the caller's parameters keep their type
    takes_tensors = _check(function, name, operation)
    return ScalarFunction(name, operation, function, takes_tensors, entry)


def _check(function: Callable[..., Any], name: str, operation: str) -> bool:
    """Does it take tensors? Raises unless it is a function of each entry alone."""
    probe = torch.tensor(_PROBE, requires_grad=True) * 1  # NumPy's functions refuse what requires a gradient
    with random_state_kept(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a probe of the wrong kind sets off is not the caller's concern
        try:
            whole, again, part = (function(probe[:size].clone()) for size in (13, 13, 5))
            is_tensor = isinstance(whole, torch.Tensor)
        except Exception as error:  # noqa: BLE001 - functions of floats raise whatever they like on tensors
            return _check_floats(function, name, operation, error)
    if not is_tensor:
        return _check_floats(function, name, operation, None)
    if whole.shape != probe.shape or part.shape != probe[:5].shape:
        refuse(operation, "an elementwise function", f"{name} from shape {tuple(probe.shape)} to {tuple(whole.shape)}",
                "pass a function of each entry alone")  # fmt: skip
    if not torch.equal(torch.nan_to_num(whole), torch.nan_to_num(again)):
        refuse(operation, "a function that gives the same value twice", f"a random one, {name}", "switch its noise off")
    if not torch.allclose(whole[:5], part, equal_nan=True):
        refuse(operation, "an elementwise function", f"{name}, whose entries depend on each other",
                "pass a function of each entry alone")  # fmt: skip
    return True


def _check_floats(function: Callable[..., Any], name: str, operation: str, cause: Exception | None) -> bool:
    try:
        found = [float(function(float(z))) for z in _PROBE]
    except Exception as error:
        raised = f"{name}, which raised {cause or error!r}"
        raise InputError(operation, expected="a function of a tensor or of a float", got=raised,
                         remedy="pass one that takes either") from error  # fmt: skip
    return len(found) == 0  # it takes floats, not tensors


def _entry(function: Any) -> tuple[str, float | None] | None:
    """Torch's name for it in `calculate_gain`."""
    name = _known(function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__))
    if name not in _TORCH_TABLE:
        return None
    return _TORCH_TABLE[name], getattr(function, "negative_slope", None)


def _known(name: str) -> str | None:
    """The name here of what is called so in a paper, in torch's functions or among its modules: LeakyReLU, swish."""
    bare = name.lower().replace("_", "").replace("-", "")
    known = {one.replace("_", ""): one for one in _NAMED} | _ALIASES
    return known.get(bare)
