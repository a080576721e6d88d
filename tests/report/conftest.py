"""A small ledger with every verdict, a crashed study, a figure, and text that would be dangerous unescaped."""

from pathlib import Path

import pytest

from leadline.claims import Evidence, Ledger, StudyRecord, Table
from leadline.studies.pictures import picture

HOSTILE = "<script>document.title='stolen'</script><img src=x onerror=alert(1)>\"'&"
LONG_ROW = tuple(f"column number {place} of a wide table" for place in range(14))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Three studies: one that decides five claims, one that crashed, one whose every text is hostile."""
    stored = Ledger(tmp_path / "ledger")
    versions = {"numpy": "2.4.6", "torch": "2.13.0"}
    evidence = {
        "dlhw2.2.h1": Evidence(as_stated=True, found=0.9866130821723351, how="Forward pass in float64."),
        "dlhw2.2.w7": Evidence(as_stated=False, found=0.0852341234, how="Chain rule, checked against autograd."),
        "dlhw2.5.1": Evidence(as_stated=False, amended=True, condition="c >= 0", found={"c": -1, "x": [1.0, -2.0]},
                              how="Symbolic, by the sign of c.", details=("At c = -1 both sides differ.",)),
        "dlhw2.3b.critical": Evidence(as_stated=None, needs="the figure's data", how="The source shows a plot only."),
        "csc413b.3.1.output": Evidence(as_stated=False, found=[[0, -2], [4, 10]], how="Convolution."),
        "dlhw2.6.total": Evidence(as_stated=True, found=132863336, how="Counted."),
    }  # fmt: skip
    figure = picture("Loss over steps", lambda ax: ax.plot([0, 1, 2], [3, 2, 4], label="loss"), caption="Two steps.")
    table = Table(title="Gradients", columns=("name", "value", *LONG_ROW), rows=(("w7", 0.0852341234, *LONG_ROW),))
    stored.write(
        StudyRecord(name="worked-example", title="A worked example", question="Are the printed gradients right?",
                    settings={"scale": "quick"}, data={"digits": "ab" * 32}, code="0123456789abcdef",
                    versions=versions, seconds=2.5, decides=tuple(evidence), evidence=evidence,
                    figures=(figure,), tables=(table,), notes=("Everything in float64.",))
    )  # fmt: skip
    stored.write(
        StudyRecord(name="crashing", title="A study that crashed", question="Does it?", versions=versions,
                    decides=("dlhw2.1",), error="Traceback (most recent call last):\nValueError: <b>too deep</b>")
    )  # fmt: skip
    hostile = Evidence(as_stated=False, found=HOSTILE, how=HOSTILE, amended=True, condition=HOSTILE, details=(HOSTILE,))
    stored.write(
        StudyRecord(name="hostile", title=HOSTILE, question=HOSTILE, notes=(HOSTILE,), settings={HOSTILE: HOSTILE},
                    decides=("ds541.1a",), evidence={"ds541.1a": hostile},
                    tables=(Table(title=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),), caption=HOSTILE),))
    )  # fmt: skip
    return stored
