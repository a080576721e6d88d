from .architecture import Convention, count_formula, profile
from .core import LeadlineError, Result, borrow

__version__: str

__all__ = ["Convention", "LeadlineError", "Result", "borrow", "count_formula", "profile"]
