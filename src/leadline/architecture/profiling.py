"""`profile`: what a model costs, before anything is allocated or run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from leadline.architecture.conventions import Convention
from leadline.architecture.executions import Execution, prepare
from leadline.architecture.meta_execution import MetaTwins
from leadline.architecture.module_calls import Frame, module_calls
from leadline.architecture.operator_calls import OperatorCall, OperatorWatch, floating_point_operations
from leadline.architecture.parameter_counts import ParameterCount, parameter_counts, shared_parameters
from leadline.architecture.profiles import Cost, ModuleRow, OperatorRow, Profile, total
from leadline.architecture.saved_tensors import saved_bytes
from leadline.core import InputError, UncountedError, borrow

Sizes = tuple[int, ...] | list[tuple[int, ...]] | dict[str, tuple[int, ...]]


def profile(
    model_or_factory: nn.Module | Callable[[], nn.Module],
    *,
    input_size: Sizes | None = None,
    inputs: Any = None,
    kwargs: dict[str, Any] | None = None,
    device: str = "meta",
    convention: Convention = Convention(),  # noqa: B008 - frozen
    strict: bool = False,
) -> Profile:
    """Parameters, activations, connections, multiply-accumulates and FLOPs of a model, per module and per operator.

    The forward pass runs on the meta device: shapes and types are followed, nothing is allocated, and the model,
    which may live anywhere, is not moved or changed. Every operator that runs is counted, known to be free, or listed
    in `uncounted`. The model is profiled in the mode it is in (`train()` or `eval()`).

    Differs from common tools: one multiply-add is one MAC and `flops` is a separate number; attention, recurrent
    layers and functional calls count; transposed convolutions count what they compute; tied parameters count once;
    a convolution's taps on zero padding count as multiplications.

    Args:
        model_or_factory: a module, or a callable without arguments that builds one (called on the meta device, so
            that a model of any size can be profiled).
        input_size: shape of the input, batch first; a list of shapes for several inputs, a dictionary for inputs by
            keyword. Floating point, in the type of the first parameter.
        inputs: the inputs themselves instead: a tensor, a tuple or list of positional ones, a dictionary of
            keywords. Needed for integer inputs. Only their shapes and types matter on meta.
        kwargs: further keyword arguments of the forward.
        device: "meta", or "cpu" or "cuda" to run for real (for models that look at values).
        convention: what is added up.
        strict: raise `UncountedError` when an operator has no rule.

    Returns:
        A `Profile`: totals as plain integers, rows that add up to them.

    Raises:
        InputError: neither or both of `input_size` and `inputs`, or not a model.
        ModelError: the model raised; the message names the module.
        UncountedError: an operator has no rule and `strict` is set.

    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16 * 16, 10))
        >>> cost = profile(net, input_size=(1, 3, 16, 16))
        >>> cost.parameters, cost.macs, cost.activations
        (20714, 75776, 4106)

    References:
        The rule for FLOPs stands in `operator_calls.floating_point_operations`; conventions in `Convention`.
    """
    execution = prepare("profile", model_or_factory, input_size=input_size, inputs=inputs, kwargs=kwargs, device=device)
    with borrow(execution.model):
        watch, root = _watch(execution)
        saved, caveat = _saved(execution, watch)
    if strict and watch.uncounted:
        raise UncountedError(
            "profile", expected="operators with a rule", got=", ".join(watch.uncounted),
            remedy="pass strict=False and read .uncounted",
        )  # fmt: skip
    return _assemble(execution, convention, watch, root, saved, caveat)


def quantity_of(model_or_factory: Any, quantity: str, *, input_size: Any, convention: Convention) -> int:
    """One integer of the profile on meta; what it does not need is left out."""
    execution = prepare("count_formula", model_or_factory, input_size=input_size)
    if not isinstance(getattr(Profile, quantity, None), property) and quantity not in ("peak_bytes", "buffers"):
        raise InputError("count_formula", expected="an integer of a Profile", got=repr(quantity),
                         remedy="pass e.g. quantity='macs', 'parameters', 'connections'")  # fmt: skip
    watch, root = _watch(execution)
    saved, caveat = _saved(execution, watch) if quantity == "saved_bytes" else ({}, "")
    result = _assemble(execution, convention, watch, root, saved, caveat)
    if result.uncounted:
        raise UncountedError("count_formula", expected="operators with a rule", got=", ".join(result.uncounted),
                             remedy="the count would be a lower bound")  # fmt: skip
    return getattr(result, quantity)


def _watch(execution: Execution) -> tuple[OperatorWatch, Frame]:
    def once(mode: Any) -> tuple[OperatorWatch, Frame]:
        with mode, _modules_in_full(), module_calls(execution.model) as stack:
            watch = OperatorWatch(stack, MetaTwins(execution.model) if execution.device == "meta" else None)
            with execution.errors_named(stack):
                watch.watch(execution.tensors())
                with watch:
                    execution.run()
        return watch, stack.root

    if any(isinstance(one, LazyModuleMixin) for one in execution.model.modules()):
        execution.materialize()
    try:
        return once(torch.inference_mode())
    except Exception as error:
        if "grad" not in str(error) and "Inference" not in str(error):
            raise
        return once(torch.enable_grad())  # the forward differentiates something itself


@contextmanager
def _modules_in_full() -> Iterator[None]:
    """Keep attention layers from their fused inference kernels, which differ between devices."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _saved(execution: Execution, watch: OperatorWatch) -> tuple[dict[str, int] | None, str]:
    try:
        composites = any(call.kind in ("attention", "recurrent") for call in watch.calls)
        on_meta = execution.device == "meta"
        return saved_bytes(execution.model, execution.run, on_meta=on_meta, composites=composites), ""
    except Exception as error:  # noqa: BLE001 - a model that runs only without gradients still has a profile
        return None, f"saved for backward: not measured, the pass with gradients raised {type(error).__name__}: {error}"


