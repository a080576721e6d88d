"""The pages' templates: what they may call, their style and scripts, and the file that they become."""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from itertools import takewhile
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import leadline
from leadline.claims import Claim, StudyRecord, Verdict, sources
from leadline.core import InputError, replacing
from leadline.report.drawings import inline_svg
from leadline.report.tally import PHRASES
from leadline.report.values import difference, render_text, render_value

GLYPHS = {
    Verdict.HOLDS: "✓",
    Verdict.QUALIFIED: "◐",
    Verdict.FAILS: "✗",
    Verdict.UNDECIDABLE: "?",
    Verdict.PENDING: "○",
}

_ICON = (  # a lead on its line
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 1v17" stroke="#5a7d9a" '
    'stroke-width="2.5"/><path d="M16 15c5 6 6 8.5 6 11a6 5 0 0 1-12 0c0-2.5 1-5 6-11z" fill="#1f6f5c"/></svg>'
)


def render(template: str, **values: Any) -> str:
    """A page's HTML: a template that extends the layout, filled with values; whatever users supplied is escaped."""
    scripts = {name: Markup(_asset(f"{name}.js")) for name in ("theme", "page")}  # this package's own files
    return (
        _environment()
        .get_template(template)
        .render(style=Markup(_asset("page.css")), scripts=scripts, policy=_policy(scripts), icon=_icon(), **values)
    )


def write_html(page: str, out: Path | str, *, operation: str) -> Path:
    """Write a page to `out`/index.html and return that path; renamed into place, so no reader sees half of it.

    Raises:
        InputError: `out` cannot be written to.
    """
    path = Path(out) / "index.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as stream:
            stream.write(page.encode())
    except OSError as error:
        raise InputError(
            operation, expected=f"a folder to write to, {path.parent}", got=str(error), remedy="name another"
        ) from error
    return path


def versions_of(records: list[StudyRecord]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for package, version in record.versions.items():
            found.setdefault(package, set()).add(version)
    return {package: sorted(found[package]) for package in sorted(found)}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_asset),
    )
    environment.filters.update(
        value=render_value, prose=render_text, problem=_problem, duration=_duration, course=_course, anchor=_anchor
    )
    environment.globals.update(
        Verdict=Verdict,
        PHRASES=PHRASES,
        GLYPHS=GLYPHS,
        difference=difference,
        drawing=_drawing,
        numeric=_numeric_columns,
        version=leadline.__version__,
    )
    return environment


def _asset(name: str) -> str:
    return files("leadline.report").joinpath(name).read_text("utf-8")


def _policy(scripts: Mapping[str, str]) -> str:
    """Nothing is fetched, and only the two scripts of this package run: each is named by its hash."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts.values()]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(_ICON.encode()).decode()


def _drawing(record: StudyRecord, place: int) -> Markup | None:
    figure = record.figures[place - 1]
    return inline_svg(figure.svg, prefix=f"{_anchor(record.name)}-{place}-", label=figure.title)


def _anchor(name: str) -> str:
    """A name as part of an id: what could end an attribute or a reference becomes a hyphen."""
    return re.sub(r"[^\w.-]+", "-", name)


def _problem(claim: Claim) -> str:
    """The problem's number within its source: 1.2.1 of csc413a.1.2.1.step1."""
    parts = claim.id.split(".")[1:]
    return ".".join(takewhile(lambda part: part[0].isdigit(), parts)) or parts[0]


def _course(source: str) -> str:
    """The full name of a source document."""
    return sources().get(source, source).partition(" - file ")[0]


def _duration(seconds: float) -> str:
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.1f} s" if seconds >= 0.095 else f"{seconds * 1000:.0f} ms"


def _numeric_columns(rows: tuple[tuple[Any, ...], ...]) -> list[bool]:
    """Which columns hold numbers alone (and gaps): those are set flush right."""
    columns = zip(*rows, strict=True)
    return [all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in column)
            for column in columns]  # fmt: skip
