"""Recurring runs: times are checked before anything is made; a run starts the case of its day."""

from datetime import date, timedelta

import pytest
from temporalio.client import ScheduleOverlapPolicy

from cli import scheduling
from cli.errors import BadInput
from cli.processes import process
from cli.scheduling import Times
from scripts.stories.service import started_child
from tests.support.world import World, case_file
from workflows.data.scheduled import ScheduledEnd

DD = process("due-diligence")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "either --every P1D or --cron"),
        ({"every": "P1D", "cron": "0 2 * * *"}, "either --every P1D or --cron"),
        ({"every": "P1M"}, "months have none: use --cron"),
        ({"every": "0"}, "a second or more"),
        ({"every": "P1D", "jitter": "soon"}, "--jitter 'soon'"),
        ({"every": "P1D", "until": "2027-02-30"}, "--until '2027-02-30': write a day"),
        ({"every": "P1D", "overlap": "queue"}, "--overlap 'queue': write skip, buffer"),
    ],
)
def test_times_that_make_no_sense_are_refused_with_their_mend(
    given: dict[str, str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        Times(**given).spec(), Times(**given).policy()


def test_times_are_those_of_the_words() -> None:
    times = Times(every="P1D", jitter="PT5M", until="2027-01-31", overlap="buffer", catch_up="PT1H")
    spec, policy = times.spec(), times.policy()
    assert [i.every for i in spec.intervals] == [timedelta(days=1)]
    assert (spec.jitter, spec.end_at and spec.end_at.date()) == (
        timedelta(minutes=5),
        date(2027, 1, 31),
    )
    assert policy.overlap is ScheduleOverlapPolicy.BUFFER_ONE
    assert policy.catchup_window == timedelta(hours=1)


def test_a_case_file_is_of_the_day_of_its_run() -> None:
    order = scheduling.order(DD, case_file("unilever"))
    given = order.on(date(2031, 3, 4))
    assert given["opened"] == "2031-03-04"
    assert DD.record.model_validate(given) == case_file("unilever", opened="2031-03-04")


def test_a_review_on_a_leap_day_comes_round_in_every_year() -> None:
    [calendar] = scheduling.yearly(date(2028, 2, 29), 1).calendars
    assert calendar.day_of_month[0].start == 28


@pytest.mark.server
async def test_a_schedule_starts_cases_of_today_and_says_why_it_rests(here: World) -> None:
    """Made, run, paused, listed, removed; and made again from the decision of its case."""
    name, client = f"nightly{here.queue}", here.client
    order = scheduling.order(DD, case_file("unilever"))
    times = Times(cron="0 2 * * *")
    handle = await scheduling.add(
        client, name, order, times.spec(), times.policy(), queue=here.queue
    )
    try:
        with pytest.raises(BadInput, match="already"):
            await scheduling.add(client, name, order, times.spec(), times.policy())
        await handle.pause(note="holidays")
        await handle.trigger()
        told = scheduling.told(name, (await scheduling.described(client, name))[1])
        assert (told["paused"], told["note"], len(told["runs"])) == (True, "holidays", 1)
        assert all(at.endswith("02:00") for at in told["next"])
        assert name in [one async for one in scheduling.every(client)]
        run = client.get_workflow_handle(told["runs"][0]["id"])
        case = client.get_workflow_handle(await started_child(run))
        here.started.extend([run, case])
        await here.gate(case)
        await here.decide(case, "approve", "ana")
        assert (await here.done(run, ScheduledEnd)).case == case.id
        what, spec, due = await scheduling.again(client, case)
        assert what.given["opened"] == f"{(await case.describe()).start_time:%Y-%m-%d}"
        assert [c.year[0].start for c in spec.calendars] == [due.year]
        second = await scheduling.add(client, f"{name}-again", what, spec, times.policy())
        await second.delete()
        with pytest.raises(BadInput, match="no process"):
            await scheduling.again(client, run)
    finally:
        await handle.delete()
    with pytest.raises(BadInput, match="there is no schedule"):
        await scheduling.described(client, name)
