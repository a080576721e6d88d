from .core import LeadlineError, Result, borrow

__version__: str

__all__ = ["LeadlineError", "Result", "borrow"]
