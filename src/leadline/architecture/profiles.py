"""The result of `profile`: totals, one row per path of module calls, one row per operator."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from leadline.architecture.conventions import Convention
from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Numbers that add up over rows; all plain integers."""

    weights: int = 0
    biases: int = 0
    trainable: int = 0
    parameter_bytes: int = 0
    activations: int = 0
    activation_bytes: int = 0
    saved_bytes: int = 0
    connections: int = 0
    macs: int = 0
    flops: int = 0

    @property
    def parameters(self) -> int:
        """Weights and biases, under the convention."""
        return self.weights + self.biases


_NAMES = tuple(one.name for one in fields(Cost))
_VALUES = attrgetter(*_NAMES)


def total(costs: Iterable[Cost]) -> Cost:
    """The sum, field by field."""
    sums = [sum(column) for column in zip(*map(_VALUES, costs), strict=True)]
    return Cost(**dict(zip(_NAMES, sums, strict=True))) if sums else Cost()


@dataclass(frozen=True, kw_only=True)
class ModuleRow:
    """What one path of module calls costs by itself, without the modules that it calls."""

    path: str
    kind: str  # class name
    depth: int
    calls: int
    input_shapes: Shapes
    output_shapes: Shapes
    own: Cost


@dataclass(frozen=True, kw_only=True)
class OperatorRow:
    """What all calls of one operator cost together."""

    name: str
    kind: str
    calls: int
    own: Cost


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Profile(Result):
    """What a model costs. Rows add up to the totals, always.

    `saved_bytes` is -1 where the pass with gradients could not be made (a caveat says why).
    """

    model: str
    device: str
    convention: Convention
    batch: int  # examples per forward; connections are per example, everything else for the whole batch
    totals: Cost
    modules: tuple[ModuleRow, ...]
    operators: tuple[OperatorRow, ...]
    peak_bytes: int  # inputs and activations alive at once in a forward without gradients
    buffers: int
    buffer_bytes: int
    shared: tuple[tuple[str, ...], ...] = ()  # groups of names of one parameter
    uncalled: tuple[str, ...] = ()  # modules with parameters that the forward did not call
    uncounted: dict[str, int] = field(default_factory=dict)  # operator without a rule -> calls

    @property
    def parameters(self) -> int:
        """Number of parameters, each tensor once."""
        return self.totals.parameters

    @property
    def weights(self) -> int:
        """Parameters that are not biases."""
        return self.totals.weights

    @property
    def biases(self) -> int:
        """Parameters named bias."""
        return self.totals.biases

    @property
    def trainable(self) -> int:
        """Parameters that require gradients."""
        return self.totals.trainable

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters."""
        return self.totals.parameter_bytes

    @property
    def activations(self) -> int:
        """Elements of the operator outputs that the convention counts."""
        return self.totals.activations

    @property
    def activation_bytes(self) -> int:
        """Bytes of those outputs."""
        return self.totals.activation_bytes

    @property
    def saved_bytes(self) -> int:
        """Bytes that autograd keeps for the backward pass, parameters aside."""
        return self.totals.saved_bytes

    @property
    def connections(self) -> int:
        """Connections per example, of the kinds that the convention names."""
        return self.totals.connections

    @property
    def macs(self) -> int:
        """Multiply-accumulates of products, for the whole batch."""
        return self.totals.macs

    @property
    def flops(self) -> int:
        """Floating-point operations by the rule in `operator_calls.floating_point_operations`."""
        return self.totals.flops

    def headline(self) -> str:
        partial = f"; {len(self.uncounted)} operators uncounted: lower bounds" if self.uncounted else ""
        return (
            f"{self.model}: {self.parameters:,} parameters, {_scaled(self.macs)}MACs, {_scaled(self.flops)}FLOPs, "
            f"{_scaled(self.activations)}activations, peak {_scaled(self.peak_bytes)}B "
            f"(batch {self.batch}, {self.device}){partial}"
        )

    def to_frame(self, depth: int | None = None) -> "pandas.DataFrame":
        """One row per path of module calls; with `depth`, deeper rows are added to their ancestor at that depth."""
        import pandas as pd

        if depth is not None and depth < 0:
            raise InputError("Profile.to_frame", expected="a depth >= 0", got=str(depth), remedy="0 is the whole model")
        rows = self.modules if depth is None else self._folded(depth)
        return pd.DataFrame([_module_cells(row) for row in rows])

    def operators_to_frame(self) -> "pandas.DataFrame":
        """One row per operator, most multiply-accumulates first."""
        import pandas as pd

        rows = sorted(self.operators, key=lambda row: (-row.own.macs, -row.own.flops, row.name))
        return pd.DataFrame(
            [{"operator": row.name, "kind": row.kind, "calls": row.calls, **_cells(row.own)} for row in rows]
        ).drop(columns=["parameters", "trainable_parameters"], errors="ignore")

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        rows = [row for row in self._folded(1) if row.own.macs or row.own.parameters or row.own.activations][-24:]
        quantities = ("parameters", "macs", "activations")
        for place, quantity in enumerate(quantities):
            whole = max(getattr(self, quantity), 1)
            heights = [index + (place - 1) * 0.27 for index in range(len(rows))]
            shares = [100 * getattr(row.own, quantity) / whole for row in rows]
            ax.barh(heights, shares, height=0.25, label=f"{quantity} ({_scaled(whole).strip()})")
        ax.set_yticks(range(len(rows)), [row.path or f"({row.kind})" for row in rows])
        ax.invert_yaxis()
        ax.set_xlabel("share of the total (%)")
        ax.set_title(f"{self.model}: where the cost is")
        ax.legend()

    def _folded(self, depth: int) -> list[ModuleRow]:
        ancestors: list[tuple[ModuleRow, list[Cost]]] = []
        for row in self.modules:  # in order of the calls, so that an ancestor comes before what it calls
            if row.depth <= depth:
                ancestors.append((row, [row.own]))
            else:
                owner = next(pair for pair in reversed(ancestors) if _calls(pair[0], row))
                owner[1].append(row.own)
        return [
            ModuleRow(path=row.path, kind=row.kind, depth=row.depth, calls=row.calls, input_shapes=row.input_shapes,
                      output_shapes=row.output_shapes, own=total(costs))
            for row, costs in ancestors
        ]  # fmt: skip


def _calls(caller: ModuleRow, called: ModuleRow) -> bool:
    return not caller.path or called.path.startswith(f"{caller.path}.")


def _module_cells(row: ModuleRow) -> dict[str, object]:
    return {
        "module": row.path or "(model)",
        "class": row.kind,
        "depth": row.depth,
        "calls": row.calls,
        "output_shape": " ".join("x".join(map(str, shape)) or "scalar" for shape in row.output_shapes),
        **_cells(row.own),
    }


def _cells(cost: Cost) -> dict[str, int]:
    return {
        "parameters": cost.parameters,
        "trainable_parameters": cost.trainable,
        "macs": cost.macs,
        "flops": cost.flops,
        "connections_per_example": cost.connections,
        "activation_elements": cost.activations,
        "activation_bytes": cost.activation_bytes,
        "saved_bytes": cost.saved_bytes,
    }


def _scaled(number: int) -> str:
    for size, prefix in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.4g} {prefix}"
    return f"{number} "
