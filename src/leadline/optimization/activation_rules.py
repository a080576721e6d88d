"""Elementwise activations with their derivatives, written as they are written by hand."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from leadline.core import InputError


@dataclass(frozen=True)
class ActivationRule:
    """y = f(z) and dy/dz, as functions and as formulas in ⟨z⟩ and ⟨y⟩.

    Args:
        value: z -> y.
        slope: (z, y) -> dy/dz.
        text: y in symbols; `latex` the same in LaTeX.
        slope_text: dy/dz in symbols; `slope_latex` the same in LaTeX.
    """

    value: Callable[[float], float]
    slope: Callable[[float, float], float]
    text: str
    latex: str
    slope_text: str
    slope_latex: str


def activation_rule(module: nn.Module) -> ActivationRule:
    """The rule of one of torch's activation modules, with its settings.

    >>> activation_rule(nn.Tanh()).slope_text
    '1 - ⟨y⟩^2'
    """
    make = _RULES.get(type(module))
    if make is None:
        known = ", ".join(kind.__name__ for kind in _RULES)
        raise InputError(
            "worked_backprop",
            expected=f"a Sequential of Linear layers and elementwise activations ({known})",
            got=f"a {type(module).__name__}",
            remedy="express the network with these modules",
        )
    return make(module)


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def _identity_rule(_: nn.Module) -> ActivationRule:
    return ActivationRule(lambda z: z, lambda z, y: 1.0, "⟨z⟩", "⟨z⟩", "1", "1")


def _sigmoid_rule(_: nn.Module) -> ActivationRule:
    return ActivationRule(
        _sigmoid, lambda z, y: y * (1 - y),
        "sigmoid(⟨z⟩)", r"\sigma(⟨z⟩)", "⟨y⟩ · (1 - ⟨y⟩)", r"⟨y⟩ \, (1 - ⟨y⟩)",
    )  # fmt: skip


def _tanh_rule(_: nn.Module) -> ActivationRule:
    return ActivationRule(math.tanh, lambda z, y: 1 - y * y, "tanh(⟨z⟩)", r"\tanh(⟨z⟩)", "1 - ⟨y⟩^2", "1 - {⟨y⟩}^2")


def _relu_rule(_: nn.Module) -> ActivationRule:
    return ActivationRule(
        lambda z: max(z, 0.0), lambda z, y: float(z > 0),
        "max(⟨z⟩, 0)", r"\max(⟨z⟩, 0)", "[⟨z⟩ > 0]", r"[⟨z⟩ > 0]",
    )  # fmt: skip


def _leaky_relu_rule(module: nn.Module) -> ActivationRule:
    a = float(module.negative_slope)  # pyright: ignore[reportArgumentType]
    return ActivationRule(
        lambda z: z if z > 0 else a * z, lambda z, y: 1.0 if z > 0 else a,
        f"max(⟨z⟩, 0) + {a:g} · min(⟨z⟩, 0)", rf"\max(⟨z⟩, 0) + {a:g} \min(⟨z⟩, 0)",
        f"[⟨z⟩ > 0] + {a:g} · [⟨z⟩ <= 0]", rf"[⟨z⟩ > 0] + {a:g} \, [⟨z⟩ \leq 0]",
    )  # fmt: skip


def _elu_rule(module: nn.Module) -> ActivationRule:
    a = float(module.alpha)  # pyright: ignore[reportArgumentType]
    return ActivationRule(
        lambda z: z if z > 0 else a * math.expm1(z), lambda z, y: 1.0 if z > 0 else a * math.exp(z),
        f"max(⟨z⟩, 0) + {a:g} · (exp(min(⟨z⟩, 0)) - 1)", rf"\max(⟨z⟩, 0) + {a:g} \, (e^{{\min(⟨z⟩, 0)}} - 1)",
        f"[⟨z⟩ > 0] + {a:g} · [⟨z⟩ <= 0] · exp(min(⟨z⟩, 0))",
        rf"[⟨z⟩ > 0] + {a:g} \, [⟨z⟩ \leq 0] \, e^{{\min(⟨z⟩, 0)}}",
    )  # fmt: skip


def _softplus_rule(module: nn.Module) -> ActivationRule:
    b, threshold = float(module.beta), float(module.threshold)  # pyright: ignore[reportArgumentType]
    times, over = ("", "") if b == 1 else (f"{b:g} · ", f"/{b:g}")

    def value(z: float) -> float:  # torch is exactly linear beyond its threshold
        return z if b * z > threshold else math.log1p(math.exp(b * z)) / b

    def slope(z: float, y: float) -> float:
        return 1.0 if b * z > threshold else _sigmoid(b * z)

    return ActivationRule(
        value, slope,
        f"log(1 + exp({times}⟨z⟩)){over}", rf"\log(1 + e^{{{times.replace('·', chr(92) + 'cdot')}⟨z⟩}}){over}",
        f"sigmoid({times}⟨z⟩)", rf"\sigma({times.replace('·', chr(92) + 'cdot')}⟨z⟩)",
    )  # fmt: skip


def _silu_rule(_: nn.Module) -> ActivationRule:
    return ActivationRule(
        lambda z: z * _sigmoid(z), lambda z, y: _sigmoid(z) * (1 + z * (1 - _sigmoid(z))),
        "⟨z⟩ · sigmoid(⟨z⟩)", r"⟨z⟩ \, \sigma(⟨z⟩)",
        "sigmoid(⟨z⟩) · (1 + ⟨z⟩ · (1 - sigmoid(⟨z⟩)))", r"\sigma(⟨z⟩) \, (1 + ⟨z⟩ \, (1 - \sigma(⟨z⟩)))",
    )  # fmt: skip


def _gelu_rule(module: nn.Module) -> ActivationRule:
    if module.approximate == "tanh":
        return _tanh_gelu_rule()

    def distribution(z: float) -> float:
        return math.erfc(-z / math.sqrt(2)) / 2

    def density(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    return ActivationRule(
        lambda z: z * distribution(z), lambda z, y: distribution(z) + z * density(z),
        "⟨z⟩ · Phi(⟨z⟩)", r"⟨z⟩ \, \Phi(⟨z⟩)",
        "Phi(⟨z⟩) + ⟨z⟩ · phi(⟨z⟩)", r"\Phi(⟨z⟩) + ⟨z⟩ \, \varphi(⟨z⟩)",
    )  # fmt: skip


def _tanh_gelu_rule() -> ActivationRule:
    c, k = math.sqrt(2 / math.pi), 0.044715
    inner, inner_latex = f"{c:.6g} · (⟨z⟩ + {k} · ⟨z⟩^3)", rf"{c:.6g} \, (⟨z⟩ + {k} \, {{⟨z⟩}}^3)"
    rate, rate_latex = f"{c:.6g} · (1 + {3 * k:g} · ⟨z⟩^2)", rf"{c:.6g} \, (1 + {3 * k:g} \, {{⟨z⟩}}^2)"

    def bend(z: float) -> float:
        return math.tanh(c * (z + k * z**3))

    return ActivationRule(
        lambda z: z / 2 * (1 + bend(z)),
        lambda z, y: (1 + bend(z)) / 2 + z / 2 * (1 - bend(z) ** 2) * c * (1 + 3 * k * z * z),
        f"⟨z⟩/2 · (1 + tanh({inner}))",
        rf"\frac{{⟨z⟩}}{{2}} \, (1 + \tanh({inner_latex}))",
        f"1/2 · (1 + tanh({inner})) + ⟨z⟩/2 · (1 - tanh({inner})^2) · {rate}",
        rf"\frac{{1}}{{2}} \, (1 + \tanh({inner_latex})) "
        rf"+ \frac{{⟨z⟩}}{{2}} \, (1 - \tanh^2({inner_latex})) \, {rate_latex}",
    )


_RULES: dict[type[nn.Module], Callable[[nn.Module], ActivationRule]] = {
    nn.Identity: _identity_rule,
    nn.Sigmoid: _sigmoid_rule,
    nn.Tanh: _tanh_rule,
    nn.ReLU: _relu_rule,
    nn.LeakyReLU: _leaky_relu_rule,
    nn.ELU: _elu_rule,
    nn.Softplus: _softplus_rule,
    nn.SiLU: _silu_rule,
    nn.GELU: _gelu_rule,
}
