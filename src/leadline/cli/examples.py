"""`--data` of instruments that train: an .npz file with `inputs` and `targets`, or an embedded set by name."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.core.errors import InputError

if TYPE_CHECKING:
    import numpy

Examples = Annotated[
    str,
    typer.Option("--data", metavar="FILE.npz|NAME",
                 help="Arrays named inputs and targets, or digits, breast-cancer, iris, wine, diabetes-regression, "
                 "photographs (features divided by their largest magnitude)."),
]  # fmt: skip
Loss = Annotated[
    str | None,
    typer.Option(help="cross_entropy, mse, ...; if not given: cross_entropy for whole-numbered targets, else mse."),
]


def read_examples(source: str) -> "tuple[numpy.ndarray, numpy.ndarray]":
    """Inputs and targets."""
    if source.endswith(".npz"):
        return _from_file(Path(source))
    import numpy as np

    from leadline.data import EMBEDDED, embedded_set

    if source not in EMBEDDED:
        raise InputError("--data", expected="a file that ends in .npz, or one of " + ", ".join(EMBEDDED), got=source,
                         remedy="write arrays with numpy.savez(path, inputs=..., targets=...)")  # fmt: skip
    chosen = embedded_set(source)
    inputs = chosen.inputs.astype(np.float32)
    inputs /= np.maximum(np.abs(inputs).max(0), np.finfo(np.float32).tiny)
    targets = chosen.targets
    return inputs, targets if chosen.classes else targets.astype(np.float32)[:, None]


def loss_for(given: str | None, targets: "numpy.ndarray") -> str:
    """The loss named, or the usual one for such targets."""
    return given or ("mse" if targets.dtype.kind == "f" else "cross_entropy")


def _from_file(path: Path) -> "tuple[numpy.ndarray, numpy.ndarray]":
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise InputError("--data", expected="an .npz file of plain arrays", got=f"{path}: {error}",
                         remedy="write it with numpy.savez(path, inputs=..., targets=...)") from error  # fmt: skip
    if not {"inputs", "targets"} <= set(found):
        raise InputError("--data", expected="arrays named inputs and targets", got=", ".join(sorted(found)) or "none",
                         remedy="write it with numpy.savez(path, inputs=..., targets=...)")  # fmt: skip
    return found["inputs"], found["targets"]
