"""A check-up: all instruments that apply, pointed at one model and its data."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from leadline.architecture import Profile, ReceptiveField, profile, receptive_field
from leadline.claims import StudyRecord, Table
from leadline.core import LeadlineError, Result, borrow, refuse
from leadline.evaluation import OneVsRest, one_vs_rest
from leadline.initialization import SignalPropagation, signal_propagation
from leadline.optimization import (
    GradientNoise,
    OptimalStep,
    RangeTest,
    gradient_noise,
    lr_range_test,
    optimal_step,
)
from leadline.studies.pictures import picture
from leadline.training import Objective, initialized
from leadline.training.batches import LoaderSource, Source, source_of
from leadline.training.loops import floating_type, model_errors
from leadline.training.members import Factory
from leadline.training.objectives import Loss, objective_of

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "checkup")

_SAMPLE = 1024  # examples at most for what looks at one batch: the curvature, the scores
_BATCH = 64
_SEEDS = 8  # of the range test
_SPATIAL = 3  # axes from which on a receptive field says something
QUESTIONS = {
    "cost": "What does one batch cost?",
    "receptive_field": "How much of its input does an output see?",
    "signal": "Does the signal survive depth, forward and backward?",
    "learning_rate": "Which learning rate does it want?",
    "noise": "How noisy is its gradient, and so which batch size does it want?",
    "step": "How long is the best step along the gradient?",
    "scores": "How good are its scores?",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CheckUp(Result):
    """What each instrument found; None where it does not apply, and `left_out` says why."""

    model: str
    examples: int
    batch_size: int
    loss: str
    cost: Profile | None = None
    receptive_field: ReceptiveField | None = None
    signal: SignalPropagation | None = None
    learning_rate: RangeTest | None = None
    noise: GradientNoise | None = None
    step: OptimalStep | None = None
    scores: OneVsRest | None = None
    left_out: dict[str, str] = field(default_factory=dict)  # instrument -> why
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def found(self) -> dict[str, Result]:
        """The results, in the order of the questions."""
        return {name: getattr(self, name) for name in QUESTIONS if getattr(self, name) is not None}

    def headline(self) -> str:
        said = [one for one in (self._cost(), self._signal(), self._rate(), self._noise()) if one]
        return f"{self.model} on {self.examples:,} examples: {'; '.join(said) or 'no instrument applies'}"

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        answers = {name: one.headline() for name, one in self.found.items()}
        answers |= {name: f"left out: {why}" for name, why in self.left_out.items()}
        rows = [(QUESTIONS[name], answers[name], self.seconds.get(name, 0.0)) for name in QUESTIONS if name in answers]
        return pd.DataFrame(rows, columns=["question", "answer", "time_s"])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        chosen = self.learning_rate or next(iter(self.found.values()), None)
        if chosen is not None:
            chosen.draw(ax)

    def _cost(self) -> str:
        return f"{self.cost.parameters:,} parameters" if self.cost else ""

    def _signal(self) -> str:
        trend = self.signal.backward_trend if self.signal else None
        return f"gradient {trend.name}" if trend and math.isfinite(trend.per_layer) else ""

    def _rate(self) -> str:
        if self.learning_rate is None:
            return ""
        rate = self.learning_rate.suggestion()
        return "no learning rate suggested" if rate is None else f"learning rate {rate:.2g}"

    def _noise(self) -> str:
        if self.noise is None:
            return ""
        return f"noise scale {self.noise.noise_scale:.3g} examples" if self.noise.resolved else "noise unresolved"


def checkup(
    model: nn.Module | Factory,
    data: Any,
    *,
    loss: str | Loss | Objective | None = None,
    optimizer: str = "sgd",
    batch_size: int | None = None,
    validation: Any = None,
    seed: int = 0,
    announce: Callable[[str], None] = lambda question: None,
) -> CheckUp:
    """Point every instrument that applies at a model and its data; the model and all random numbers stay as they are.

    Args:
        model: a module, measured where it is; or a factory, whose models are drawn under several seeds.
        data: `(inputs, targets)`, a `Dataset` or a `DataLoader`.
        loss: a standard loss's name, `(outputs, targets) -> scalar` or an `Objective`; None: cross-entropy for
            whole-numbered targets, else the mean squared error.
        optimizer: whose learning rate is looked for.
        batch_size: examples per step; None: 64, or a DataLoader's own, or all that there are.
        validation: what the scores are measured on; None: the data.
        seed: names all random numbers.
        announce: is told each question before it is answered.

    Returns:
        One result per instrument: cost, receptive field (of inputs with positions), signal, learning rate, gradient
        noise, optimal step, scores (of a classifier). An instrument that refuses is left out with its reason.

    Raises:
        InputError: not a module or factory, NaN in the data, no examples, data of another kind, a loss that does not
            exist, or no instrument that could be applied at all.

    >>> from leadline.data import embedded_set
    >>> from leadline.models import mlp
    >>> iris = embedded_set("iris")
    >>> found = checkup(lambda: mlp([4, 16, 3]), (iris.inputs, iris.targets), batch_size=32)
    >>> found.cost.parameters, sorted(found.left_out)
    (131, ['receptive_field'])
    """
    if not callable(model):
        _refuse("a module or a factory of modules", type(model).__name__, "pass e.g. lambda: MyModel()")
    one = model if isinstance(model, nn.Module) else initialized(model, seed)
    place = next((p.device for p in one.parameters()), torch.device("cpu"))
    dtype = floating_type(one)
    source = source_of(data, place, dtype)
    *inputs, targets = _sample(source, _SAMPLE)
    *judged, classes = (
        (*inputs, targets) if validation is None else _sample(source_of(validation, place, dtype), _SAMPLE)
    )
    chosen = loss if loss is not None else "mse" if targets.dtype.is_floating_point else "cross_entropy"
    objective_of(chosen)  # refuses one that does not exist
    size = batch_size or (len(targets) if isinstance(source, LoaderSource) else min(_BATCH, source.examples))
    own = None if isinstance(source, LoaderSource) else size  # a DataLoader cuts its batches itself
    small = [each[:size] for each in inputs]
    asked: dict[str, Callable[[], Any]] = {
        "cost": lambda: profile(one, inputs=tuple(small)),
        "receptive_field": lambda: receptive_field(one, inputs=tuple(small)),
        "signal": lambda: signal_propagation(model, *small, seed=seed),
        "learning_rate": lambda: lr_range_test(
            model, data, loss=chosen, optimizer=optimizer, batch_size=own, seeds=range(seed, seed + _SEEDS)
        ),
        "noise": lambda: gradient_noise(one, data, loss=chosen, batch_size=own and _halved(own, source), seed=seed),
        "step": lambda: optimal_step(one, (*inputs, targets), loss=chosen),
        "scores": lambda: _scores(one, judged, classes),
    }
    left_out = _inapplicable(inputs, classes)
    found, seconds = {}, {}
    for name, question in QUESTIONS.items():
        if name in left_out:
            continue
        announce(question)
        began = time.perf_counter()
        try:
            found[name] = asked[name]()
        except LeadlineError as refusal:
            left_out[name] = str(refusal).replace("\n", " ")
        seconds[name] = time.perf_counter() - began
    if not found:
        first = next(iter((*seconds, *left_out)))  # what was refused, rather than what never applied
        _refuse("a model that some instrument can measure", left_out[first], "mend that first")
    return CheckUp(
        model=type(one).__name__,
        examples=source.examples,
        batch_size=size,
        loss=chosen if isinstance(chosen, str) else getattr(chosen, "__name__", type(chosen).__name__),
        left_out=left_out,
        seconds=seconds,
        caveats=_caveats(found, is_fresh=not isinstance(model, nn.Module), on_data=validation is None),
        **found,
    )


def checkup_sections(checked: CheckUp) -> tuple[StudyRecord, ...]:
    """One section of a page per instrument: its answer, picture, table and caveats."""
    settings = {"batch size": checked.batch_size, "loss": checked.loss}
    return tuple(
        StudyRecord(
            name=name,
            title=QUESTIONS[name],
            question=result.headline(),
            settings=settings | ({"sources": "; ".join(result.sources)} if result.sources else {}),
            seconds=checked.seconds[name],
            figures=(picture(name.replace("_", " "), result.draw, size=(7.0, 4.2)),),
            tables=(_table(result),),
            notes=result.caveats,
        )
        for name, result in checked.found.items()
    )


def _sample(source: Source, count: int) -> tuple[torch.Tensor, ...]:
    if isinstance(source, LoaderSource):
        return tuple(array[:count] for array in next(source.batches(1)))
    return source.take(torch.arange(min(count, source.examples)))


def _halved(size: int, source: Source) -> int:
    # Noise takes two batches to see; the answer does not depend on their size.
    return max(1, min(size, source.examples // 2))


def _inapplicable(inputs: list[torch.Tensor], targets: torch.Tensor) -> dict[str, str]:
    reasons = {}
    if len(inputs) > 1 or inputs[0].ndim < _SPATIAL or not inputs[0].dtype.is_floating_point:
        reasons["receptive_field"] = "the inputs have no positions"
    if targets.dtype.is_floating_point or targets.ndim != 1:
        reasons["scores"] = "the targets are not one class per example"
    return reasons


def _scores(model: nn.Module, inputs: list[torch.Tensor], targets: torch.Tensor) -> OneVsRest:
    with borrow(model, training=False), torch.no_grad(), model_errors("checkup"):
        outputs = model(*inputs)
    outputs = outputs.flatten(1) if outputs.ndim > 1 else outputs[:, None]
    if outputs.shape[1] == 1:  # one logit for the second of two classes
        outputs = torch.cat([-outputs, outputs], 1)
    present = np.unique(targets.cpu().numpy())
    return one_vs_rest(targets.cpu().numpy(), outputs.double().cpu().numpy()[:, present], classes=present.tolist())


def _caveats(found: Mapping[str, Result], *, is_fresh: bool, on_data: bool) -> tuple[str, ...]:
    own = [f"{name.replace('_', ' ')}: {caveat}" for name, one in found.items() for caveat in one.caveats]
    if is_fresh and found.keys() & {"noise", "step", "scores"}:
        own.append(
            "noise, step and scores: of a model just made by its factory; pass a module to measure a trained one"
        )
    elif "scores" in found and on_data:
        own.append("scores: measured on the data given; pass validation= where the model was trained on these")
    return tuple(own)


def _table(result: Result) -> Table:
    frame = result.to_frame()
    rows = tuple(tuple(_plain(cell) for cell in row) for row in frame.itertuples(index=False))
    return Table(title="in numbers", columns=tuple(str(one).replace("_", " ") for one in frame), rows=rows)


def _plain(cell: Any) -> Any:
    cell = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(cell, float) and math.isnan(cell):
        return None
    return cell if cell is None or isinstance(cell, bool | int | float) else str(cell)
