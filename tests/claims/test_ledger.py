"""The ledger on disk: whole files or none, that others may read."""

import errno
import os
from dataclasses import replace

import pytest

from leadline.claims import Evidence, Ledger, StudyRecord
from leadline.core import InputError

RECORD = StudyRecord(name="one", title="One", question="?", evidence={"c": Evidence(as_stated=True, how="Counted.")})


def test_a_record_comes_back_and_nothing_else_lies_there(tmp_path):
    ledger = Ledger(tmp_path / "deeper" / "ledger")
    ledger.write(RECORD)
    assert ledger.read("one") == RECORD
    assert [path.name for path in ledger.folder.iterdir()] == ["one.json"]


def test_a_write_that_breaks_off_leaves_the_former_record(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    ledger.write(RECORD)

    def full(stream):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        ledger.write(replace(RECORD, code="new"))
    assert ledger.read("one") == RECORD
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("field", ["settings", "data", "code", "versions"])
def test_a_record_is_current_only_for_the_same_inputs(field):
    other = {"settings": {"scale": "full"}, "data": {"run": "ab"}, "code": "cd", "versions": {"torch": "9"}}
    changed = replace(RECORD, **{field: other[field]})
    assert RECORD.is_current(replace(RECORD, evidence={}))
    assert not RECORD.is_current(changed)
    assert not changed.is_current(RECORD)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a folder to write to"):
        Ledger(tmp_path / "file" / "ledger").write(RECORD)
