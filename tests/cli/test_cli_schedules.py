"""Recurring runs: times are checked before anything is made; a run starts the case of its day."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import (
    Client,
    ScheduleBackfill,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    ScheduleSpec,
)
from temporalio.testing import ActivityEnvironment

from activities.services import ServiceActivities
from cli import scheduling
from cli.errors import BadInput
from cli.processes import PROCESSES, ProcessEntry, process
from cli.scheduling import Times
from runtime.connection import connect_to
from runtime.recurring import yearly
from scripts.stories.service import started_child
from tests.support.world import World, case_file, example
from workflows.data.due_diligence import CaseOutcome, Tier
from workflows.data.pipeline import PipelineOrder, PipelineResult
from workflows.data.scheduled import LAST, Rescheduled, ReviewDays, ScheduledEnd
from workflows.rules.dd.decision import next_review_due, review_days

DD = process("due-diligence")
ORDER = scheduling.order(DD, case_file("unilever"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"every": "P1D", "catch_up": "PT9S"}, "--catch-up 'PT9S': write a length of 10 s"),
        ({}, "either --every P1D or --cron"),
        ({"every": "P1D", "cron": "0 2 * * *"}, "either --every P1D or --cron"),
        ({"every": "P1M"}, "months have none: use --cron"),
        ({"every": "0"}, "of 1 s or more"),
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
    given = ORDER.on(date(2031, 3, 4))
    assert given["opened"] == "2031-03-04"
    assert DD.record.model_validate(given) == case_file("unilever", opened="2031-03-04")


@pytest.mark.parametrize(
    ("tier", "years"), [(Tier.LOW, 3), (Tier.MEDIUM, 2), (Tier.HIGH, 1), (Tier.PROHIBITED, 0)]
)
def test_the_next_review_follows_the_tier_of_the_last(tier: Tier, years: int) -> None:
    """Only a customer that was approved has one."""
    due = next_review_due(tier, CaseOutcome.APPROVE, date(2026, 11, 27))
    days = review_days("rescreen-x", "dd-x", tier, due)
    if not years:
        assert days is None
        return
    assert days is not None
    assert (days.first, days.years) == (date(2026 + years, 11, 27), years)
    assert review_days("rescreen-x", "dd-x", tier, None) is None


@pytest.mark.parametrize("entry", PROCESSES, ids=lambda e: e.name)
def test_a_run_goes_on_from_a_result_of_its_own_process(entry: ProcessEntry) -> None:
    last = entry.record.model_fields.get(LAST)
    assert last is None or last.annotation == entry.result | None


@pytest.mark.server
async def test_a_schedule_starts_cases_of_today_and_says_why_it_rests(here: World) -> None:
    """Made, run, paused, listed, removed; and made again from the decision of its case."""
    name, client = f"nightly{here.queue}", here.client
    order = ORDER.model_copy(update={"review": name})
    times, began = Times(cron="0 2 * * *"), datetime.now(UTC).date()
    handle = await scheduling.add(
        client, name, order, times.spec(), policy := times.policy(), queue=here.queue
    )
    try:
        with pytest.raises(BadInput, match="already"):
            await scheduling.add(client, name, order, times.spec(), times.policy())
        await scheduling.rest(handle, "holidays", rests=True)
        await scheduling.run_now(handle)
        told = scheduling.told(name, (await scheduling.described(client, name))[1])
        assert (told["paused"], told["note"], len(told["runs"])) == (True, "holidays", 1)
        assert all(at.endswith("02:00") for at in told["next"])
        while name not in [one async for one in scheduling.every(client)]:
            continue  # the list lags a little
        run = client.get_workflow_handle(told["runs"][0]["id"])
        case = client.get_workflow_handle(await started_child(run))
        here.started.extend([run, case])
        await here.gate(case)
        await here.decide(case, "approve", "ana")
        assert (await here.done(run, ScheduledEnd)).case == case.id
        found = await scheduling.again(client, case, f"{name}-again")
        opened = date.fromisoformat(str(found.what.given["opened"]))
        assert began <= opened <= datetime.now(UTC).date()
        assert found.what.review == f"{name}-again"
        second = await scheduling.add(client, f"{name}-again", found.what, found.spec, policy)
        first, again = await handle.describe(), await second.describe()
        await second.delete()
        assert first.info.next_action_times == again.info.next_action_times
        assert first.info.next_action_times[0].date() == found.days.first
        assert first.schedule.state.note == "holidays", "why it rests stays"
        with pytest.raises(BadInput, match="no case of a process"):
            await scheduling.again(client, run)
    finally:
        await handle.delete()
    with pytest.raises(BadInput, match="there is no schedule"):
        await scheduling.described(client, name)


@pytest.mark.server
async def test_changes_hold_though_the_server_forgets_one_of_two_that_come_at_once(
    address: str,
) -> None:
    """Of the changes it reads together it keeps the last; runs are asked for all the while."""
    client, days = await connect_to(address), (date(2028, 2, 29), 3)
    async with made(client, Times(every="P1D"), ORDER, f"nobody-{secrets.token_hex(4)}") as handle:
        review = ReviewDays(schedule=handle.id, first=days[0], years=days[1], note="due")
        set_review = ServiceActivities(client).set_review
        _, found, *_ = await asyncio.gather(
            scheduling.rest(handle, "holidays", rests=True),
            ActivityEnvironment().run(set_review, review),
            *(handle.trigger() for _ in range(30)),
        )
        now = (await handle.describe()).schedule
    assert (found, now.spec) == (Rescheduled(found=True), yearly(*days))
    assert (now.state.paused, now.state.note) == (True, "holidays")


@asynccontextmanager
async def made(
    client: Client, times: Times, what: Any, queue: str, spec: ScheduleSpec | None = None
) -> AsyncIterator[ScheduleHandle]:
    """A schedule of a name of its own, removed at the end."""
    name = f"made-{secrets.token_hex(4)}"
    spec = spec or times.spec()
    handle = await scheduling.add(client, name, what, spec, times.policy(), queue=queue)
    try:
        yield handle
    finally:
        await handle.delete()


async def until(handle: ScheduleHandle, **wanted: object) -> dict[str, Any]:
    """Ask the server until the schedule stands so."""
    async with asyncio.timeout(120):
        while True:
            told = scheduling.told(handle.id, await handle.describe())
            if {name: told[name] for name in wanted} == wanted:
                return told


NIGHTS = ScheduleBackfill(
    start_at=datetime(2027, 3, 1, tzinfo=UTC), end_at=datetime(2027, 3, 4, tzinfo=UTC)
)
"""Three nights that come due at once, as after a long outage."""


@pytest.mark.server
@pytest.mark.parametrize(
    ("overlap", "begun", "skipped", "in_all"),
    [
        ("skip", "1", 2, "1"),
        ("buffer", "1", 1, "12"),
        ("buffer-all", "1", 0, "123"),
        ("cancel", "3", 0, "3"),
        ("allow", "123", 0, "123"),
    ],
)
async def test_runs_that_meet_do_what_their_word_says(
    address: str, overlap: str, begun: str, skipped: int, in_all: str
) -> None:
    """The runs of which nights begin while no worker ends one, and which when each has ended."""
    client = await connect_to(address)
    times = Times(cron="0 2 * * *", overlap=overlap)
    async with made(client, times, ORDER, f"nobody-{secrets.token_hex(4)}") as handle:
        await handle.backfill(NIGHTS)
        told = await until(handle, started=len(begun), skipped=skipped)
        assert nights(told) == begun
        for so_far in range(len(begun), len(in_all) + 1):
            told = await until(handle, started=so_far)
            for run in told["runs"][-len(begun) :]:
                await client.get_workflow_handle(run["id"]).terminate("test over")
        assert nights(told) == in_all


def nights(told: dict[str, Any]) -> str:
    """Give the days of the runs that were started, by their last digit."""
    return "".join(run["at"][9] for run in told["runs"])


@pytest.mark.server
async def test_what_cannot_be_scheduled_is_refused_with_its_mend(address: str) -> None:
    """With `allow` the service hands no result on: each run that goes on would bring all rows."""
    times, client = Times(cron="0 2 * * *", overlap="allow"), await connect_to(address)
    order = ORDER.model_copy(update={"goes_on": True})
    with pytest.raises(BadInput, match="--overlap allow"):
        await scheduling.add(client, "x", order, times.spec(), times.policy())
    wrong = Times(cron="0 25 * * *")
    with pytest.raises(BadInput, match=r"Hour is not in range .*; --cron has minute, hour"):
        await scheduling.add(client, "x", ORDER, wrong.spec(), wrong.policy())


@pytest.mark.server
async def test_nights_that_are_made_up_for_run_in_turn_and_each_goes_on_where_the_last_ended(
    here: World,
) -> None:
    order = scheduling.order(
        process("data-pipeline"), example("data-pipeline/sales", PipelineOrder)
    )
    times = Times(cron="0 2 * * *", overlap="buffer-all")
    async with made(here.client, times, order, here.queue) as handle:
        await handle.backfill(NIGHTS)
        told = await until(handle, running=[], started=3)
    ends = [
        await here.done(here.client.get_workflow_handle(r["id"]), ScheduledEnd)
        for r in told["runs"]
    ]
    assert [e.case for e in ends] == [f"dp-sales-2027030{n}-020000" for n in (1, 2, 3)]
    cases = [here.client.get_workflow_handle(e.case) for e in ends]
    results = [await here.done(case, PipelineResult) for case in cases]
    assert [r.batches for r in results] == [3, 0, 0], "what is in the table is not brought again"
    assert len({r.watermark for r in results}) == 1


@pytest.mark.server
@pytest.mark.parametrize(
    ("times", "days"),
    [
        (Times(cron="0 2 31 * *"), "0131 0331 0531 0731 0831 1031 1231"),
        (Times(cron="0 2 1 * *"), " ".join(f"{m:02}01" for m in range(1, 13))),
    ],
)
async def test_a_day_a_month_does_not_have_is_left_out(
    address: str, times: Times, days: str
) -> None:
    client = await connect_to(address)
    async with made(client, times, ORDER, "nobody") as handle:
        assert await matching(client, handle, 2027, 2027) == [f"2027{d}" for d in days.split()]


@pytest.mark.server
async def test_a_review_on_a_leap_day_comes_round_in_every_year(address: str) -> None:
    client, spec = await connect_to(address), yearly(date(2028, 2, 29), 3)
    async with made(client, Times(cron="0 2 1 1 *"), ORDER, "nobody", spec) as handle:
        assert await matching(client, handle, 2027, 2035) == ["20280228", "20310228", "20340228"]


async def matching(client: Client, handle: ScheduleHandle, first: int, last: int) -> list[str]:
    """Ask the server on which days of these years a schedule runs."""
    request = ListScheduleMatchingTimesRequest(namespace=client.namespace, schedule_id=handle.id)
    request.start_time.FromDatetime(datetime(first, 1, 1, tzinfo=UTC))
    request.end_time.FromDatetime(datetime(last, 12, 31, 23, tzinfo=UTC))
    answer = await client.workflow_service.list_schedule_matching_times(request)
    return [f"{at.ToDatetime():%Y%m%d}" for at in answer.start_time]
