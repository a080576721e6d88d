"""Values are set as a reader expects, and nothing in them becomes markup."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.report.values import difference, is_formula, render_value


def text_of(value: object, **options: bool) -> str:
    return render_value(value, **options).striptags()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1792, "1792"),
        (132863336, "132 863 336"),
        (-20000, "−20 000"),
        (0.98661308217, "0.986613"),
        (12345.678, "12 345.7"),
        (-0.5, "−0.5"),
        (True, "yes"),
        (None, "–"),
        (Decimal("0.70"), "0.70"),
        (Decimal("1.648e+7"), "16 480 000"),
        (Decimal("0.000100800"), "0.000100800"),
        (float("inf"), "∞"),
        ("-inf", "−∞"),
        (float("nan"), "not a number"),
        ([0, 0, 2], "(0, 0, 2)"),
        ([{"tp": 0, "fn": 1}], "({tp 0 fn 1})"),
        ({"padding": 1, "output_padding": 0}, "padding 1 output padding 0"),
    ],
)
def test_plain_values(value: object, shown: str) -> None:
    assert text_of(value).replace("\u202f", " ") == shown.replace("\u202f", " ")


def test_small_numbers_get_a_power_of_ten() -> None:
    assert "10<sup>−9</sup>" in render_value(1.5e-9)
    assert "1.5" in render_value(1.5e-9)
    assert "10<sup>30</sup>" in render_value(2e30)


def test_a_matrix_is_a_table_and_brief_a_size() -> None:
    matrix = [[1, 2, 3], [4, 5, 6]]
    assert render_value(matrix).count("<tr>") == 2
    assert render_value(matrix).count("<td>") == 6
    assert text_of(matrix, brief=True) == "2 × 3 numbers"


def test_brief_prefers_what_is_right_and_leaves_nested_pairs_for_later() -> None:
    found = {"right": "lambda/(2 eta)", "counterexample": {"n": 3, "d": 2}}
    assert text_of(found, brief=True) == "lambda/(2 eta)"
    assert text_of({"counterexample": {"n": 3}}, brief=True) == "counterexample …"
    assert text_of(found) == "right lambda/(2 eta) counterexample n 3 d 2"


def test_ragged_rows_are_no_matrix() -> None:
    assert text_of([[1], [2, 3]]) == "((1), (2, 3))"


def test_long_sequences_are_cut_only_where_brief() -> None:
    assert text_of(list(range(40)), brief=True).endswith("… 40 in all)")
    assert text_of(list(range(40))).endswith("39)")
    assert text_of({str(n): n for n in range(40)}, brief=True).endswith("and 36 more")


@pytest.mark.parametrize(
    "formula",
    ["FP/(FP+TN)", "(1-1/n)^n", "sigma^2/n", "> 60%", "n/2 |X^T a|^2 / |X X^T a|^2", "O(t d^2)", "w[row,col] == 0",
     "9 NIC NF + 36 NF^2 + 9 NF NC + 9 NC^2", "-lambda/2 * eta", "sqrt(2/d)", "-c", "x"],
)  # fmt: skip
def test_formulas_are_code(formula: str) -> None:
    assert is_formula(formula)
    assert render_value(formula).startswith("<code>")


@pytest.mark.parametrize("sentence", ["the loss is convex", "holds for every c", "depth-wise", "unbounded", ""])
def test_sentences_are_not(sentence: str) -> None:
    assert not is_formula(sentence)
    assert render_value(sentence) == sentence


@pytest.mark.parametrize(
    ("stated", "found", "shown"),
    [
        (Decimal("0.0765"), 0.085, "+11.1%"),
        (100, 90, "−10%"),
        (Decimal("0.1"), 5.0, "×50"),
        (3, 3, ""),
        (0, 3, ""),
        ([1], [2], ""),
        (True, False, ""),
        (1, float("nan"), ""),
        ("1/k", 2, ""),
        (1, None, ""),
    ],
)
def test_difference(stated: object, found: object, shown: str) -> None:
    assert difference(stated, found) == shown


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(PLAIN, st.booleans())
def test_any_plain_value_is_well_formed_markup(value: object, brief: bool) -> None:
    import html.parser

    class Balance(html.parser.HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            assert tag in {"span", "code", "sup", "table", "tbody", "tr", "td"}
            self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(render_value(value, brief=brief))
    parser.close()
    assert not parser.open
