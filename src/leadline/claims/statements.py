"""The published statements, as data: who says what, with which value, and how it is to be decided."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

KINDS = ("algebra", "count", "number", "simulation", "training")


@dataclass(frozen=True)
class Claim:
    """One published statement in our words.

    `stated` keeps numbers as `Decimal`, because the last digit printed says how precisely something is claimed.
    """

    id: str
    source: str  # key of `sources()`
    says: str
    decide: str  # one of KINDS
    stated: Any = None


class _DecimalLoader(yaml.SafeLoader):
    """Reads 0.70 as the decimal 0.70, not as the float 0.7."""


_DecimalLoader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(str(node.value).replace("_", "")))


@cache
def _document() -> dict[str, Any]:
    text = files("leadline.claims").joinpath("statements.yaml").read_text("utf-8")
    return yaml.load(text, _DecimalLoader)


@cache
def sources() -> dict[str, str]:
    """Short name of each source document -> course and problem set."""
    return dict(_document()["sources"])


@cache
def statements() -> dict[str, Claim]:
    """All claims by id, in the order of the sources.

    >>> statements()["dlhw2.2.do1"].stated
    Decimal('0.79')
    """
    claims = [Claim(source=entry["id"].split(".")[0], **entry) for entry in _document()["claims"]]
    return {claim.id: claim for claim in claims}
