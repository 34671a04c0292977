"""Recurring runs: Temporal schedules that start cases, made, shown, paused and removed."""

import asyncio
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
    ScheduleDescription,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.service import RPCError, RPCStatusCode

from cli import cases
from cli.errors import BadInput
from cli.processes import ProcessEntry
from runtime.documents import readable
from runtime.recurring import NotChanged, made_sure, yearly
from workflows.calls import MAIN_QUEUE
from workflows.data.case_file import CaseFile
from workflows.data.common import Record
from workflows.data.decision import DecisionRecord
from workflows.data.scheduled import LAST, SCHEDULED_RUN, ReviewDays, ScheduledOrder
from workflows.rules.dd.decision import review_days

DATED = ("opened",)
"""Fields of inputs that hold the day a case was opened."""
OVERLAPS = {
    "skip": ScheduleOverlapPolicy.SKIP,
    "buffer": ScheduleOverlapPolicy.BUFFER_ONE,
    "buffer-all": ScheduleOverlapPolicy.BUFFER_ALL,
    "cancel": ScheduleOverlapPolicy.CANCEL_OTHER,
    "allow": ScheduleOverlapPolicy.ALLOW_ALL,
}
CHECKS = 300
"""Looks, a tenth of a second apart, for the run that was asked for."""
SHORTEST_CATCH_UP = timedelta(seconds=10)
"""The service takes a shorter one for this."""
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
        window = length("--catch-up", self.catch_up, SHORTEST_CATCH_UP)
        return SchedulePolicy(overlap=OVERLAPS[self.overlap], catchup_window=window)


def length(option: str, text: str, least: timedelta = timedelta(seconds=1)) -> timedelta:
    """Read a length of time. Raises BadInput."""
    try:
        found = _TIME.validate_python(text)
    except ValidationError:
        found = timedelta(0)
    months = re.match("P[^T]*[MY]", text)  # pydantic takes one for 30 days
    if months or found < least:
        raise BadInput(
            f"{option} {text!r}: write a length of {least.seconds} s or more, as P1D or PT30M; "
            "months have none: use --cron '0 2 1 * *'"
        )
    return found


def _day(option: str, text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), datetime.max.time(), UTC)
    except ValueError as error:
        raise BadInput(f"{option} {text!r}: write a day, as 2027-01-31") from error


def order(entry: ProcessEntry, given: Record, service: str = "") -> ScheduledOrder:
    """Say what a schedule starts each time; `service` is the one whose promotions hold."""
    dated = tuple(name for name in DATED if name in entry.record.model_fields)
    return ScheduledOrder(
        process=entry.name,
        prefix=entry.prefix,
        case=given.model_dump()["case"],
        given=given.model_dump(mode="json"),
        dated=dated,
        goes_on=LAST in entry.record.model_fields,
        service=service,
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
    if what.goes_on and policy.overlap is ScheduleOverlapPolicy.ALLOW_ALL:
        raise BadInput(
            f"--overlap allow: a run of {what.process} goes on where the last one ended, so it must"
            f" wait for it; write {', '.join(word for word in OVERLAPS if word != 'allow')}"
        )
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
        five = "; --cron has minute, hour, day of month, month and day of week, as '0 2 * * 1-5'"
        mend = five if spec.cron_expressions else ""
        raise BadInput(f"schedule {name!r}: {error.message}{mend}") from error


@dataclass(frozen=True)
class Review:
    """How a customer is screened again: what is started, when, and the days in words."""

    what: ScheduledOrder
    spec: ScheduleSpec
    days: ReviewDays


async def again(client: Client, handle: cases.Handle, name: str = "", service: str = "") -> Review:
    """Say how the customer of a closed due diligence case is screened again, by which schedule.

    The first time is the day its decision names; each run sets the next by the tier it found.
    Raises BadInput.
    """
    entry = await cases.entry_of(handle)
    described = await handle.describe()
    if entry.result is not DecisionRecord:
        raise BadInput(f"{handle.id} is a case of {entry.name}; only due diligence has reviews")
    if described.close_time is None:
        raise BadInput(f"{handle.id} is still open; wait for its decision")
    record = await cases.result(handle, DecisionRecord)
    what = order(entry, await _input(client, handle), service)
    name = name or f"rescreen-{what.case}"
    days = review_days(name, handle.id, record.tier, record.next_review_due)
    if days is None:
        raise BadInput(f"{handle.id} ended in {record.outcome!r}: there is no customer to review")
    return Review(what.model_copy(update={"review": name}), yearly(days.first, days.years), days)


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


async def rest(handle: ScheduleHandle, note: str, *, rests: bool) -> None:
    """Pause a schedule, or end its pause, and say why. Raises BadInput."""
    change = handle.pause if rests else handle.unpause

    def stands(now: ScheduleDescription) -> bool:
        return (now.schedule.state.paused, now.schedule.state.note) == (rests, note)

    try:
        await made_sure(handle, lambda: change(note=note), stands)
    except NotChanged as error:
        raise BadInput(f"{error}; somebody else changes it as well") from error


async def run_now(handle: ScheduleHandle) -> None:
    """Start a run besides the times. Raises BadInput if none came of it.

    It is asked for once: a second message may start a second run.
    """
    before = _begun(await handle.describe())
    await handle.trigger()
    for _ in range(CHECKS):
        if _begun(await handle.describe()) != before:
            return
        await asyncio.sleep(0.1)
    raise BadInput(
        f"schedule {handle.id!r} was asked for a run and started none: another change came at the"
        f" same moment, and the server keeps one; look with `starter.py schedule show {handle.id}`,"
        " and ask again"
    )


def _begun(found: ScheduleDescription) -> tuple[int, int, int]:
    """Count the runs that were started, left out and that wait for their turn."""
    info = found.raw_description.info
    return info.action_count, info.overlap_skipped, info.buffer_size


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
