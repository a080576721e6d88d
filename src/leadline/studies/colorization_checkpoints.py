"""A colorization net in training, as one safetensors file: weights, optimizer memory, palette, and how it went."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from leadline.core import InputError, random_state_kept, replacing
from leadline.data import Palette
from leadline.models import PoolUpsampleNet, SteeredTables, StridedTransposedNet, UNet
from leadline.training import State

EXERCISE = ("pool", "transposed", "unet")  # the sources' nets
NETS: dict[str, Callable[..., nn.Module]] = {
    "pool": PoolUpsampleNet, "transposed": StridedTransposedNet, "unet": UNet, "tables": SteeredTables,
}  # fmt: skip
_FORMAT = "leadline colorization 1"
_PLAIN = ("net", "seed", "images", "fingerprint", "precision")
_HISTORY = ("training_loss", "validation_loss", "validation_accuracy", "seconds")
_PALETTE = "palette"
_WHITE = 255


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Net and training; the defaults are the sources'."""

    kernel: int = 3
    filters: int = 32
    colours: int = 24
    lr: float = 1e-3  # of Adam; with a cycle the highest
    batch_size: int = 100
    cycle: int | None = None  # epochs in which the rate goes up and down once; None: it is constant
    mirrored: bool = False  # left and right change places in half the images, others in every epoch


SOURCES = Setting()
_SETTINGS = {"tables": Setting(kernel=5, filters=16, lr=1e-2, batch_size=50, cycle=25, mirrored=True)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint:
    """All that is needed to go on with a training, or to colour a photograph.

    Attributes:
        net: key of NETS.
        setting: of the net and the training.
        seed: of initial weights, order of batches and palette.
        images, fingerprint: name and SHA-256 of what it is trained on.
        precision: of the forward pass in training, float32 or bfloat16.
        training_loss, validation_loss, validation_accuracy, seconds: by epoch; losses in nats per pixel.
        state: parameters, buffers, optimizer memory, steps taken.
    """

    net: str
    setting: Setting
    seed: int
    images: str
    fingerprint: str
    palette: Palette
    state: State
    precision: str = "float32"
    training_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    validation_accuracy: tuple[float, ...] = ()
    seconds: tuple[float, ...] = ()

    @property
    def epochs(self) -> int:
        """Epochs finished."""
        return len(self.validation_loss)

    def model(self) -> nn.Module:
        """The net with these weights, in evaluation mode."""
        with random_state_kept():
            model = build_net(self.net, self.setting)
        model.load_state_dict({**self.state.parameters, **self.state.buffers})
        return model.eval()


def setting_of(net: str) -> Setting:
    """What a net is trained with unless told otherwise."""
    return _SETTINGS.get(net, SOURCES)


def build_net(net: str, setting: Setting) -> nn.Module:
    """A net by name, for grey images."""
    if net not in NETS:
        raise InputError("build_net", expected="one of " + ", ".join(NETS), got=repr(net), remedy="pass one of these")
    return NETS[net](setting.kernel, in_channels=1, filters=setting.filters, colours=setting.colours)


def write_checkpoint(checkpoint: Checkpoint, path: Path | str) -> None:
    """Put the file in place at once, so that a killed run leaves the former one whole."""
    from safetensors.torch import save

    state = checkpoint.state
    tensors = {_PALETTE: torch.from_numpy(checkpoint.palette.colours)}
    tensors |= {f"parameters/{name}": value for name, value in state.parameters.items()}
    tensors |= {f"buffers/{name}": value for name, value in state.buffers.items()}
    tensors |= {f"memory/{slot}/{name}": v for slot, values in state.memory.items() for name, v in values.items()}
    plain: dict[str, Any] = {name: getattr(checkpoint, name) for name in _PLAIN}
    plain |= {name: getattr(checkpoint, name) for name in _HISTORY}
    plain |= {"taken": state.taken, "setting": asdict(checkpoint.setting)}
    metadata = {"format": _FORMAT, "training": json.dumps(plain)}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.write(save({name: value.contiguous() for name, value in tensors.items()}, metadata))


def read_checkpoint(path: Path | str) -> Checkpoint:
    """The checkpoint in a file; nothing is unpickled.

    Raises:
        InputError: no such file, another kind of file, or a broken one.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - no mapping
        if metadata.get("format") != _FORMAT:
            raise KeyError("format")
        checkpoint = _assembled(json.loads(metadata["training"]), tensors)
        checkpoint.model()
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError("read_checkpoint", expected="weights that `leadline colorize` has written",
                         got=f"{path}: {' '.join(str(error).split())[:200]}",
                         remedy="name such a .safetensors file") from error  # fmt: skip
    return checkpoint


def _assembled(plain: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Checkpoint:
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"values in {name} that are not finite")
    taken, setting = plain.pop("taken"), Setting(**plain.pop("setting"))
    colours = tensors.pop(_PALETTE).numpy().astype(np.float64)
    if colours.shape != (setting.colours, 3) or not ((np.rint(colours) >= 0) & (np.rint(colours) <= _WHITE)).all():
        raise ValueError(
            f"a palette of shape {colours.shape}, or with levels beyond {_WHITE}, for {setting.colours} colours"
        )
    parameters, buffers, memory = {}, {}, {}
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "memory":
            slot, _, rest = rest.partition("/")
            memory.setdefault(slot, {})[rest] = value
        else:
            {"parameters": parameters, "buffers": buffers}[kind][rest] = value
    history: dict[str, Any] = {name: tuple(plain.pop(name)) for name in _HISTORY}
    return Checkpoint(
        **plain,
        **history,
        setting=setting,
        palette=Palette(colours=colours),
        state=State(parameters, buffers, memory, taken),
    )
