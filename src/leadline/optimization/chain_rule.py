"""The chain rule written out: values forward, derivatives backward, one line of the worksheet each."""

import re
from collections.abc import Sequence
from itertools import pairwise

from leadline.optimization.derivation import Worksheet, derivative
from leadline.optimization.feed_forward import FeedForward, Layer


def forward_pass(sheet: Worksheet, network: FeedForward, tag: str) -> None:
    """Every unit's value for one example, whose names end in `tag`."""
    before = network.inputs
    for layer in network.layers:
        stages = iter(layer.stages)
        if layer.weights is not None:
            inner, before = before, next(stages)
            for place, unit in enumerate(before):
                terms = [(weight, source + tag) for weight, source in zip(layer.weights[place], inner, strict=True)]
                sheet.work_sum("forward", unit + tag, [*terms, *((bias,) for bias in layer.biases[place : place + 1])])
        for rule, after in zip(layer.rules, stages, strict=True):
            for z, y in zip(before, after, strict=True):
                text, latex = (_with_names(form, z + tag, y + tag) for form in (rule.text, rule.latex))
                sheet.work("forward", y + tag, rule.value(sheet.values[z + tag]), text, latex)
            before = after


def backward_pass(sheet: Worksheet, network: FeedForward, tags: list[str]) -> None:
    """Every derivative, from the outputs' (already on the sheet) down to the first layer's parameters."""
    # Terms of dE/d(parameter), one per place and example in which it is used.
    terms: dict[str, list[tuple[str, ...]]] = {name: [] for name in network.parameters}
    for place in range(len(network.layers) - 1, -1, -1):
        layer = network.layers[place]
        sources = network.layers[place - 1].units if place else network.inputs
        if layer.weights is None:  # activations of the inputs themselves: nothing to learn beneath them
            continue
        for tag in tags:
            _through_activations(sheet, network.loss, layer, tag)
            for unit, weights, bias in zip(layer.stages[0], layer.weights, _each_bias(layer), strict=True):
                slope = derivative(network.loss, unit + tag)
                for weight, source in zip(weights, sources, strict=True):
                    terms[weight].append((slope, source + tag))
                if bias:
                    terms[bias].append((slope,))
            if place:
                _to_previous_units(sheet, network.loss, layer, sources, tag)
        earlier = {name for lower in network.layers[:place] for name in _parameters_of(lower)}
        for name in dict.fromkeys(_parameters_of(layer)):
            if name not in earlier:  # otherwise more terms are to come
                sheet.work_sum("backward", derivative(network.loss, name), terms[name])


def _through_activations(sheet: Worksheet, loss: str, layer: Layer, tag: str) -> None:
    pairs = zip(layer.stages[-2::-1], layer.stages[:0:-1], reversed(layer.rules), strict=True)
    for before, after, rule in pairs:
        for unit, put_out in zip(before, after, strict=True):
            z, y = unit + tag, put_out + tag
            text, latex = (_with_names(form, z, y) for form in (rule.slope_text, rule.slope_latex))
            sheet.work("backward", derivative(y, z), rule.slope(sheet.values[z], sheet.values[y]), text, latex)
            through = (derivative(loss, y), derivative(y, z))
            sheet.work_sum("backward", derivative(loss, z), [through])


def _to_previous_units(sheet: Worksheet, loss: str, layer: Layer, sources: tuple[str, ...], tag: str) -> None:
    stages = [[name + tag for name in stage] for stage in layer.stages]
    for place, unit in enumerate(stages[-1]):
        chain = [stage[place] for stage in reversed(stages)]
        slopes = tuple(derivative(y, z) for y, z in pairwise(chain))
        for weight, source in zip(layer.weights[place], sources, strict=True):  # pyright: ignore[reportOptionalSubscript]
            sheet.work_sum("backward", derivative(unit, source + tag), [(weight, *slopes)])
    for source in (source + tag for source in sources):
        paths = [(derivative(loss, unit), derivative(unit, source)) for unit in stages[-1]]
        sheet.work_sum("backward", derivative(loss, source), paths)


def _parameters_of(layer: Layer) -> list[str]:
    return [] if layer.weights is None else [*(str(name) for name in layer.weights.flat), *layer.biases]


def _each_bias(layer: Layer) -> Sequence[str]:
    return layer.biases or [""] * len(layer.units)


def _with_names(form: str, z: str, y: str) -> str:
    return re.sub("⟨([zy])⟩", lambda slot: f"⟨{z if slot[1] == 'z' else y}⟩", form)
