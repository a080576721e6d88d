"""Does a model turn inputs of one shape into outputs of another, and if not, which module is the first to blame?"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from leadline.architecture.convolution_arithmetic import solve_convolution
from leadline.architecture.executions import Execution, prepare
from leadline.architecture.meta_execution import MetaTwins, OnMeta
from leadline.architecture.module_calls import CallStack, Frame
from leadline.architecture.traced_layers import layers_followed
from leadline.core import InputError, ModelError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_WIDTHS = {"in_channels": 1, "num_features": 1, "num_channels": 1, "in_features": -1}  # and the axis that they are of


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerShape:
    """The shapes at one call of one module."""

    path: str  # of calls; the model itself is ""
    kind: str
    depth: int
    call: int  # the how manieth call by this path
    is_leaf: bool  # called no other module
    input_size: tuple[int, ...]
    output_size: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Breach:
    """The first module that breaks the specification."""

    path: str  # of calls; the model itself is ""
    kind: str
    call: int
    input_sizes: tuple[tuple[int, ...], ...]
    reason: str


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpecificationCheck(Result):
    """The specified and the actual output shape, the shapes of all layers, and the breach if there is one."""

    model: str
    input_size: tuple[int, ...]
    specified: tuple[int | None, ...]
    actual: tuple[int, ...] | None  # None: the forward raised
    breach: Breach | None
    layers: tuple[LayerShape, ...]  # those that returned, in the order in which they were entered

    @property
    def met(self) -> bool:
        """Does the model meet the specification?"""
        return self.breach is None

    def headline(self) -> str:
        """Met, or the first breach and why."""
        task = f"{_shape(self.input_size)} -> {_shape(self.specified)}"
        if self.breach is None:
            return f"{self.model} meets {task}"
        where = f"{self.breach.path or 'the model itself'} ({self.breach.kind})"
        verb = "does not run" if self.actual is None else f"gives {_shape(self.actual)}"
        return f"{self.model} breaks {task}: it {verb}; first at {where}: {self.breach.reason}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per module call; sizes in indices per axis."""
        import pandas as pd

        breach = self.breach
        rows = [
            {
                "layer": one.path or "(model)", "call": one.call, "kind": one.kind,
                "input_size": _shape(one.input_size), "output_size": _shape(one.output_size),
                "breaks": breach is not None and (one.path, one.call) == (breach.path, breach.call),
            }
            for one in self.layers
        ]  # fmt: skip
        columns = ["layer", "call", "kind", "input_size", "output_size", "breaks"]
        return pd.DataFrame(rows, columns=columns)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Size along the last axis after each layer, the specified one as a line."""
        leaves = [one for one in self.layers if one.is_leaf and one.output_size]
        ax.plot(range(len(leaves)), [one.output_size[-1] for one in leaves], marker="o")
        if self.specified and self.specified[-1] is not None:
            ax.axhline(self.specified[-1], linestyle="--", linewidth=1)
        ax.set_xticks(range(len(leaves)), [one.path or self.model for one in leaves], rotation=90)
        ax.set_ylabel("size along the last axis (indices)")


def check_shapes(
    model: nn.Module | Callable[[], nn.Module],
    input_size: Sequence[int],
    output_size: Sequence[int | None],
    *,
    device: str = "meta",
) -> SpecificationCheck:
    """Whether the model turns `input_size` into `output_size`, in indices per axis, and which module breaks it.

    Where the forward raises, the module that was running is to blame. Where it runs but ends at another size, it is

    1. along a spatial axis, the first layer whose output size is neither a multiple nor a divisor of its input size:
       a convolution without padding, a transposed one without output padding, a pooling that leaves a remainder;
    2. else the last layer that changed the size of the wrong axis (e.g. the one with the wrong number of channels);
    3. else the model itself.

    Args:
        model: an `nn.Module`, or a callable that builds one.
        input_size: the shape of the input, batch first.
        output_size: the specified shape of the (first) output; None for an axis that may have any size.
        device: "meta" allocates and computes nothing; "cpu" runs models that look at values.

    Returns:
        The check; `met`, `breach`, and the shapes at all layers.

    Raises:
        InputError: a size that cannot be.
        ModelError: the forward looks at values, so that it cannot run on meta.

    >>> model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.MaxPool2d(2), nn.Upsample(scale_factor=2))
    >>> check_shapes(model, (1, 1, 32, 32), (1, 8, 32, 32)).breach.reason
    'turns 32 into 30 along axis 2; padding 1 would give 32'
    """
    if not all(size is None or size >= 0 for size in output_size):
        raise InputError("check_shapes", expected="output sizes of at least 0, or None", got=repr(tuple(output_size)),
                         remedy="pass e.g. (1, 10)")  # fmt: skip
    execution = prepare("check_shapes", model, input_size=tuple(input_size), device=device)
    layers, modules, failure = _run(execution)
    specified = tuple(output_size)
    actual = None if failure else next((one.output_size for one in layers.values() if one.path == ""), None)
    breach = failure
    if actual is not None and not _meets(actual, specified):
        breach = _breach(layers, modules, actual, specified)
    if actual is None and failure is None:
        breach = Breach(
            path="", kind=type(execution.model).__name__, call=1, input_sizes=(), reason="returns no tensor"
        )
    return SpecificationCheck(
        model=type(execution.model).__name__,
        input_size=tuple(input_size),
        specified=specified,
        actual=actual,
        breach=breach,
        layers=tuple(layers.values()),
        caveats=execution.caveats,
    )


def _run(execution: Execution) -> tuple[dict[int, LayerShape], dict[int, nn.Module], Breach | None]:
    layers: dict[int, LayerShape] = {}
    modules: dict[int, nn.Module] = {}
    failure = None

    def keep(entry: int, stack: CallStack, output: Tensor) -> None:
        frame = stack.current
        modules[entry] = frame.module
        layers[entry] = LayerShape(
            path=frame.path, kind=type(frame.module).__name__, depth=frame.depth, call=frame.calls,
            is_leaf=not frame.children, input_size=next(iter(frame.input_shapes), ()),
            output_size=tuple(output.shape),
        )  # fmt: skip

    running = OnMeta(MetaTwins(execution.model)) if execution.device == "meta" else nullcontext()
    with layers_followed(execution.model, keep) as stack:
        try:
            with execution.errors_named(stack), running:
                execution.run()
        except ModelError as error:
            if 'device="cpu"' in error.remedy:
                raise
            failure = _failure(stack.current, error)
    return dict(sorted(layers.items())), modules, failure


def _failure(frame: Frame, error: ModelError) -> Breach:
    lines = str(error.__cause__).strip().splitlines()
    given = ", ".join(map(_shape, frame.input_shapes)) or "nothing"
    reason = f"given {given}: {lines[0] if lines else type(error.__cause__).__name__}"
    for name, axis in _WIDTHS.items():
        wanted, shape = getattr(frame.module, name, None), next(iter(frame.input_shapes), ())
        if isinstance(wanted, int) and len(shape) > 1 and shape[axis] != wanted:
            what = "features" if axis == -1 else "channels"
            reason = f"takes {wanted} {what}, {reason}"
    return Breach(path=frame.path, kind=type(frame.module).__name__, call=frame.calls, input_sizes=frame.input_shapes,
                  reason=reason)  # fmt: skip


def _meets(actual: Sequence[int], specified: Sequence[int | None]) -> bool:
    return len(actual) == len(specified) and not any(_wrong_axes(actual, specified))


def _wrong_axes(actual: Sequence[int], specified: Sequence[int | None]) -> Iterator[int]:
    for axis, (size, wanted) in enumerate(zip(actual, specified, strict=False)):
        if wanted is not None and size != wanted:
            yield axis + 1  # from 1, so that any() finds the first axis too


def _breach(
    layers: dict[int, LayerShape],
    modules: dict[int, nn.Module],
    actual: tuple[int, ...],
    specified: Sequence[int | None],
) -> Breach:
    wrong = [place - 1 for place in _wrong_axes(actual, specified)] if len(actual) == len(specified) else []
    leaves = [(entry, layer) for entry, layer in layers.items() if layer.is_leaf]
    for entry, layer in leaves:
        for axis in wrong:
            if axis >= 2 and _leaves_a_remainder(layer, axis):
                before, after = layer.input_size[axis], layer.output_size[axis]
                remedy = _remedy(modules[entry], axis - 2, before)
                return _blame(layer, f"turns {before} into {after} along axis {axis}{remedy}")
    for _, layer in reversed(leaves):
        if not wrong and len(layer.input_size) != len(layer.output_size) == len(actual):
            return _blame(layer, f"gives {len(actual)} axes, specified are {len(specified)}")
        for axis in wrong:
            if _size(layer.input_size, axis) != _size(layer.output_size, axis) == actual[axis]:
                return _blame(layer, f"gives {actual[axis]} along axis {axis}, specified is {specified[axis]}")
    model = next(iter(layers.values()))
    return _blame(model, f"gives {_shape(actual)}, and no single layer is the cause")


def _blame(layer: LayerShape, reason: str) -> Breach:
    return Breach(path=layer.path, kind=layer.kind, call=layer.call, input_sizes=(layer.input_size,), reason=reason)


def _size(shape: tuple[int, ...], axis: int) -> int | None:
    return shape[axis] if axis < len(shape) else None


def _leaves_a_remainder(layer: LayerShape, axis: int) -> bool:
    if len(layer.input_size) != len(layer.output_size):
        return False
    before, after = layer.input_size[axis], layer.output_size[axis]
    return not after or bool(before % after and after % before)


def _remedy(module: Any, place: int, before: int) -> str:
    """What would make a convolution keep, halve or double the size as its stride says."""
    if not isinstance(
        module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
    ):
        return ""
    transposed = module.transposed
    kernel, stride, dilation = module.kernel_size[place], module.stride[place], module.dilation[place]
    wanted = before * stride if transposed else -(-before // stride)
    solution = solve_convolution(before, wanted, kernel, stride=stride, dilation=dilation, transposed=transposed)
    if solution.paddings:
        padding, extra = solution.paddings[0]
        return f"; padding {padding}{f' and output padding {extra}' if transposed else ''} would give {wanted}"
    return f"; F.pad by {solution.asymmetric[0]} before it would give {wanted}" if solution.asymmetric else ""


def _shape(shape: Sequence[int | None]) -> str:
    return "x".join("any" if size is None else str(size) for size in shape) or "a single number"
