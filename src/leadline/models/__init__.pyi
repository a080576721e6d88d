from .colorization import PoolUpsampleNet, SteeredTables, StridedTransposedNet, UNet
from .inception import NaiveInception, ReducedInception
from .lenet import LeNet
from .perceptrons import mlp
from .visual_geometry import VGG, vgg

__all__ = [
    "VGG",
    "LeNet",
    "NaiveInception",
    "PoolUpsampleNet",
    "ReducedInception",
    "SteeredTables",
    "StridedTransposedNet",
    "UNet",
    "mlp",
    "vgg",
]
