from .coordinates import CoordinateCheck, coordinate_check
from .gains import ActivationGain, activation_gain
from .signals import LayerSignal, SignalPropagation, Trend, signal_propagation
from .width_slopes import WidthSlope

__all__ = [
    "ActivationGain",
    "CoordinateCheck",
    "LayerSignal",
    "SignalPropagation",
    "Trend",
    "WidthSlope",
    "activation_gain",
    "coordinate_check",
    "signal_propagation",
]
