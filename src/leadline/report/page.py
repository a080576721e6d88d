"""The page of a ledger: the claims and their verdicts, then a section per study."""

from itertools import groupby
from pathlib import Path

from leadline.claims import Ledger
from leadline.report.tally import tally
from leadline.report.templates import render, versions_of, write_html


def write_page(ledger: Ledger, out: Path | str) -> Path:
    """Write the page of a ledger to `out`/index.html and return that path.

    Runs no study; the same ledger gives the same bytes. A reader never sees half a page: it is renamed into place.

    Raises:
        InputError: `out` cannot be written to.
    """
    return write_html(render_page(ledger), out, operation="write_page")


def render_page(ledger: Ledger) -> str:
    """The page's HTML."""
    entries = ledger.entries()
    decided = {entry.study: [] for entry in entries} | {record.name: [] for record in ledger.records()}
    for entry in entries:
        decided[entry.study].append(entry)
    by_source = [(source, list(group)) for source, group in groupby(entries, key=lambda entry: entry.claim.source)]
    # Studies in the order of the claims that they decide; dictionaries keep it. Those that decide none come last.
    records = {record.name: record for record in ledger.records()}
    ordered = [records[name] for name in decided if name in records]
    return render(
        "page.html.j2",
        title="the ledger",
        overall=tally(entries),
        by_source=[(source, group, tally(group)) for source, group in by_source],
        records=ordered,
        decided=decided,
        titles={record.name: record.title for record in ordered},
        crashed=[record for record in ordered if record.error],
        versions=versions_of(ordered),
        scales=sorted({str(record.settings["scale"]) for record in ordered if "scale" in record.settings}),
    )
