from .architecture import Convention, check_shapes, count_formula, profile, receptive_field, solve_convolution
from .core import LeadlineError, Result, borrow
from .evaluation import (
    compare_scores,
    one_vs_rest,
    precision_recall_curve,
    precision_recall_gain_curve,
    roc_curve,
)
from .generalization import (
    Population,
    bias_variance,
    double_descent,
    least_absolute_deviations,
    linear_gaussian_fit,
    linear_regression_grid,
    polynomial_family,
    teacher_student_risk,
)
from .initialization import activation_gain, signal_propagation
from .optimization import (
    critical_batch_size,
    equivalent_decay,
    gradient_noise,
    hypergradient,
    implicit_bias,
    lr_range_test,
    lr_sweep,
    optimal_step,
    optimize_hyperparameters,
    staleness,
    worked_backprop,
)
from .studies import checkup
from .symmetry import equivariance, invariance, tie_weights
from .training import Recipe, train, train_ensemble

__version__: str

__all__ = [
    "Convention",
    "LeadlineError",
    "Population",
    "Recipe",
    "Result",
    "activation_gain",
    "bias_variance",
    "borrow",
    "check_shapes",
    "checkup",
    "compare_scores",
    "count_formula",
    "critical_batch_size",
    "double_descent",
    "equivalent_decay",
    "equivariance",
    "gradient_noise",
    "hypergradient",
    "implicit_bias",
    "invariance",
    "least_absolute_deviations",
    "linear_gaussian_fit",
    "linear_regression_grid",
    "lr_range_test",
    "lr_sweep",
    "one_vs_rest",
    "optimal_step",
    "optimize_hyperparameters",
    "polynomial_family",
    "precision_recall_curve",
    "precision_recall_gain_curve",
    "profile",
    "receptive_field",
    "roc_curve",
    "signal_propagation",
    "solve_convolution",
    "staleness",
    "teacher_student_risk",
    "tie_weights",
    "train",
    "train_ensemble",
    "worked_backprop",
]
