from .backpropagation import WorkedBackpropagation, worked_backprop
from .derivation import DerivationStep
from .parameter_server import Push, Staleness, staleness

__all__ = ["DerivationStep", "Push", "Staleness", "WorkedBackpropagation", "staleness", "worked_backprop"]
