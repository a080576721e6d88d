"""Formulas as papers write them, read into trees: "n/2 |X'a|^2 / |XX'a|^2".

Two names side by side are a product; `'` and `^T` transpose; `|v|` is the Euclidean norm; `^-1` inverts;
`sum` and `mean` act on the factor that follows. A run of letters that is no known name is a product of names of one
letter.
"""

import re
from dataclasses import dataclass

from leadline.core import InputError

# What a formula may call, besides `sum` and `mean`; `formulas.evaluate` gives each its meaning.
FUNCTIONS = ("sqrt", "abs", "sign", "positive", "max", "exp", "log", "det", "eye", "ones", "grad", "at", "E", "Var")
FOLDS = ("sum", "mean")
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z][A-Za-z_0-9]*)|(\^T\b|[-+*/^'|(),]))")


@dataclass(frozen=True)
class Node:
    """One operation of a formula: its kind, its operands and, for a leaf, its text."""

    kind: str  # number, name, sum, difference, product, quotient, power, transpose, norm, call
    operands: tuple["Node", ...] = ()
    text: str = ""


def parse(formula: str, names: frozenset[str]) -> Node:
    """The tree of a formula over known names.

    >>> parse("X'a / 2", frozenset({"X", "a"})).kind
    'quotient'
    """
    parser = _Parser(formula, names)
    tree = parser.sum()
    if parser.here is not None:
        raise parser.error(f"{parser.here!r} where the formula should end")
    return tree


class _Parser:
    """Recursive descent: sum, product, factor (with its powers), primary."""

    def __init__(self, formula: str, names: frozenset[str]) -> None:
        self.formula, self.names = formula, names
        self.tokens = self._tokens()
        self.place = 0
        self.open_norms = 0

    @property
    def here(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def error(self, got: str) -> InputError:
        return InputError(
            "parse",
            expected="a formula over " + ", ".join(sorted(self.names)),
            got=f"{got} in {self.formula!r}",
            remedy="write products as `X w`, transposes as `X'`",
        )

    def sum(self) -> Node:
        tree = self.product()
        while self.here in ("+", "-"):
            kind = "sum" if self.take() == "+" else "difference"
            tree = Node(kind, (tree, self.product()))
        return tree

    def product(self) -> Node:
        if self.here == "-":
            self.take()
            return Node("difference", (Node("number", text="0"), self.product()))
        tree = self.factor()
        while self.here == "*" or self.here == "/" or self._starts_factor():
            kind = "product"
            if self.here in ("*", "/"):
                kind = "quotient" if self.take() == "/" else "product"
            tree = Node(kind, (tree, self.factor()))
        return tree

    def factor(self) -> Node:
        if self.here in FOLDS:
            return Node("call", text=self.take(), operands=(self.factor(),))
        tree = self._primary()
        while self.here in ("'", "^T", "^"):
            tree = Node("power", (tree, self._exponent())) if self.take() == "^" else Node("transpose", (tree,))
        return tree

    def take(self, expected: str = "") -> str:
        token = self.here
        if token is None or (expected and token != expected):
            raise self.error(f"{token or 'the end'!r} where {expected or 'a value'!r} should stand")
        self.place += 1
        return token

    def _exponent(self) -> Node:
        if self.here == "-":
            self.take()
            return Node("difference", (Node("number", text="0"), self._primary()))
        return self._primary()

    def _primary(self) -> Node:
        token = self.take()
        if token[0].isdigit():
            return Node("number", text=token)
        if token in FUNCTIONS:
            return Node("call", text=token, operands=self._arguments())
        if token in self.names:
            return Node("name", text=token)
        if token == "(":
            outside, self.open_norms = self.open_norms, 0
            tree = self.sum()
            self.open_norms = outside
            self.take(")")
            return tree
        if token == "|":
            self.open_norms += 1
            tree = self.sum()
            self.open_norms -= 1
            self.take("|")
            return Node("norm", (tree,))
        raise self.error(repr(token))

    def _arguments(self) -> tuple[Node, ...]:
        self.take("(")
        outside, self.open_norms = self.open_norms, 0
        arguments = [self.sum()]
        while self.here == ",":
            self.take()
            arguments.append(self.sum())
        self.open_norms = outside
        self.take(")")
        return tuple(arguments)

    def _starts_factor(self) -> bool:
        token = self.here
        return token is not None and (token[0].isalnum() or token == "(" or (token == "|" and not self.open_norms))

    def _tokens(self) -> list[str]:
        tokens, place = [], 0
        text = self.formula.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self.error(repr(text[place:].strip()[:1]))
            number, word, sign = found.groups()
            tokens += self._words(word) if word else [number or sign]
            place = found.end()
        return tokens

    def _words(self, word: str) -> list[str]:
        if word in self.names or word in FUNCTIONS or word in FOLDS:
            return [word]
        if all(letter in self.names for letter in word):
            return list(word)
        raise self.error(f"the unknown name {word!r}")
