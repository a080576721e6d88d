from .decomposed_error import BiasVariance
from .descent_curves import DoubleDescent
from .linear_families import LinearFamily, polynomial_family
from .loss_decomposition import bias_variance
from .model_growth import double_descent
from .populations import Population
from .risk_curves import TeacherStudentRisk
from .teacher_student import teacher_student_risk

__all__ = [
    "BiasVariance",
    "DoubleDescent",
    "LinearFamily",
    "Population",
    "TeacherStudentRisk",
    "bias_variance",
    "double_descent",
    "polynomial_family",
    "teacher_student_risk",
]
