from .asynchronous_training import AsynchronousHistory, stable_rate, train_asynchronously
from .backpropagation import WorkedBackpropagation, worked_backprop
from .batch_variances import BatchVariance, batch_variance
from .critical_batches import CriticalBatch, critical_batch_size
from .decay_kinds import EquivalentDecay, ParameterDecay, equivalent_decay
from .derivation import DerivationStep
from .hyper_blocks import Block
from .hyper_descent import HyperDescent, optimize_hyperparameters
from .hypergradients import Hypergradient, hypergradient
from .interpolating_solutions import FoundSolution, ImplicitBias, implicit_bias
from .live_memory import LiveMemory
from .noise_scales import GradientNoise, LayerNoise, gradient_noise
from .parameter_server import Push, Staleness, staleness
from .range_tests import RangeTest, lr_range_test
from .rate_sweeps import RateSweep, RuleDistance, lr_sweep
from .ratio_of_means import NoiseReading
from .steepest_step import OptimalStep, optimal_step

__all__ = [
    "AsynchronousHistory",
    "BatchVariance",
    "Block",
    "CriticalBatch",
    "DerivationStep",
    "EquivalentDecay",
    "FoundSolution",
    "GradientNoise",
    "HyperDescent",
    "Hypergradient",
    "ImplicitBias",
    "LayerNoise",
    "LiveMemory",
    "NoiseReading",
    "OptimalStep",
    "ParameterDecay",
    "Push",
    "RangeTest",
    "RateSweep",
    "RuleDistance",
    "Staleness",
    "WorkedBackpropagation",
    "batch_variance",
    "critical_batch_size",
    "equivalent_decay",
    "gradient_noise",
    "hypergradient",
    "implicit_bias",
    "lr_range_test",
    "lr_sweep",
    "optimal_step",
    "optimize_hyperparameters",
    "stable_rate",
    "staleness",
    "train_asynchronously",
    "worked_backprop",
]
