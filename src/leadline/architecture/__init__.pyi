from .conventions import Convention
from .formulas import CountFormula, count_formula
from .profiles import Profile
from .profiling import profile

__all__ = ["Convention", "CountFormula", "Profile", "count_formula", "profile"]
