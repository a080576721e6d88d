"""The page of a check-up: every question, every section, nothing fetched, hostile names escaped."""

import re

import pytest
import torch
from torch import nn

from leadline.core import InputError, torch_generator
from leadline.report import write_checkup
from leadline.studies import CheckUp, checkup
from leadline.studies.model_checkup import QUESTIONS


@pytest.fixture(scope="module")
def checked() -> CheckUp:
    rows = torch.randn(30, 4, generator=torch_generator("tests", "checkup page"))
    hostile = type("<script>alert(1)</script>", (nn.Linear,), {})
    return checkup(hostile(4, 2), (rows, (rows[:, 0] > 0).long()))


def test_every_question_has_its_answer_and_section(checked, tmp_path):
    page = write_checkup(checked, tmp_path).read_text("utf-8")
    for name, question in QUESTIONS.items():
        assert question in page
        assert (f'id="study-{name}"' in page) == (name in checked.found)
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))


def test_hostile_names_stay_text_and_nothing_is_fetched(checked, tmp_path):
    page = write_checkup(checked, tmp_path).read_text("utf-8")
    assert "<script>alert" not in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_a_folder_that_cannot_be_written_is_named(checked, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken"):
        write_checkup(checked, tmp_path / "taken")
