from .architecture import Convention, check_shapes, count_formula, profile, receptive_field, solve_convolution
from .core import LeadlineError, Result, borrow
from .optimization import staleness, worked_backprop

__version__: str

__all__ = [
    "Convention",
    "LeadlineError",
    "Result",
    "borrow",
    "check_shapes",
    "count_formula",
    "profile",
    "receptive_field",
    "solve_convolution",
    "staleness",
    "worked_backprop",
]
