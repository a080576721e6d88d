"""The ledger on disk: one JSON file per study, with its evidence, figures, tables and what it was computed from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadline.claims.evidence import Evidence, Verdict
from leadline.claims.statements import Claim, statements
from leadline.core import InputError, from_plain, replacing, to_plain


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture as SVG text whose colours are the page's CSS variables."""

    title: str
    svg: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A titled table of plain cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class StudyRecord:
    """Everything one run of a study left behind; `error` is the traceback of a run that crashed."""

    name: str
    title: str
    question: str
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)  # data set or other input -> SHA-256
    code: str = ""  # hash of the code that the study runs
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    decides: tuple[str, ...] = ()
    evidence: dict[str, Evidence] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""

    def is_current(self, other: "StudyRecord") -> bool:
        """Was this computed from what `other` would be computed from?"""
        same = ("settings", "data", "code", "versions")
        return not self.error and all(to_plain(getattr(self, name)) == to_plain(getattr(other, name)) for name in same)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the ledger: a claim and how it came out."""

    claim: Claim
    verdict: Verdict
    evidence: Evidence | None = None
    study: str = ""
    seconds: float = 0.0
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The plain form that `leadline claims --json` prints."""
        claim, evidence = self.claim, self.evidence
        return to_plain(
            {
                "id": claim.id,
                "source": claim.source,
                "says": claim.says,
                "decide": claim.decide,
                "stated": claim.stated,
                "found": evidence.found if evidence else None,
                "verdict": self.verdict,
                "condition": evidence.condition if evidence else "",
                "needs": evidence.needs if evidence else "",
                "evidence": [evidence.how, *evidence.details] if evidence else [],
                "study": self.study,
                "seconds": self.seconds,
                "error": self.error,
            }
        )


class Ledger:
    """A folder of study records.

    A record is written to a temporary file and renamed, so a reader never sees half of one and a killed run loses
    nothing that was finished.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def write(self, record: StudyRecord) -> None:
        """Store a record in place of the study's former one."""
        text = json.dumps(to_plain(record), indent=1, allow_nan=False)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / f"{record.name}.json") as stream:
                stream.write(text.encode())
        except OSError as error:
            raise InputError(
                "Ledger.write", expected=f"a folder to write to, {self.folder}", got=str(error), remedy="name another"
            ) from error

    def read(self, study: str) -> StudyRecord | None:
        """The stored record of a study, None where there is none or an unreadable one (it will be made again)."""
        try:
            plain = json.loads((self.folder / f"{study}.json").read_text("utf-8"))
            return from_plain(plain, StudyRecord)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def records(self) -> Iterator[StudyRecord]:
        """All stored records, by name."""
        for path in sorted(self.folder.glob("*.json")):
            record = self.read(path.stem)
            if record is not None:
                yield record

    def entries(self) -> list[Entry]:
        """One entry per claim, in the order of the sources; claims without evidence are pending."""
        found: dict[str, Entry] = {}
        for record in self.records():
            share = record.seconds / max(len(record.decides), 1)
            for name in record.decides:
                claim = statements().get(name)
                if claim is not None:
                    evidence = record.evidence.get(name)
                    verdict = evidence.verdict if evidence else Verdict.PENDING
                    found[name] = Entry(claim=claim, verdict=verdict, evidence=evidence, study=record.name,
                                        seconds=share, error=record.error)  # fmt: skip
        return [found.get(name, Entry(claim=claim, verdict=Verdict.PENDING)) for name, claim in statements().items()]
