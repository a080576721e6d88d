from .outcomes import Outcome, SymmetryTest, TransformTest
from .transforms import (
    Transform,
    flip,
    generated_by,
    mirror,
    permutation,
    quarter_turn,
    scaling,
    translation,
)
from .tying import TiedWeights, tie_weights, untie_weights
from .violations import equivariance, invariance

__all__ = [
    "Outcome",
    "SymmetryTest",
    "TiedWeights",
    "Transform",
    "TransformTest",
    "equivariance",
    "flip",
    "generated_by",
    "invariance",
    "mirror",
    "permutation",
    "quarter_turn",
    "scaling",
    "tie_weights",
    "translation",
    "untie_weights",
]
