"""What a count includes: sources differ by convention, and a total without its convention is not a number."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "convolution",
    "linear",
    "product",  # of two activations or of bare tensors: matmul, einsum, cdist ...
    "attention",
    "recurrent",
    "normalization",
    "pooling",
    "upsampling",
    "activation",
    "elementwise",
    "reduction",
    "embedding",
    "copy",  # allocates, computes nothing: cat, pad, gather
    "creation",
    "free",  # views and queries
]

PRODUCTS: tuple[Kind, ...] = ("convolution", "linear", "product", "attention", "recurrent")


@dataclass(frozen=True, kw_only=True)
class Convention:
    """Which parameters, outputs and connections a profile adds up.

    The default is what a machine does: all parameters, every newly allocated operator output, and the multiplications
    as connections. The problem sets that Leadline decides use others; see the example.

    Args:
        biases: count bias parameters.
        normalization: count the parameters of normalization layers.
        outputs: kinds of operators whose outputs are activations; None takes every operator that allocates one.
        inputs: count the model's inputs among the activations.
        connects: kinds of operators that make connections. Products make one per multiply-accumulate, pooling one per
            window element, upsampling one per source value of an output, every other kind one per output element.

    >>> Convention(biases=False, normalization=False, outputs=("convolution", "pooling", "upsampling"))
    Convention(biases=False, normalization=False, outputs=('convolution', 'pooling', 'upsampling'), ...)
    """

    biases: bool = True
    normalization: bool = True
    outputs: tuple[Kind, ...] | None = None
    inputs: bool = False
    connects: tuple[Kind, ...] = PRODUCTS
