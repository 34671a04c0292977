"""The proof of the crash demo counts what ran again, and only that."""

import pytest
from temporalio.api.common.v1 import Payload

from insight.history.counts import completed_again
from insight.history.reader import ordered
from tests.insight.builder import Run, payload

FIRST = {"name": "filings", "branch": "credit", "inputs": [payload({"cik": "1"})]}


def history(second: dict[str, object], *, completed: bool) -> Run:
    run = Run()
    key = run.schedule("filings", 0, branch="credit", inputs=[payload({"cik": "1"})])
    run.start(key, 1)
    if completed:
        run.complete(key, 10)
    again: dict[str, object] = FIRST | second
    name, branch, inputs = again["name"], again["branch"], again["inputs"]
    assert isinstance(name, str)
    assert isinstance(branch, str)
    assert isinstance(inputs, list)
    run.schedule(name, 20, branch=branch, inputs=inputs)
    return run


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({}, 1),
        ({"name": "facts"}, 0),
        ({"branch": "identity"}, 0),
        ({"inputs": [payload({"cik": "2"})]}, 0),
        ({"inputs": [payload({"cik": "1"}), payload(None)]}, 0),
        ({"inputs": [Payload(data=b'{"cik": "1"}')]}, 0),
    ],
)
def test_the_same_call_after_its_completion_is_counted(
    second: dict[str, object], expected: int
) -> None:
    assert completed_again(ordered(history(second, completed=True).events)) == expected


def test_a_call_not_yet_completed_may_be_scheduled_again() -> None:
    assert completed_again(ordered(history({}, completed=False).events)) == 0


def test_every_repetition_counts() -> None:
    run = history({}, completed=True)
    run.schedule("filings", 30, branch="credit", inputs=[payload({"cik": "1"})])
    assert completed_again(ordered(run.events[::-1])) == 2
