"""The tables of VGG-19 and VGG-11 that courses ask for, counted."""

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from torch import nn

from leadline.architecture import Convention, Profile, profile
from leadline.architecture.profiles import ModuleRow
from leadline.claims import Check, Evidence, Table, agrees, value_check
from leadline.claims.arithmetic import Symbols
from leadline.claims.formulas import Scope, evaluate
from leadline.claims.notation import parse
from leadline.models import vgg
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

if TYPE_CHECKING:
    import matplotlib.axes

_IMAGE = (1, 3, 224, 224)
# Table of the first source: weights without biases, outputs of convolutions and pools, the image itself counted.
_BARE = Convention(biases=False, outputs=("convolution", "pooling"), inputs=True)
_PRINTED_DIGITS = 2  # to which that table rounds its activations


@dataclass(frozen=True)
class Observation:
    """VGG-19 without biases, VGG-11 with them and with a softmax behind it."""

    deep: Profile
    shallow: Profile


def observe(settings: Settings) -> Observation:
    return Observation(
        deep=profile(lambda: _by_layer(19), input_size=_IMAGE, convention=_BARE),
        shallow=profile(lambda: _by_layer(11), input_size=_IMAGE),
    )


def _by_layer(depth: int) -> nn.Sequential:
    """A VGG network and a softmax, the layers named as in the paper: conv2_1 is the first of the second stage."""
    model = vgg(depth)
    named: OrderedDict[str, nn.Module] = OrderedDict()
    stage, place = 1, 0
    for layer in model.features:
        if isinstance(layer, nn.Conv2d):
            place += 1
            named[f"conv{stage}_{place}"] = layer
        elif isinstance(layer, nn.MaxPool2d):
            named[f"pool{stage}"] = layer
            stage, place = stage + 1, 0
        else:
            named[f"relu{stage}_{place}"] = layer
    named["flatten"] = model.flatten
    for layer in model.classifier:
        kind = "fc" if isinstance(layer, nn.Linear) else type(layer).__name__.lower()
        named[kind + str(1 + sum(name.startswith(kind) for name in named))] = layer
    named["softmax"] = nn.Softmax(dim=1)
    return nn.Sequential(named)


def parameters_of(cost: Profile, layer: str) -> int:
    """Parameters of the layer of that name."""
    return _row(cost, layer).own.parameters


def connected_share(cost: Profile) -> float:
    """The fully connected layers' share of all parameters."""
    return sum(row.own.parameters for row in cost.modules if row.kind == "Linear") / cost.parameters


def rounded_to(digits: int, count: int) -> int:
    """The count to so many significant digits.

    >>> rounded_to(2, 3211264)
    3200000
    """
    return int(float(f"{count:.{digits - 1}e}"))


def _row(cost: Profile, layer: str) -> ModuleRow:
    return next(row for row in cost.modules if row.path == layer)


def _decide_activations(observation: Observation, stated: Any) -> Evidence:
    counts = [row.own.activations for row in observation.deep.modules]
    rounded = sum(rounded_to(_PRINTED_DIGITS, count) for count in counts if count)
    return Evidence(
        as_stated=agrees(sum(counts), stated),
        amended=agrees(rounded, stated),
        condition=f"every row rounded to {_PRINTED_DIGITS} significant digits before adding",
        found=sum(counts),
        how="Profile of VGG-19 on a 224x224 image: the image and the outputs of all convolutions and pools.",
        details=(f"The rows rounded to {_PRINTED_DIGITS} significant digits add up to {rounded:,}.",),
    )


def _decide_product(observation: Observation, stated: str) -> Evidence:
    found = parameters_of(observation.deep, "conv2_2")
    sides = [evaluate(parse(side, frozenset()), Scope({}, {}, Symbols({}))) for side in stated.split("=")]
    return Evidence(
        as_stated=all(side == found for side in sides),
        found=found,
        how="Weights of the second convolution of 128 channels, against the product and its value.",
        details=(f"Stated: {' = '.join(map(str, sides))}, multiplied out.",),
    )


CHECKS = (
    Check(claim="e6998.4.1.activations", procedure=_decide_activations, altered=Decimal("1.653e+7")),
    value_check("e6998.4.1.parameters", lambda seen: seen.deep.parameters,
                "Profile of VGG-19, biases left out.", altered=Decimal("1.38e+8")),
    Check(claim="e6998.4.1.conv3-128b", procedure=_decide_product, altered="(3*3*64)*128 = 147456"),
    value_check("e6998.4.1.conv3-256a", lambda seen: parameters_of(seen.deep, "conv3_1"),
                "Weights of the first convolution of 256 channels.", altered=589_824),
    value_check("e6998.4.1.fc1", lambda seen: parameters_of(seen.deep, "fc1"),
                "Weights of the first fully connected layer.", altered=Decimal("1.0276e+9")),
    value_check("dlhw2.6.conv1", lambda seen: parameters_of(seen.shallow, "conv1_1"),
                "Weights and biases of VGG-11's first convolution.", altered=1728),
    value_check("dlhw2.6.conv512", lambda seen: parameters_of(seen.shallow, "conv5_1"),
                "Weights and biases of a convolution from 512 to 512 channels.", altered=2_359_296),
    value_check("dlhw2.6.total", lambda seen: seen.shallow.parameters,
                "Profile of VGG-11, biases included.", altered=132_863_335),
    value_check("dlhw2.6.fcshare", lambda seen: connected_share(seen.shallow),
                "Parameters of the three fully connected layers over all parameters.", altered=Decimal("0.8957")),
    value_check("dlhw2.6.softmax", lambda seen: _row(seen.shallow, "softmax").output_shapes[0][-1],
                "Shape of the softmax layer's output for one image.", altered=1000),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    return Exhibits(
        tables=(
            stated_against_found(CHECKS, observation),
            _layers("VGG-19, biases left out", observation.deep, activations=True),
            _layers("VGG-11, biases included", observation.shallow, activations=False),
        ),
        figures=(picture("Where VGG-19 keeps its numbers", lambda ax: _draw(ax, observation.deep), size=(6.4, 4.6),
                         caption="Memory is spent at the beginning, weights at the end."),),
    )  # fmt: skip


def _layers(title: str, cost: Profile, *, activations: bool) -> Table:
    columns = ("layer", "output", "parameters", *(("activations", "as printed, rounded") if activations else ()))
    rows = []
    for row in cost.modules[1:]:
        if row.kind in ("Conv2d", "MaxPool2d", "Linear", "Softmax"):
            count = row.own.activations
            cells = (f"{count:,}", f"{rounded_to(_PRINTED_DIGITS, count):,}") if activations else ()
            rows.append((row.path, "x".join(map(str, row.output_shapes[0][1:])), f"{row.own.parameters:,}", *cells))
    return Table(title=title, columns=columns, rows=tuple(rows))


def _draw(ax: "matplotlib.axes.Axes", cost: Profile) -> None:
    rows = [row for row in cost.modules[1:] if row.own.activations or row.own.parameters]
    for place, name in enumerate(("activations", "parameters")):
        heights = [index + (place - 0.5) * 0.4 for index in range(len(rows))]
        shares = [100 * getattr(row.own, name) / getattr(cost, name) for row in rows]
        ax.barh(heights, shares, height=0.38, label=f"{name} ({getattr(cost, name):,})")
    ax.set_yticks(range(len(rows)), [row.path for row in rows], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("share of the total (%)")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.25))


STUDY = Study(
    name="vgg-counts",
    title="VGG, layer by layer",
    question="How many activations and parameters do VGG-19 and VGG-11 have, and where?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
