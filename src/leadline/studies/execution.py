"""Run the studies whose record is missing or stale, and store what each leaves behind."""

import ast
import hashlib
import importlib.metadata
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import leadline
from leadline.claims import Ledger, StudyRecord
from leadline.core import random_state_kept
from leadline.data.official_files import data_fingerprint
from leadline.studies.study import Settings, Study

_ROOT = Path(leadline.__file__).parent
_VERSIONS_OF = ("torch", "numpy", "sympy", "scikit-learn")


def bring_up_to_date(
    studies: dict[str, Study], ledger: Ledger, settings: Settings, *, announce: Callable[[str], None] = lambda _: None
) -> list[StudyRecord]:
    """The records of all studies, computing those that are missing or were made from other code, inputs or settings.

    A study that crashes leaves a record with its traceback; the others still run.
    """
    records = []
    for place, (name, study) in enumerate(studies.items(), 1):
        blank = _blank_record(study, settings)
        stored = ledger.read(name)
        if stored is not None and stored.is_current(blank):
            records.append(stored)
            continue
        announce(f"[{place}/{len(studies)}] {study.title}")
        record = _run(study, settings)
        ledger.write(record)
        records.append(record)
    return records


def _run(study: Study, settings: Settings) -> StudyRecord:
    started, blank = time.perf_counter(), _blank_record(study, settings)
    try:
        with random_state_kept():
            study.prepare(settings)
            # After what the study made itself, and before it reads: what another program adds meanwhile makes it stale.
            blank = _blank_record(study, settings)
            observation = study.observe(settings)
            evidence = {check.claim: check.evidence(observation) for check in study.checks}
            exhibits = study.exhibit(observation)
    except Exception:  # noqa: BLE001 - one study's fault is shown on the page; it must not stop the others
        return replace(blank, seconds=time.perf_counter() - started, error=traceback.format_exc(limit=-6))
    return replace(
        blank,
        seconds=time.perf_counter() - started,
        evidence=evidence,
        figures=exhibits.figures,
        tables=exhibits.tables,
        notes=exhibits.notes,
    )


def _blank_record(study: Study, settings: Settings) -> StudyRecord:
    return StudyRecord(
        name=study.name,
        title=study.title,
        question=study.question,
        settings={"scale": settings.scale},
        data={name: data_fingerprint(name, settings.data) for name in study.data} | study.inputs(settings),
        code=code_hash(study.observe.__module__),
        versions={package: importlib.metadata.version(package) for package in _VERSIONS_OF},
        decides=tuple(check.claim for check in study.checks),
    )


@cache
def code_hash(module: str) -> str:
    """SHA-256 over the source of a module and of everything in this package that it imports, directly or not."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if path is not None and name not in seen:
            seen.add(name)
            waiting += _imports(path, name)
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(_source(name).read_bytes())  # type: ignore[union-attr]
    return digest.hexdigest()[:16]


def _source(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] != "leadline":
        return None
    base = _ROOT.joinpath(*parts[1:])
    candidates = (base.with_suffix(".py"), base / "__init__.pyi", base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _imports(path: Path, module: str) -> tuple[str, ...]:
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(([package] if node.level else []) + ([node.module] if node.module else []))
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return tuple(names)
