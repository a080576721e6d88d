"""The gain of an activation: the factor on the weights' scale at which a layer neither grows nor shrinks its signal."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import nn

from leadline.core import Result, refuse
from leadline.initialization.quadrature import Expectation, expectation
from leadline.initialization.scalar_functions import ScalarFunction, scalar_function

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "activation_gain")

_SOURCES = (
    "Glorot & Bengio (2010), Understanding the difficulty of training deep feedforward neural networks, section 4.2",
    "He, Zhang, Ren & Sun (2015), Delving deep into rectifiers, section 2.2",
    "Poole et al. (2016), Exponential expressivity in deep neural networks through transient chaos, section 2",
)
_TRUSTED = 1e-6  # relative error above which there is no number to report
_SAME_GAIN = 1e-3


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ActivationGain(Result):
    """E f(z)^2 and E f'(z)^2 for z ~ N(0, 1), and the gains 1/sqrt of them; errors are bounds by quadrature.

    With the gain a second moment of 1 stays 1. Next to 1, its distance from 1 is multiplied by `map_slope` in every
    layer: below 1 the signal returns, above 1 it runs away.
    """

    name: str
    gain: float  # keeps the forward signal's second moment
    gain_error: float
    backward_gain: float  # keeps the gradient's second moment; inf where that vanishes, nan where it is not finite
    backward_gain_error: float
    second_moment: float
    second_moment_error: float
    slope_second_moment: float
    slope_second_moment_error: float
    map_slope: float  # at 1, of the map from one layer's second moment to the next one's, at the gain
    torch_gain: float | None  # torch.nn.init.calculate_gain, where it has an entry
    z: Float[np.ndarray, " points"]
    value: Float[np.ndarray, " points"]
    slope: Float[np.ndarray, " points"]

    @property
    def agrees_with_torch(self) -> bool | None:
        """Is torch's entry this gain to 0.1 %? None where it has no entry."""
        return None if self.torch_gain is None else abs(self.torch_gain - self.gain) <= _SAME_GAIN * self.gain

    def headline(self) -> str:
        """The gain, and what torch's table says."""
        theirs = "no entry" if self.torch_gain is None else f"{self.torch_gain:.4g}"
        others = f"backward {self.backward_gain:.4g}; torch's table: {theirs}"
        return f"{self.name}: gain {self.gain:.4g} keeps E f(z)^2 = 1 ({others})"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per direction; gains are pure numbers."""
        import pandas as pd

        rows = (
            ("forward", "f(z)", self.second_moment, self.second_moment_error, self.gain, self.gain_error,
             self.map_slope, np.nan if self.torch_gain is None else self.torch_gain),
            ("backward", "f'(z)", self.slope_second_moment, self.slope_second_moment_error, self.backward_gain,
             self.backward_gain_error, np.nan, np.nan),
        )  # fmt: skip
        names = ("direction", "of", "second_moment", "second_moment_error", "gain", "gain_error", "map_slope",
                 "torch_gain")  # fmt: skip
        return pd.DataFrame(rows, columns=pd.Index(names))

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """The function, its slope, and the function times its gain over the law of z."""
        density = np.exp(-(self.z**2) / 2) / np.sqrt(2 * np.pi)
        ax.fill_between(self.z, density, color="C0", alpha=0.15, linewidth=0, label="density of z")
        ax.plot(self.z, self.value, color="C0", label=f"{self.name}(z)")
        ax.plot(self.z, self.gain * self.value, color="C1", label=f"times its gain {self.gain:.3f}")
        ax.plot(self.z, self.slope, color="C2", linestyle="--", linewidth=1.2, label="slope")
        ax.set(xlabel="z, standard normal (standard deviations)", ylabel="value")
        ax.legend(fontsize="small")


def activation_gain(fn: str | Callable[..., Any], /) -> ActivationGain:
    """The gain of an activation: 1/sqrt(E f(z)^2) for z ~ N(0, 1), and 1/sqrt(E f'(z)^2) for the way back.

    Weights of standard deviation gain/sqrt(fan_in) after this activation keep the signal's second moment at 1;
    gain and moments are pure numbers. Expectations are by adaptive quadrature in float64, kinks and jumps included.
    (He's rule agrees; torch's table has rules of thumb for tanh, sigmoid and selu.)

    Args:
        fn: a name ("gelu"), a module (`nn.PReLU()`), or a function of a tensor or of a float.

    Returns:
        Both moments and gains with bounds on their errors, and torch's own entry beside them.

    Raises:
        InputError: unknown name; not elementwise, random, or not finite on the line; no finite second moment, or zero.

    >>> activation_gain("gelu")
    gelu: gain 1.534 keeps E f(z)^2 = 1 (backward 1.481; torch's table: no entry)
    >>> round(activation_gain(lambda z: z.clamp(min=0)).gain ** 2, 9)
    2.0
    """
    function = scalar_function(fn, operation="activation_gain")
    moments = _moments(function)
    if moments.values[0] <= 0:
        _refuse("a function that is not zero everywhere", f"E f(z)^2 = 0 for {function.name}", "pass an activation")
    z = np.linspace(-4, 4, 320)  # not at 0, where slopes may be infinite
    value, slope = function(z)
    (forward, forward_error), (backward, backward_error) = (_gain(moments, index) for index in (0, 1))
    return ActivationGain(
        name=function.name, gain=forward, gain_error=forward_error, backward_gain=backward,
        backward_gain_error=backward_error, second_moment=float(moments.values[0]),
        second_moment_error=float(moments.errors[0]), slope_second_moment=float(moments.values[1]),
        slope_second_moment_error=float(moments.errors[1]),
        map_slope=float(moments.values[4] / moments.values[0]), torch_gain=_torch_gain(function), z=z, value=value,
        slope=slope, caveats=_caveats(function, moments), sources=_SOURCES,
    )  # fmt: skip


def second_moments(function: ScalarFunction, scale: float) -> tuple[float, float]:
    """E f(scale z)^2 and E f'(scale z)^2."""
    found = expectation(lambda z: function(scale * z) ** 2)
    return float(found.values[0]), float(found.values[1])


def _moments(function: ScalarFunction) -> Expectation:
    def quantities(z: np.ndarray) -> np.ndarray:
        value, slope = function(z)
        # Stein: E f'(z)(1 + z) = E f(z)(z^2 + z - 1), unless f jumps or autograd gives something else than f'.
        return np.stack([value**2, slope**2, slope * (1 + z), value * (z * z + z - 1), value * slope * z])

    with np.errstate(over="ignore", invalid="ignore"):
        found = expectation(quantities)
    if not _is_known(found.values[0], found.errors[0]):
        _refuse("a function with a finite second moment under N(0, 1)",
                f"E f(z)^2 = {found.values[0]:.3g} with error {found.errors[0]:.1g} for {function.name}",
                "pass a function that grows more slowly and oscillates less")  # fmt: skip
    return found


def _gain(moments: Expectation, index: int) -> tuple[float, float]:
    value, error = float(moments.values[index]), float(moments.errors[index])
    if not _is_known(value, error):
        return np.nan, np.nan
    return (value**-0.5, value**-1.5 * error / 2) if value > 0 else (np.inf, 0.0)


def _is_known(value: float, error: float) -> bool:
    return bool(np.isfinite(value) and error <= _TRUSTED * value)


def _torch_gain(function: ScalarFunction) -> float | None:
    if function.entry is None:
        return None
    return float(nn.init.calculate_gain(*function.entry))  # pyright: ignore[reportArgumentType]


def _caveats(function: ScalarFunction, moments: Expectation) -> tuple[str, ...]:
    found = []
    if not function.takes_tensors:
        found.append("slopes by central differences: the function takes floats only")
    if not _is_known(moments.values[1], moments.errors[1]):
        found.append("E f'(z)^2 did not converge: no backward gain")
    size = np.sqrt(moments.values[0]) + np.sqrt(moments.values[1])
    if abs(moments.values[2] - moments.values[3]) > _TRUSTED * size:
        found.append("the slope does not integrate to the function (it jumps, or its gradient is made up): "
                     "the backward gain is that of the gradient which autograd passes")  # fmt: skip
    slope = moments.values[4] / moments.values[0]
    if slope > 1 + _TRUSTED:
        found.append(f"a second moment of 1 is not stable: deviations from it grow {slope:.3g}-fold in every layer")
    return tuple(found)