def _assemble(
    execution: Execution,
    convention: Convention,
    watch: OperatorWatch,
    root: Frame,
    saved: dict[str, int] | None,
    caveat: str,
) -> Profile:
    calls = _apply(convention, watch.calls, execution.batch)
    modules, counted = _module_rows(execution, convention, root, calls, saved or {})
    if convention.inputs:
        given = execution.tensors()
        extra = Cost(
            activations=sum(one.numel() for one in given),
            activation_bytes=sum(one.numel() * one.element_size() for one in given),
        )
        modules[0] = replace(modules[0], own=total((modules[0].own, extra)))
    totals = total(row.own for row in modules)
    if saved is None:
        totals = replace(totals, saved_bytes=-1)
    caveats = [caveat] if caveat else []
    if watch.uncounted:
        caveats.append(f"uncounted operators, totals are lower bounds: {', '.join(watch.uncounted)}")
    return Profile(
        model=type(execution.model).__name__,
        device=execution.device,
        convention=convention,
        batch=execution.batch,
        totals=totals,
        modules=tuple(modules),
        operators=_operator_rows(calls),
        peak_bytes=watch.peak_bytes,
        buffers=sum(one.buffers for one in counted),
        buffer_bytes=sum(one.buffer_bytes for one in counted),
        shared=shared_parameters(execution.model),
        uncalled=tuple(row.path for row in modules if not row.calls),
        uncounted=dict(watch.uncounted),
        caveats=(*execution.caveats, *caveats),
    )


def _apply(convention: Convention, calls: list[OperatorCall], batch: int) -> list[tuple[OperatorCall, Cost]]:
    priced = []
    for call in calls:
        counts = call.allocated and (convention.outputs is None or call.kind in convention.outputs)
        cost = Cost(
            macs=call.macs,
            flops=floating_point_operations(call),
            activations=call.allocated if counts else 0,
            activation_bytes=call.allocated_bytes if counts else 0,
            connections=_connections(call, batch) if call.kind in convention.connects else 0,
        )
        priced.append((call, cost))
    return priced


def _connections(call: OperatorCall, batch: int) -> int:
    links = call.macs or call.taps or call.elements
    return links // batch if links % batch == 0 else links  # an operator on weights alone has no batch


def _module_rows(
    execution: Execution,
    convention: Convention,
    root: Frame,
    calls: list[tuple[OperatorCall, Cost]],
    saved: dict[str, int],
) -> tuple[list[ModuleRow], list[ParameterCount]]:
    owned = parameter_counts(execution.model, convention)
    counted = list(owned.values())
    costs: dict[int, list[Cost]] = {}
    for call, cost in calls:
        costs.setdefault(id(call.frame), []).append(cost)
    rows = []
    for frame in root.walk():
        parameters = _as_cost(owned.pop(id(frame.module), ParameterCount()))  # the first path that calls it owns it
        kept = Cost(saved_bytes=saved.get(frame.path, 0))
        own = total((parameters, kept, *costs.get(id(frame), ())))
        rows.append(_row(frame.path, frame.module, frame.depth, own, frame))
    for path, module in execution.model.named_modules() if owned else ():
        left = owned.pop(id(module), None)
        if left is not None and left.weights + left.biases:
            rows.append(_row(path, module, path.count(".") + 1, _as_cost(left), None))
    return rows, counted


def _row(path: str, module: nn.Module, depth: int, own: Cost, frame: Frame | None) -> ModuleRow:
    return ModuleRow(
        path=path,
        kind=type(module).__name__,
        depth=depth,
        calls=frame.calls if frame else 0,
        input_shapes=frame.input_shapes if frame else (),
        output_shapes=frame.output_shapes if frame else (),
        own=own,
    )


def _as_cost(count: ParameterCount) -> Cost:
    return Cost(weights=count.weights, biases=count.biases, trainable=count.trainable,
                parameter_bytes=count.parameter_bytes)  # fmt: skip


def _operator_rows(calls: list[tuple[OperatorCall, Cost]]) -> tuple[OperatorRow, ...]:
    groups: dict[str, list[tuple[OperatorCall, Cost]]] = {}
    for call, cost in calls:
        groups.setdefault(call.name, []).append((call, cost))
    return tuple(
        OperatorRow(name=name, kind=group[0][0].kind, calls=len(group), own=total(cost for _, cost in group))
        for name, group in groups.items()
    )
