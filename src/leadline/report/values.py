"""Plain values as a reader wants them: grouped digits, six significant ones, formulas in code, matrices as matrices."""

import math
import re
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

_GROUP = "\u202f"  # narrow no-break space
_MINUS = "\u2212"
_SIGNIFICANT = 6
_FEW = 4  # pairs of a dictionary that a row has room for
_LONG = 8  # items of a sequence
_ELLIPSIS = Markup('<span class="more">…</span>')
_NAMES = {"nan": "not a number", "inf": "∞", "-inf": f"{_MINUS}∞"}  # as they travel through JSON
_OPERATOR = re.compile(r"[=^*/+<>_|]|[\w)]\(|\s-\s|\d")
_WORD = re.compile(r"[A-Za-z]{4,}")
_FUNCTIONS = {"sqrt", "lambda", "sigma", "alpha", "beta", "theta", "exp", "mean", "n_plus", "diag", "trace"}


def render_value(value: Any, *, brief: bool = False) -> Markup:
    """HTML of a plain value (what JSON holds, or `Decimal`); `brief` shortens what would fill a row.

    >>> print(render_value("sigma^2/n"), render_value([True, "a plain sentence"]))
    <code>sigma^2/n</code> (yes, a plain sentence)
    """
    if value is None:
        return Markup('<span class="none" title="none">–</span>')
    if isinstance(value, bool):
        return Markup("yes" if value else "no")
    if isinstance(value, int | float | Decimal):
        return Markup('<span class="number">{}</span>').format(Markup(_number(value)))
    if isinstance(value, dict):
        return _pairs(value, brief)
    if isinstance(value, list | tuple):
        return _sequence(value, brief)
    return render_text(str(value))


def render_text(text: str) -> Markup:
    """Words as words, a formula in code; both escaped."""
    if text in _NAMES:
        return Markup(_NAMES[text])
    return Markup("<code>{}</code>").format(text) if is_formula(text) else escape(text)


def is_formula(text: str) -> bool:
    """Is this an expression rather than a sentence?

    >>> is_formula("FP/(FP+TN)"), is_formula("w = 0 gives -1"), is_formula("the loss is convex")
    (True, True, False)
    """
    if re.fullmatch(r"-?[A-Za-z]", text):
        return True
    words = [word for word in _WORD.findall(text) if word not in _FUNCTIONS]
    return len(words) <= 1 and bool(_OPERATOR.search(text))


def difference(stated: Any, found: Any) -> str:
    """By how much a found number differs from the stated one; empty where the two cannot be compared.

    >>> difference(Decimal("0.0765"), 0.085)
    '+11.1%'
    """
    numbers = (int, float, Decimal)
    if isinstance(stated, bool) or isinstance(found, bool):
        return ""
    if not isinstance(stated, numbers) or not isinstance(found, numbers) or not stated:
        return ""
    relative = (float(found) - float(stated)) / abs(float(stated))
    if not relative or not math.isfinite(relative):
        return ""
    if abs(relative) >= 10:
        return f"×{float(found) / float(stated):.3g}".replace("-", _MINUS)
    return f"{relative * 100:+.3g}%".replace("-", _MINUS)


def _number(value: int | float | Decimal) -> str:
    if isinstance(value, int):
        return _grouped(str(value))
    if not math.isfinite(value):
        return _NAMES[str(float(value))]
    if isinstance(value, Decimal):  # as many digits as the source prints
        adjusted = value.adjusted() if value else 0
        text = f"{value:f}" if -5 <= adjusted <= 15 else f"{value:e}"
    else:
        text = f"{value:.{_SIGNIFICANT}g}"
    mantissa, _, exponent = text.lower().partition("e")
    power = f"\u2009×\u200910<sup>{int(exponent)}</sup>".replace("-", _MINUS) if exponent else ""
    return _grouped(mantissa) + power


def _grouped(text: str) -> str:
    sign, digits = (_MINUS, text[1:]) if text.startswith("-") else ("", text)
    whole, point, rest = digits.partition(".")
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", _GROUP)
    return sign + whole + point + rest


def _pairs(value: dict[str, Any], brief: bool) -> Markup:
    if brief and "right" in value:  # beside the right expression, a counterexample can wait
        return render_value(value["right"], brief=True)
    pairs = [
        Markup('<span class="pair"><span class="key">{}</span> {}</span>').format(
            key.replace("_", " "), _ELLIPSIS if brief and isinstance(item, dict) else render_value(item, brief=brief)
        )
        for key, item in value.items()
    ]
    shown = pairs[:_FEW] if brief else pairs
    more = Markup(f'<span class="more">and {len(pairs) - len(shown)} more</span>') if len(shown) < len(pairs) else ""
    return Markup('<span class="pairs">{}{}</span>').format(Markup(" ").join(shown), more)


def _sequence(value: list | tuple, brief: bool) -> Markup:
    if _is_matrix(value):
        if brief:
            return Markup(f'<span class="more">{len(value)} × {len(value[0])} numbers</span>')
        rows = [
            Markup("<tr>{}</tr>").format(
                Markup("").join(Markup("<td>{}</td>").format(render_value(one)) for one in row)
            )
            for row in value
        ]
        return Markup('<span class="scroll"><table class="matrix"><tbody>{}</tbody></table></span>').format(
            Markup("").join(rows)
        )
    shown = value[:_LONG] if brief else value
    items = [_item(one, brief) for one in shown]
    if len(shown) < len(value):
        items.append(Markup(f'<span class="more">… {len(value)} in all</span>'))
    return Markup("({})").format(Markup(", ").join(items))


def _item(value: Any, brief: bool) -> Markup:
    inner = render_value(value, brief=brief)
    return Markup("{{{}}}").format(inner) if isinstance(value, dict) else inner


def _is_matrix(value: list | tuple) -> bool:
    rows = all(isinstance(row, list | tuple) for row in value) and len(value) > 1
    if not rows or len({len(row) for row in value}) != 1:
        return False
    return all(isinstance(one, int | float | Decimal) for row in value for one in row)
