from .borrowing import borrow, twin
from .devices import choose_device
from .encoding import from_plain, to_plain
from .errors import (
    DivergedError,
    InputError,
    LeadlineError,
    MissingDataError,
    ModelError,
    NotPolynomialError,
    UncountedError,
    caller_errors,
    refuse,
)
from .results import Result
from .seeds import numpy_generator, random_state_kept, seed_of, torch_generator
from .whole_files import replacing

__all__ = [
    "DivergedError",
    "InputError",
    "LeadlineError",
    "MissingDataError",
    "ModelError",
    "NotPolynomialError",
    "Result",
    "UncountedError",
    "borrow",
    "caller_errors",
    "choose_device",
    "from_plain",
    "numpy_generator",
    "random_state_kept",
    "refuse",
    "replacing",
    "seed_of",
    "to_plain",
    "torch_generator",
    "twin",
]
