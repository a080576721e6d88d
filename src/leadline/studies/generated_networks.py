"""Do the colorization nets that a language model wrote meet the specification that they were written for?"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from leadline.architecture import SpecificationCheck, check_shapes
from leadline.claims import Check, Evidence, Table
from leadline.models import UNet
from leadline.studies.comparison_table import stated_against_found
from leadline.studies.pictures import picture
from leadline.studies.study import Exhibits, Settings, Study

_SIDE = 32
_COURSE = {"kernel": 3, "filters": 32, "colours": 24}
KERNELS = range(1, 10)
Net = Callable[[int, int, int], nn.Module]  # (kernel, filters, colours) -> the net, for one grey channel


def _stage(layer: nn.Module, channels: int, *after: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU(), *after)


def pool_upsample(kernel: int, filters: int, colours: int, *, padded: bool = False) -> nn.Sequential:
    """Two convolutions with pools, two with upsampling and one more; its padding is computed and never passed on.

    Args:
        padded: pass the padding on, half the kernel.
    """
    widths = (1, filters, filters, 2 * filters, filters)
    resize = (nn.MaxPool2d(2), nn.MaxPool2d(2), nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2))
    padding = kernel // 2 if padded else 0
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, after in enumerate(resize):
        convolution = nn.Conv2d(widths[place], widths[place + 1], kernel, padding=padding)
        layers[f"stage{place + 1}"] = _stage(convolution, widths[place + 1], after)
    layers["last"] = nn.Conv2d(filters, colours, kernel, padding=padding)
    return nn.Sequential(layers)


def strided_transposed(kernel: int, filters: int, colours: int, *, padded: bool = False) -> nn.Sequential:
    """Two convolutions and two transposed ones of stride 2, with neither padding nor output padding.

    Args:
        padded: give them the padding, half the kernel, and the output padding 1.
    """
    padding, extra = (kernel // 2, 1) if padded else (0, 0)

    def down(inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, stride=2, padding=padding)

    def up(inputs: int, outputs: int) -> nn.ConvTranspose2d:
        return nn.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=padding, output_padding=extra)

    layers: OrderedDict[str, nn.Module] = OrderedDict(
        stage1=_stage(down(1, filters), filters),
        stage2=_stage(down(filters, 2 * filters), 2 * filters),
        stage3=_stage(up(2 * filters, filters), filters),
        last=up(filters, colours),
    )
    return nn.Sequential(layers)


class ReversedUNet(nn.Module):
    """Nine unpadded convolutions, called again from the last to the first with the kept outputs concatenated.

    On the way back, level j runs convolution j and normalization j, concatenates the j-th output, and runs convolution
    j - 1 and normalization j; level 8 is one convolution higher.
    """

    def __init__(self, kernel: int, filters: int, colours: int) -> None:
        super().__init__()
        widths = [1, *(multiple * filters for multiple in (1, 2, 4, 8, 8, 4, 2, 1)), colours]
        places = range(1, len(widths))
        self.convolutions = nn.ModuleDict({str(j): nn.Conv2d(widths[j - 1], widths[j], kernel) for j in places})
        self.normalizations = nn.ModuleDict({str(j): nn.BatchNorm2d(widths[j]) for j in places})

    def forward(self, grey: Float[torch.Tensor, "n 1 h w"]) -> Float[torch.Tensor, "n c height width"]:
        """The output, were it to run."""
        kept, x = [grey], grey
        for j in range(1, 10):
            x = torch.relu(self._step(x, j, j))
            kept.append(x)
        for j in range(8, 1, -1):
            higher = 1 if j == 8 else 0
            x = torch.cat([self._step(x, j + higher, j), kept[j]], dim=1)
            x = torch.relu(self._step(x, j - 1 + higher, j))
        return self._step(x, 1, 1)

    def _step(self, x: torch.Tensor, convolution: int, normalization: int) -> torch.Tensor:
        return self.normalizations[str(normalization)](self.convolutions[str(convolution)](x))


def _course_unet(kernel: int, filters: int, colours: int) -> nn.Module:
    return UNet(kernel, in_channels=1, filters=filters, colours=colours)


GENERATED_POOL, GENERATED_STRIDED, GENERATED_UNET = (
    "generated pool/upsample net", "generated strided/transposed net", "generated U-Net")  # fmt: skip
NETS: dict[str, Net] = {
    GENERATED_POOL: pool_upsample,
    GENERATED_STRIDED: strided_transposed,
    GENERATED_UNET: ReversedUNet,
    f"{GENERATED_POOL}, padded": lambda *sizes: pool_upsample(*sizes, padded=True),
    f"{GENERATED_STRIDED}, padded": lambda *sizes: strided_transposed(*sizes, padded=True),
    "U-Net of the course": _course_unet,
}


@dataclass(frozen=True)
class Observation:
    """Per net the check of 32x32 -> colours x 32x32, for the course's sizes and for others."""

    checks: dict[str, SpecificationCheck]
    kernels: dict[str, list[int]]  # those among `KERNELS` that meet it
    square: dict[str, SpecificationCheck]  # with as many filters as colours, where channels can fit by chance


