from .absolute_deviations import LeastAbsoluteDeviations, least_absolute_deviations
from .decomposed_error import BiasVariance
from .descent_curves import DoubleDescent
from .gaussian_likelihood import LinearGaussianFit, linear_gaussian_fit
from .grid_searches import linear_regression_grid
from .linear_families import LinearFamily, polynomial_family
from .loss_decomposition import bias_variance
from .model_growth import double_descent
from .populations import Population
from .risk_curves import TeacherStudentRisk
from .searched_settings import ChosenFit, LinearRegressionGrid
from .teacher_student import teacher_student_risk

__all__ = [
    "BiasVariance",
    "ChosenFit",
    "DoubleDescent",
    "LeastAbsoluteDeviations",
    "LinearFamily",
    "LinearGaussianFit",
    "LinearRegressionGrid",
    "Population",
    "TeacherStudentRisk",
    "bias_variance",
    "double_descent",
    "least_absolute_deviations",
    "linear_gaussian_fit",
    "linear_regression_grid",
    "polynomial_family",
    "teacher_student_risk",
]
