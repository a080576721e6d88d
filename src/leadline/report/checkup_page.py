"""The page of a check-up: every question with its answer, then a section per instrument."""

from pathlib import Path

from leadline.report.templates import render, versions_of, write_html
from leadline.studies import CheckUp, checkup_sections


def write_checkup(checked: CheckUp, out: Path | str) -> Path:
    """Write the page of a check-up to `out`/index.html and return that path; runs no instrument.

    Raises:
        InputError: `out` cannot be written to.
    """
    records = checkup_sections(checked)
    anchors = {record.title: record.name for record in records}
    frame = checked.to_frame()
    answers = zip(frame.question, frame.answer, strict=True)
    page = render(
        "checkup.html.j2",
        title=f"Check-up of {checked.model}",
        headline=checked.headline(),
        answers=[(question, anchors.get(question), answer) for question, answer in answers],
        records=records,
        decided={record.name: [] for record in records},
        versions=versions_of(list(records)),
    )
    return write_html(page, out, operation="write_checkup")
