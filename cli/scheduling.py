"""Recurring runs: Temporal schedules that start cases, made, shown, paused and removed."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.service import RPCError, RPCStatusCode

from cli import cases
from cli.errors import BadInput
from cli.processes import ProcessEntry
from runtime.documents import readable
from workflows.calls import MAIN_QUEUE
from workflows.data.case_file import CaseFile
from workflows.data.common import Record
from workflows.data.decision import DecisionRecord
from workflows.data.scheduled import SCHEDULED_RUN, ScheduledOrder
from workflows.rules.dd.decision import REVIEW_YEARS

DATED = ("opened",)
"""Fields of inputs that hold the day a case was opened."""
OVERLAPS = {
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer": ScheduleOverlapPolicy.BUFFER_ONE,
    "buffer-all": ScheduleOverlapPolicy.BUFFER_ALL,
    "cancel": ScheduleOverlapPolicy.CANCEL_OTHER,
    "allow": ScheduleOverlapPolicy.ALLOW_ALL,
}
LAST_YEAR = 2100
HOUR = 6
"""Of the day (UTC) on which a customer is screened again."""
_TIME = TypeAdapter(timedelta)


@dataclass(frozen=True)
class Times:
    """When to run: `every` a length of time or by `cron` (UTC), and what goes for all runs."""

    every: str = ""
    cron: str = ""
    jitter: str = ""
    until: str = ""
    overlap: str = "skip"
    catch_up: str = "P1D"

    def spec(self) -> ScheduleSpec:
        """Give the times as Temporal takes them. Raises BadInput."""
        if bool(self.every) is bool(self.cron):
            raise BadInput("say when: either --every P1D or --cron '0 2 * * *'")
        every = [ScheduleIntervalSpec(every=length("--every", self.every))] if self.every else []
        return ScheduleSpec(
            intervals=every,
            cron_expressions=[self.cron] if self.cron else [],
            jitter=length("--jitter", self.jitter) if self.jitter else None,
            end_at=_day("--until", self.until) if self.until else None,
        )

    def policy(self) -> SchedulePolicy:
        """Give what happens to runs that meet, and to those missed. Raises BadInput."""
        if self.overlap not in OVERLAPS:
            raise BadInput(f"--overlap {self.overlap!r}: write {', '.join(OVERLAPS)}")
        window = length("--catch-up", self.catch_up)
        return SchedulePolicy(overlap=OVERLAPS[self.overlap], catchup_window=window)


def length(option: str, text: str) -> timedelta:
    """Read a length of time. Raises BadInput."""
    try:
        found = _TIME.validate_python(text)
    except ValidationError:
        found = timedelta(0)
    months = re.match("P[^T]*[MY]", text)  # pydantic takes one for 30 days
    if months or found < timedelta(seconds=1):
        raise BadInput(
            f"{option} {text!r}: write a length of a second or more, as P1D or PT30M; months"
            " have none: use --cron '0 2 1 * *'"
        )
    return found


def _day(option: str, text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.max.time(), UTC)
    except ValueError as error:
        raise BadInput(f"{option} {text!r}: write a day, as 2027-01-31") from error


def order(entry: ProcessEntry, given: Record) -> ScheduledOrder:
    """Say what a schedule starts each time."""
    dated = tuple(name for name in DATED if name in entry.record.model_fields)
    return ScheduledOrder(
        process=entry.name,
        prefix=entry.prefix,
        case=given.model_dump()["case"],
        given=given.model_dump(mode="json"),
        dated=dated,
    )


async def add(
    client: Client,
    name: str,
    what: ScheduledOrder,
    spec: ScheduleSpec,
    policy: SchedulePolicy,
    note: str = "",
    queue: str = MAIN_QUEUE,
) -> ScheduleHandle:
    """Make a schedule. Raises BadInput for a name that is taken, or times the server refuses."""
    action = ScheduleActionStartWorkflow(
        SCHEDULED_RUN,
        what,
        id=f"schedule-{name}",
        task_queue=queue,
        task_timeout=cases.TASK_TIMEOUT,
        static_summary=f"{what.process} of {what.case}",
    )
    schedule = Schedule(action=action, spec=spec, policy=policy, state=ScheduleState(note=note))
    try:
        return await client.create_schedule(name, schedule)
    except ScheduleAlreadyRunningError as error:
        raise BadInput(
            f"there is a schedule {name!r} already; `starter.py schedule remove {name}`, or choose"
            " another name"
        ) from error
    except RPCError as error:
        raise BadInput(f"schedule {name!r}: {error.message}") from error


async def again(client: Client, handle: cases.Handle) -> tuple[ScheduledOrder, ScheduleSpec, date]:
    """Say how the customer of a closed due diligence case is screened again, from which day on.

    The first time is the day its decision names, then by the tier it found. Raises BadInput.
    """
    entry = await cases.entry_of(handle)
    described = await handle.describe()
    if entry.result is not DecisionRecord:
        raise BadInput(f"{handle.id} is a case of {entry.name}; only due diligence has reviews")
    if described.close_time is None:
        raise BadInput(f"{handle.id} is still open; wait for its decision")
    record = await cases.result(handle, DecisionRecord)
    if record.next_review_due is None:
        raise BadInput(f"{handle.id} ended in {record.outcome!r}: there is no customer to review")
    case = await _input(client, handle)
    return (
        order(entry, case),
        yearly(record.next_review_due, REVIEW_YEARS[record.tier]),
        (record.next_review_due),
    )


def yearly(first: date, years: int) -> ScheduleSpec:
    """Give a day every so many years; the 29th of February counts as the 28th."""
    day = 28 if (first.month, first.day) == (2, 29) else first.day
    calendar = ScheduleCalendarSpec(
        year=[ScheduleRange(first.year, LAST_YEAR, years)],
        month=[ScheduleRange(first.month)],
        day_of_month=[ScheduleRange(day)],
        hour=[ScheduleRange(HOUR)],
    )
    return ScheduleSpec(calendars=[calendar])


async def _input(client: Client, handle: cases.Handle) -> CaseFile:
    """Read the case file a case was started with."""
    async for event in handle.fetch_history_events():
        [begun] = await readable([event], client.data_converter)
        given = begun.workflow_execution_started_event_attributes.input.payloads
        [case] = client.data_converter.payload_converter.from_payloads(given, [CaseFile])
        return CaseFile.model_validate(case)
    raise BadInput(f"{handle.id} has no history any more")


async def described(client: Client, name: str) -> tuple[ScheduleHandle, ScheduleDescription]:
    """Find a schedule of ours. Raises BadInput."""
    handle = client.get_schedule_handle(name)
    with known(name):
        found = await handle.describe()
    if getattr(found.schedule.action, "workflow", "") != SCHEDULED_RUN:
        raise BadInput(f"schedule {name!r} starts no case of Braid; leave it to whoever made it")
    return handle, found


@contextmanager
def known(name: str) -> Iterator[None]:
    """Say that a schedule does not exist where the server says so. Raises BadInput."""
    try:
        yield
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise BadInput(
            f"there is no schedule {name!r}; `starter.py schedule list` shows those there are"
        ) from error


async def every(client: Client) -> AsyncIterator[str]:
    """Name the schedules that start cases."""
    async for listed in await client.list_schedules():
        action = listed.schedule.action if listed.schedule else None
        if getattr(action, "workflow", "") == SCHEDULED_RUN:
            yield listed.id


def told(name: str, found: ScheduleDescription) -> dict[str, Any]:
    """Say where a schedule stands, as JSON can: times are UTC."""
    state, info = found.schedule.state, found.info
    return {
        "schedule": name,
        "paused": state.paused,
        "note": state.note or "",
        "next": [f"{at:%Y-%m-%d %H:%M}" for at in info.next_action_times[:3]],
        "runs": [
            {
                "at": f"{run.scheduled_at:%Y-%m-%d %H:%M:%S}",
                "id": getattr(run.action, "workflow_id", ""),
            }
            for run in info.recent_actions
        ],
        "running": [getattr(run, "workflow_id", "") for run in info.running_actions],
        "started": info.num_actions,
        "missed": info.num_actions_missed_catchup_window,
        "skipped": info.num_actions_skipped_overlap,
    }
