"""Shapes and types of array arguments are checked in tests (jaxtyping with beartype), and drawing needs no screen."""

import os
import signal
import tempfile

import matplotlib as mpl
import pytest
import torch
from data_folders import BESIDE
from jaxtyping import config, install_import_hook

mpl.use("Agg")
# Shells start background jobs with Ctrl-C ignored, and every process below inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
CACHE = tempfile.TemporaryDirectory()  # what the user downloaded or trained must not meet the tests
os.environ["XDG_CACHE_HOME"] = CACHE.name
if BESIDE.is_dir():  # studies find the real data as a user's would, by the variable
    os.environ.setdefault("LEADLINE_DATA", str(BESIDE))
torch.set_num_threads(1)
install_import_hook("leadline", "beartype.beartype")


@pytest.fixture
def types_unchecked():
    """As in use, where nothing checks types: for the errors that callers see."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)
