import numpy as np
import pytest
import sympy
from torch import nn

from leadline.architecture import Convention, CountFormula, count_formula, profile
from leadline.core import InputError, NotPolynomialError
from leadline.models import PoolUpsampleNet, vgg


def vgg19(w, n, s):
    return vgg(19, width=w, classes=n, side=32 * s)


def image(w, n, s, b):
    return (b, 3, 32 * s, 32 * s)


# Research prototype, checked there by direct counts at (64, 1000, 7, 1).
VGG19 = {
    "parameters": "64*n*w + n + 512*s**2*w**2 + 8983*w**2 + 241*w",
    "macs": "64*b*n*w + 97280*b*s**2*w**2 + 27648*b*s**2*w + 4096*b*w**2",
}


@pytest.mark.parametrize(("quantity", "known"), VGG19.items())
def test_vgg19_in_four_symbols(quantity, known):
    symbols = {"w": (1, 8), "n": (1, 6), "s": (1, 6), "b": (1, 5)}
    formula = count_formula(vgg19, symbols, quantity=quantity, input_size=image)
    named: dict = {str(symbol): symbol for symbol in formula.expression.free_symbols}
    assert sympy.expand(formula.expression - sympy.parse_expr(known, local_dict=named)) == 0
    for point in ({"w": 64, "n": 1000, "s": 7, "b": 1}, {"w": 11, "n": 3, "s": 2, "b": 7}):  # far outside the grid
        direct = profile(lambda: vgg19(point["w"], point["n"], point["s"]), input_size=image(**point))  # noqa: B023
        assert formula(**point) == getattr(direct, quantity)


def test_convention_is_part_of_the_formula():
    formula = count_formula(
        lambda NIC, NF, NC: PoolUpsampleNet(3, in_channels=NIC, filters=NF, colours=NC),
        {"NIC": (1, 5), "NF": (1, 6), "NC": (1, 6)},
        quantity="parameters",
        input_size=lambda NIC, **_: (1, NIC, 32, 32),
        convention=Convention(biases=False, normalization=False),
    )
    assert str(formula.expression) == "9*NC**2 + 9*NC*NF + 36*NF**2 + 9*NF*NIC"
    assert formula.latex() == "9 NC^{2} + 9 NC NF + 36 NF^{2} + 9 NF NIC"


def strided():
    return nn.Conv2d(1, 1, 3, stride=2, padding=1)


def side(H):
    return (1, 1, H, 8)


def test_strides_by_residue_class():
    formula = count_formula(strided, {"H": (3, 30)}, input_size=side, residues={"H": 2})
    assert isinstance(formula.expression, sympy.Piecewise)
    for height in (32, 33, 101):
        assert formula(H=height) == profile(strided, input_size=side(height)).macs
    assert CountFormula.from_dict(formula.to_dict())(H=101) == formula(H=101)


def test_strides_by_declared_multiple():
    formula = count_formula(strided, {"H": (2, 30, 2)}, input_size=side)
    assert str(formula.expression) == "18*H"
    assert formula.points_confirmed > 0


def test_floors_are_refused_with_the_point():
    with pytest.raises(NotPolynomialError, match=r"at H=\d+\), got"):
        count_formula(strided, {"H": (3, 30)}, input_size=side)


def test_any_quantity_of_a_profile():
    def encoder(d):
        return nn.TransformerEncoderLayer(2 * d, 2, 8 * d, batch_first=True)

    sizes = {"d": (1, 8), "t": (2, 9)}
    macs = count_formula(encoder, sizes, input_size=lambda d, t: (1, t, 2 * d))
    assert str(macs.expression) == "48*d**2*t + 4*d*t**2"  # 12 D^2 T + 2 D T^2 with D = 2 d
    peak = count_formula(encoder, sizes, quantity="peak_bytes", input_size=lambda d, t: (1, t, 2 * d))
    assert peak(d=32, t=128) == profile(encoder(32), input_size=(1, 128, 64)).peak_bytes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: count_formula(strided, {"H": (8, 4)}, input_size=side), "range of non-negative integers for H"),
        (lambda: count_formula(strided, {"H": (4, 8)}, input_size=side, quantity="speed"), "an integer of a Profile"),
        (lambda: count_formula(lambda H, C: strided(), {"H": (4, 8)}, input_size=side), "also needs C"),
    ],
)
def test_bad_calls(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_symbols_must_be_given_by_name():
    formula = count_formula(strided, {"H": (2, 30, 2)}, input_size=side)
    with pytest.raises(InputError, match="an integer for each of H"):
        formula(W=3)


def test_picture_has_one_line_per_symbol():
    formula = count_formula(lambda C: nn.Linear(4, C), {"C": (1, 6)}, input_size=(1, 4))
    ax = formula.plot()
    assert [line.get_label() for line in ax.lines] == ["C"]
    assert np.asarray(ax.lines[0].get_ydata()).tolist() == [4 * C for C in range(1, 7)]


def test_two_values_of_a_symbol_tell_no_degree():
    short, wide = (
        count_formula(lambda width: nn.Linear(width, width), {"width": (1, end)}, input_size=lambda width: (1, width))
        for end in (2, 8)
    )
    assert short.caveats == (
        "too few values of width to tell its degree: the formula holds for these alone; widen its range",
    )
    assert not wide.caveats
    assert str(wide.expression) == "width**2"
    assert wide.points_used == 3
    assert wide.points_confirmed >= 2
