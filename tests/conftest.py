"""Shapes and types of array arguments are checked in tests (jaxtyping with beartype), and drawing needs no screen."""

import matplotlib as mpl
import torch
from jaxtyping import install_import_hook

mpl.use("Agg")
torch.set_num_threads(1)
install_import_hook("leadline", "beartype.beartype")
