from .conventions import Convention
from .convolution_arithmetic import ConvolutionSolution, solve_convolution
from .field_tracing import receptive_field
from .formulas import CountFormula, count_formula
from .profiles import Profile
from .profiling import profile
from .receptive_fields import ReceptiveField
from .specifications import SpecificationCheck, check_shapes

__all__ = [
    "Convention",
    "ConvolutionSolution",
    "CountFormula",
    "Profile",
    "ReceptiveField",
    "SpecificationCheck",
    "check_shapes",
    "count_formula",
    "profile",
    "receptive_field",
    "solve_convolution",
]
