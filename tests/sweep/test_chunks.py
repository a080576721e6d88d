"""Chunks where they are computed: one outcome per member, and nothing that a job raises gets out."""

import json
from types import SimpleNamespace

from errands import noted

from leadline.sweep.chunks import compute

NO_HURRY = 60.0  # seconds


def _texts(*xs: int) -> list[str]:
    return [json.dumps({"x": x}) for x in xs]


def test_every_end_of_a_job_is_an_outcome():
    (outcomes,) = compute("errands.varied", [_texts(0, 1, 2, 3, 4, 5)], NO_HURRY)
    assert [one.outcome for one in outcomes] == ["done", "failed", "diverged", "diverged", "failed", "done"]
    assert outcomes[1].error == "ValueError: one is not wanted"
    assert outcomes[3].value == '{"loss":"inf","diverged":true}'
    assert outcomes[4].error == "SystemExit: 3"


def test_results_that_cannot_be_kept_are_failures():
    ((objects, anything),) = compute("errands.unplain", [_texts(0, 1)], NO_HURRY)
    assert "Object arrays cannot be saved" in str(objects.error)
    assert "object has no JSON form" in str(anything.error)


def test_a_batch_is_one_call():
    ((first, second),) = compute("errands.together", [_texts(1, 2)], NO_HURRY)
    assert (first.value, second.value) == ('{"crew":2,"x2":2}', '{"crew":2,"x2":4}')


def test_a_member_that_spoils_its_batch_is_found():
    ((first, bad, third),) = compute("errands.together", [_texts(1, 13, 2)], NO_HURRY)
    assert (first.value, third.value) == ('{"crew":1,"x2":2}', '{"crew":1,"x2":4}')
    assert (bad.outcome, bad.error) == ("failed", "ValueError: thirteen")


def test_an_exception_in_the_place_of_a_result_is_that_members_own():
    ((first, gone),) = compute("errands.together", [_texts(1, 14)], NO_HURRY)
    assert first.value == '{"crew":2,"x2":2}'
    assert gone.outcome == "diverged"


def test_a_batch_that_returns_too_few_results_fails_whole():
    ((alone,), (one, other)) = compute("errands.forgetful", [_texts(1), _texts(1, 2)], NO_HURRY)
    assert alone.outcome == "done"
    assert one.error == other.error == "ValueError: the function returned 1 results for 2 members"


def test_no_chunk_begins_after_the_budget(log, monkeypatch):
    clock = SimpleNamespace(perf_counter=lambda: float(len(noted(log))))  # every job takes a second
    monkeypatch.setattr("leadline.sweep.chunks.time", clock)
    chunks = [[json.dumps({"x": x, "log": log})] for x in range(5)]
    assert len(compute("errands.square", chunks, 1.5)) == len(noted(log)) == 2
    assert len(compute("errands.square", chunks, 0.5)) == 1, "one at least"
