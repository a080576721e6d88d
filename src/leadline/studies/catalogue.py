"""The list of studies. To add one: write its file, name it here."""

from importlib import import_module

from leadline.studies.study import Study

# Modules of this folder, in the order of the report; each defines STUDY.
MODULES: tuple[str, ...] = (
    "worked_backpropagation",
    "rmsprop_by_hand",
    "asynchronous_staleness",
    "convolution_by_hand",
    "bias_variance_identity",
    "bias_variance_tradeoff",
    "double_descent_peaks",
    "double_descent_networks",
    "confusion_matrix_identities",
    "diabetes_curves",
    "draws_with_replacement",
    "minibatch_gradient_variance",
    "gradient_noise_and_batches",
    "learning_rate_and_batch",
    "cyclical_learning_rate",
    "linear_regression_gradients",
    "least_squares_fits",
    "regression_grid_search",
    "exclusive_or",
    "gaussian_moments",
    "activation_gains",
    "scaled_inputs",
    "weight_tying_invariance",
    "symmetries",
    "minimum_norm_solution",
    "one_step_learning_rate",
    "decay_and_regularization",
    "edge_kernel",
    "vgg_counts",
    "inception_counts",
    "colorization_counts",
    "colorization_parameters",
    "colorization_training",
    "colorization_tables",
    "padding_arithmetic",
    "receptive_field_growth",
    "generated_networks",
    "hypergradient_memory",
    "adaptive_minimum_norm",
    "adaptive_decay",
)


def studies() -> dict[str, Study]:
    """All studies by name."""
    found = [import_module(f"leadline.studies.{module}").STUDY for module in MODULES]
    return {study.name: study for study in found}