def observe(settings: Settings) -> Observation:
    alike = _COURSE | {"filters": _COURSE["colours"]}
    return Observation(
        checks={name: specification(net, **_COURSE) for name, net in NETS.items()},
        kernels={name: [kernel for kernel in KERNELS if specification(net, **(_COURSE | {"kernel": kernel})).met]
                 for name, net in NETS.items()},
        square={name: specification(net, **alike) for name, net in NETS.items()},
    )  # fmt: skip


def specification(net: Net, *, kernel: int, filters: int, colours: int) -> SpecificationCheck:
    """Does the net turn one grey 32x32 image into that many scores for each of its pixels?"""
    return check_shapes(lambda: net(kernel, filters, colours), (1, 1, _SIDE, _SIDE), (1, colours, _SIDE, _SIDE))


def _decide(observation: Observation, name: str) -> Evidence:
    check = observation.checks[name]
    kernels = ", ".join(map(str, observation.kernels[name])) or "none"
    details = [f"Kernels {KERNELS[0]} to {KERNELS[-1]} that meet it: {kernels}."]
    padded = f"{name}, padded"
    if padded in observation.checks:
        outcome = "" if observation.checks[padded].met else " not"
        details.append(f"Padded by half the kernel, with output padding 1 where transposed, it does{outcome} meet it.")
    if check.actual is None:
        details.append(f"With as many filters as colours: {_outcome(observation.square[name])}.")
    return Evidence(
        as_stated=check.met,
        found=_outcome(check),
        how=f"Shapes of every layer on the meta device, for {', '.join(f'{n} {v}' for n, v in _COURSE.items())}.",
        details=tuple(details),
    )


def _outcome(check: SpecificationCheck) -> str:
    size = "does not run" if check.actual is None else f"gives {'x'.join(map(str, check.actual[1:]))}"
    if check.breach is None:
        return size
    again = f", call {check.breach.call}" if check.breach.call > 1 else ""
    return f"{size}; first at {check.breach.path or check.model} ({check.breach.kind}{again}): {check.breach.reason}"


CHECKS = (
    Check(claim="csc413b.4.1.generated", procedure=_decide, asserted=GENERATED_POOL,
          altered=f"{GENERATED_POOL}, padded"),
    Check(claim="csc413b.5.1.generated", procedure=_decide, asserted=GENERATED_STRIDED,
          altered=f"{GENERATED_STRIDED}, padded"),
    Check(claim="csc413b.6.1.generated", procedure=_decide, asserted=GENERATED_UNET, altered="U-Net of the course"),
)  # fmt: skip


def exhibit(observation: Observation) -> Exhibits:
    rows = tuple((name, _outcome(check), ", ".join(map(str, observation.kernels[name])) or "none")
                 for name, check in observation.checks.items())  # fmt: skip
    nets = Table(
        title="32x32 in, what comes out",
        columns=("net", f"for kernel {_COURSE['kernel']}", f"kernels {KERNELS[0]} to {KERNELS[-1]} that meet it"),
        rows=rows,
    )
    return Exhibits(
        tables=(stated_against_found(CHECKS, observation), nets),
        figures=(picture("How the generated pool/upsample net loses pixels", observation.checks[GENERATED_POOL].draw,
                         size=(6.4, 4.0)),),
    )  # fmt: skip


STUDY = Study(
    name="generated-networks",
    title="Networks written by a language model",
    question="Do the generated networks run, and do they turn 32x32 into scores for 32x32 pixels?",
    observe=observe,
    checks=CHECKS,
    exhibit=exhibit,
)
