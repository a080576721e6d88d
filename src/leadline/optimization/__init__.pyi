from .backpropagation import WorkedBackpropagation, worked_backprop
from .derivation import DerivationStep
from .hyper_blocks import Block
from .hypergradients import Hypergradient, hypergradient
from .live_memory import LiveMemory
from .parameter_server import Push, Staleness, staleness

__all__ = [
    "Block",
    "DerivationStep",
    "Hypergradient",
    "LiveMemory",
    "Push",
    "Staleness",
    "WorkedBackpropagation",
    "hypergradient",
    "staleness",
    "worked_backprop",
]
