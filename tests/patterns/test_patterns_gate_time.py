"""Reminders, the escalation chain and the deadline, over days of virtual time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.patterns.gating import DAY, Channel, decides, level, spec
from tests.patterns.virtual import elapsed, run
from workflows.data.common import Verdict
from workflows.errors import Misuse, Refused
from workflows.patterns.clock import now
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec, Reminder

START = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHAIN = (level(1.5, mona="analyst"), level(2.5, olga="analyst", pia=""))


async def waiting(desk: Desk, given: GateSpec, channel: Channel) -> asyncio.Task[GateResult]:
    """Open a gate and let it begin to wait."""
    task = asyncio.ensure_future(desk.open(given, channel.remind))
    await asyncio.sleep(0)
    return task


def told(channel: Channel) -> list[tuple[str, int, str]]:
    """Give what people were told: kind, number, to whom."""
    return [
        (f"level {r.level}" if r.level else "reminder", r.number, " ".join(r.to))
        for r in channel.told
    ]


@pytest.mark.parametrize(
    ("deadline", "every", "count"),
    [(3 * DAY, DAY, 2), (3 * DAY, 2 * DAY, 1), (DAY, 2 * DAY, 0), (5 * HOUR, HOUR, 4)],
)
def test_a_gate_is_reminded_of_at_each_interval_until_its_deadline(
    deadline: timedelta, every: timedelta, count: int
) -> None:
    """At the deadline itself nobody is reminded any more."""
    moments: list[timedelta] = []

    async def remind(reminder: Reminder) -> None:
        moments.append(now() - START)
        assert reminder == Reminder("review", len(moments), ("ann", "bob"), 0)

    async def work() -> GateResult:
        given = spec("analyst", deadline=deadline, remind_every=every)
        result = await Desk().open(given, remind)
        assert elapsed() == deadline.total_seconds()
        return result

    assert run(work()) == GateResult((), timed_out=True)
    assert moments == [every * (n + 1) for n in range(count)]


def test_the_question_goes_to_the_next_people_in_time_and_they_may_decide() -> None:
    """Each level is told of once, recorded and shown; reminders then go to everybody asked."""
    channel, desk = Channel(), Desk()
    given = spec("analyst", {"ann": "analyst"}, deadline=4 * DAY, escalation=CHAIN)

    async def work() -> GateResult:
        task = await waiting(desk, given, channel)
        assert (
            desk.refuse(decides("mona"))
            == "mona is not asked yet, but from 1970-01-02 12:00 UTC on"
        )
        assert "not a reviewer" in (desk.refuse(decides("zoe")) or "")
        await asyncio.sleep((2.2 * DAY).total_seconds())
        (view,) = desk.views()
        assert (view.may_decide, view.reminders) == (("ann", "mona"), 2)
        assert [(e.level, e.at - START, e.to) for e in view.escalations] == [
            (1, 1.5 * DAY, ("mona",))
        ]
        assert desk.take(decides("mona", Verdict.DECLINE)).settled
        return await task

    result = run(work())
    assert told(channel) == [
        ("reminder", 1, "ann"),
        ("level 1", 2, "mona"),
        ("reminder", 3, "ann mona"),
    ]
    assert [d.by for d in result.decisions] == ["mona"]
    assert [e.level for e in result.escalations] == [1]


def test_a_level_whose_people_cannot_help_any_more_is_recorded_and_told_to_nobody() -> None:
    channel, desk = Channel(), Desk()
    given = spec("analyst senior", deadline=4 * DAY, escalation=(level(1.5, mona="analyst"),))

    async def work() -> GateResult:
        task = await waiting(desk, given, channel)
        desk.take(decides("ann"))
        return await task

    result = run(work())
    assert told(channel) == [
        ("reminder", 1, "bob dan"),
        ("reminder", 3, "bob dan"),
        ("reminder", 4, "bob dan"),
    ]
    assert [(e.level, e.to) for e in result.escalations] == [(1, ())]
    assert (result.timed_out, result.last) == (True, None)
    assert [d.by for d in result.decisions] == ["ann"], "what was decided is kept"


def test_escalation_comes_before_the_reminder_of_the_same_moment() -> None:
    channel = Channel()
    given = spec("analyst", deadline=2 * DAY, escalation=(level(1, mona="analyst"),))
    run(Desk().open(given, channel.remind))
    assert told(channel) == [("level 1", 1, "mona"), ("reminder", 2, "ann bob mona")]


def test_a_person_asked_at_first_gains_the_roles_of_a_later_level() -> None:
    given = spec(
        "senior", {"ann": "analyst", "bob": "senior"}, escalation=(level(1, ann="senior"),)
    )
    assert given.panel(0).members() == given.panel(1).members() == ("ann", "bob")
    assert given.panel(1).people["ann"] == {"analyst", "senior"}


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        ((level(3, mona="analyst"),), "level 1 comes after 3 days.* before the deadline of 3 days"),
        (
            (level(0, mona="analyst"),),
            "level 1 comes after 0:00:00; let it come later than 0:00:00",
        ),
        ((level(2, mona="analyst"), level(2, olga="analyst")), "level 2 .*later than 2 days"),
        ((level(1, mona="analyst"), level(0.5, olga="analyst")), "level 2 .*later than 1 day"),
        ((level(1),), "level 1 asks nobody new who may decide"),
        ((level(1, ann="analyst"),), "level 1 asks nobody new"),
        ((level(1, mona="senior"),), "level 1 asks nobody new .*can fill analyst"),
        ((level(1, sam="analyst"),), "level 1 asks nobody new"),
        ((level(1, mona="analyst"), level(2, mona="analyst x")), "level 2 asks nobody new"),
    ],
)
def test_an_escalation_that_comes_to_nothing_is_refused_when_built(chain: Any, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        spec("analyst", {"ann": "analyst"}, excluded="sam", escalation=chain)


def test_a_level_counts_who_may_answer_for_its_people() -> None:
    """Deputies count; those of somebody excluded do not."""
    chain = (level(1, sam="analyst", mona=""),)
    with pytest.raises(Misuse, match="asks nobody new"):
        spec("analyst", excluded="sam", escalation=chain, deputies={"sam": "dora"})
    chain = (level(1, sam="analyst", mona="analyst"),)
    assert spec("analyst", excluded="sam", escalation=chain, deputies={"mona": "dora"})


def test_silence_is_never_an_approval_and_a_late_word_is_refused() -> None:
    desk = Desk()
    assert run(desk.open(spec("analyst"))).timed_out
    assert desk.names() == ()
    with pytest.raises(Refused, match="too late: gate 'review' is over: its deadline passed"):
        desk.take(decides("ann"))


def test_a_decision_at_the_very_deadline_counts() -> None:
    """Both fall due at one instant; what a person said is not thrown away."""
    desk = Desk()

    async def work() -> GateResult:
        asyncio.get_running_loop().call_later(3 * DAY.total_seconds(), desk.take, decides("ann"))
        return await desk.open(spec("analyst"))

    result = run(work())
    assert (result.timed_out, [d.by for d in result.decisions]) == (False, ["ann"])


def test_a_reminder_that_fails_or_hangs_does_not_end_the_waiting() -> None:
    async def broken(reminder: Reminder) -> None:
        if reminder.number == 1:
            raise RuntimeError("no channel")
        await asyncio.Event().wait()

    async def work() -> GateResult:
        result = await Desk().open(spec("analyst"), broken)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}, "what hangs is stopped"
        return result

    assert run(work(), collect=True).timed_out


def test_after_a_long_silence_of_the_loop_the_deadline_comes_first() -> None:
    """A worker that was away for days does not send old reminders: the gate is over."""
    channel, desk = Channel(), Desk()

    async def away() -> GateResult:
        task = await waiting(desk, spec("analyst"), channel)
        asyncio.get_running_loop()._jump.now += 4 * DAY.total_seconds()  # type: ignore[attr-defined]
        return await task

    assert run(away()).timed_out
    assert told(channel) == []
