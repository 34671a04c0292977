"""Deadlines of days, by time skipping on a real server."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import pytest_asyncio

from runtime.settings import ROOT

pytestmark = pytest.mark.server
STORIES = ("references", "review", "weeks", "report", "waiting")
HOUR, DAY = 3_600, 86_400


@pytest_asyncio.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the process of `days` saw."""
    data = tmp_path_factory.mktemp("days")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.timeskip.days", str(data), *STORIES),
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "BRAID_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 500)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
    if process.returncode != 0:
        pytest.fail(f"exit {process.returncode}: {err.decode()[-6000:]}")
    return json.loads(out.splitlines()[-1])  # the server writes its addresses before


def test_references_are_a_gap_after_five_days_and_not_before(seen: Any) -> None:
    """One answer of two needed; the one that comes on the sixth day changes nothing."""
    story = seen["references"]
    assert (story["before"], story["gates_before"]) == ("running", 0), "five days less an hour"
    assert story["after"] == "succeeded", "a check with a gap is a result, not a failure"
    assert story["days"] == pytest.approx(5, abs=0.01)
    assert story["outcome"] == "inconclusive"
    assert len(story["gaps"]) == 1
    assert story["gaps"][0].startswith("1 of 2 conclusive references")
    assert story["evidence"] == ["trade-1"]
    assert story["needs"] == ["analyst"], "no quick approval with a gap"
    assert story["in_the_record"] == "inconclusive"
    assert [what for _, what in story["reminders"]] == ["reference_reminder_1"] * 3
    assert [day for day, _ in story["reminders"]] == pytest.approx([2] * 3, abs=0.01)


def test_a_review_is_reminded_of_daily_and_referred_after_three_days(seen: Any) -> None:
    """Nothing before the first day, one message a day, never an approval by silence."""
    story = seen["review"]
    assert story["reminders"] == [0, 1, 2], "after 23, 25 and 49 hours"
    assert story["open_after_two_days"] == [0], "a token of two days ago does not count"
    assert story["ended_by_itself"]
    assert story["days"] == pytest.approx(3, abs=0.01)
    assert story["outcome"] == "refer"
    assert story["reasons"]
    assert story["reminders_in_all"] == 2


SIX_WEEKS = [
    (3, "hit-reminder"),
    (6, "hit-reminder"),
    (7, "hit-reminder escalated"),
    (10, "information-1"),
    (15, "information-1-reminder-1"),
    (20, "information-1-reminder-2"),
    (31, "review-reminder-1 escalated"),
    (31, "review-reminder-1"),
    (38, "review-reminder-1"),
]
"""The hit is judged on day 8, the customer asked from 10 to 24, the review opened again then."""


def test_six_weeks_of_people_who_take_their_time_are_kept_to_the_day(seen: Any) -> None:
    """Escalation lets a new person decide, a deputy fills one of two seats, and time refers."""
    story = seen["weeks"]
    assert "zoe" not in story["asked_before"]
    assert "zoe" in story["asked_after"]
    assert [what for _, what in story["messages"]] == [what for _, what in SIX_WEEKS]
    for (day, what), (due, _) in zip(story["messages"], SIX_WEEKS, strict=True):
        assert day == pytest.approx(due, abs=0.01), what
    assert (story["stands_for"], story["settled"]) == ("bo", False)
    assert story["gaps"] == ["information 1 of the customer: no answer by the deadline"]
    assert story["ended_by_itself"]
    assert story["outcome"] == "refer"
    assert story["days"] == pytest.approx(24 + 21, abs=0.01)


def test_a_report_is_asked_for_until_somebody_says_it_was_filed(seen: Any) -> None:
    """Every second day until it is due, every day from then on; late is said to be late."""
    story = seen["report"]
    assert story["asked"] == ["mira"]
    assert story["early"] == 1
    assert story["phase"] == "report overdue"
    assert story["late"] in (5, 6), "one on the fourth day, then daily; midnight may be near"
    filed = story["filed"]
    assert (filed["filed"], filed["late"], filed["by"]) == (True, True, "mira")
    assert filed["comment"] == "reference 123"


WRITTEN: dict[str, list[float]] = {
    "analysis": [3 * DAY, 6 * DAY],
    "submission": [day * DAY for day in (3, 6, 9, 12, 15)],
    "invoice": [day * DAY for day in (1, 2, 3, 4)],
    "request": [0.45 * DAY, 0.675 * DAY, 0.9 * DAY],
    "handed over": [1 * DAY, 2 * DAY, 2 * DAY],
    "mail": [1 * HOUR, 2 * HOUR, 3 * HOUR],
}
"""Seconds after its gate opened at which people are written to: the analysis of a submission is
signed on day seven, its writing never; a request is reminded of, then escalated, and at the end of
its time the customer is told; once it is handed over, the same again, day by day.
"""


def test_for_24_days_each_process_reminds_when_it_must_and_ends_as_it_says(seen: Any) -> None:
    """Each message is there once, never early, and late only by what the machine takes."""
    story = seen["waiting"]
    for name, times in WRITTEN.items():
        sent = story[name]["sent"]
        early = 60 if name == "request" else 0  # its time counts from its arrival
        late = [was - at for was, at in zip(sent, times, strict=True)]
        assert all(-early <= one < 60 for one in late), (sent, times)
    del story["analysis"], story["handed over"]
    ends = {n: (told["outcome"], told["ended"], told["open"]) for n, told in story.items()}
    assert ends == {
        "submission": ("expired", True, []),
        "invoice": ("done", True, []),
        "request": ("handed_over", False, ["gate handed over"]),
        "mail": ("not_answered", True, []),
    }
    assert story["request"]["by"] == "mara", "who was asked besides"
