"""Days of a case in seconds: run as a process of its own, prints what it saw as one JSON line.

A server with time skipping, in its own process because the SDK's threads now and then abort an
interpreter that ends after it. Cases start with their clock at normal speed, since automatic
skipping would race the simulator; `fast_forward` moves it, and waits while an activity runs.
"""

import asyncio
import json
import re
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.wire import Wire
from cli.blueprints.checking import case_of
from runtime.conversion import DATA_CONVERTER
from runtime.logs import configure
from runtime.processes import leave
from runtime.server import binary
from runtime.settings import ROOT, Settings
from simulator.app import create_app
from simulator.config import SimulatorConfig
from simulator.server import serving
from store.database import Store
from tests.support.signing import signed
from tests.support.world import Handle, World, case_file, example
from worker import deploy, workers
from workflows.data.case_file import CaseFile
from workflows.data.common import BranchState, BranchView, Decision, Verdict
from workflows.data.decision import CaseSoFar
from workflows.data.due_diligence import ReferenceReply
from workflows.data.email_triage import TriageCase
from workflows.data.findings import Check, CheckResult
from workflows.data.report import ReportFiled, ReportOrder
from workflows.data.submission import SubmissionCase
from workflows.data.support import SupportRequest

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BLUEPRINT = ROOT / "blueprints" / "invoice.yaml"
FLAGS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    "history.transferProcessorMaxPollRPS=20000",
    "history.timerProcessorMaxPollRPS=20000",
)


@dataclass
class Days:
    """A world whose cases' clocks can be moved."""

    env: WorkflowEnvironment
    here: World
    others: dict[str, Handle] = field(default_factory=dict)

    async def start(self, case: CaseFile) -> Handle:
        """Start a case whose clock runs as usual until it is moved."""
        with self.env.with_time_skipping_disabled():
            return await self.here.start(case)

    async def later(self, handle: Handle, time: timedelta) -> None:
        """Move a case's clock, which must not end it."""
        assert await self.env.fast_forward(handle, time), "the case ended on the way"

    async def branch(self, handle: Handle, name: str) -> BranchView:
        """Look at a branch."""
        seen = TypeAdapter(list[BranchView]).validate_python(await handle.query("branches"))
        return next(b for b in seen if b.name == name)

    async def chats(self) -> int:
        """Count the messages in the reviewers' channel."""
        return int((await self.here.book())["chats"])


async def references(days: Days) -> dict[str, Any]:
    """Two referees stay silent, one answers at once, one after six days; the deadline is five."""
    case = case_file("unilever")
    mails = {
        "trade-1": "prompt@a.example",
        "trade-2": "silent@b.example",
        "trade-3": "silent@c.example",
        "bank-1": "slow@d.example",
    }
    asked = [r.model_copy(update={"mail": mails[r.party_id]}) for r in case.references.referees]
    plan = case.references.model_copy(update={"referees": tuple(asked)})
    handle = await days.start(case.model_copy(update={"references": plan}))
    await days.here.until(handle, "branches", only_references_left)
    await days.here.until(handle, "cost", lambda c: c["by_branch"].get("references"))
    await days.later(handle, 5 * DAY - HOUR)
    before = await days.branch(handle, Check.REFERENCES)
    open_before = await handle.query("open_gates")
    await days.later(handle, 2 * HOUR)
    gate = await days.here.gate(handle)
    after = await days.branch(handle, Check.REFERENCES)
    check = await reference_check(handle)
    await days.later(handle, DAY)
    late = ReferenceReply(party_id="bank-1", text="They pay within terms.", simulated=True)
    await handle.signal("reference_reply", late)
    await days.here.decide(handle, "approve", "ana")
    record = await days.here.result(handle)
    assert after.started is not None
    assert after.ended is not None
    return {
        "before": before.state,
        "gates_before": len(open_before),
        "after": after.state,
        "days": (after.ended - after.started) / DAY,
        "outcome": check.outcome,
        "gaps": [g.reason for g in check.gaps],
        "evidence": [e.record for e in check.evidence],
        "needs": gate.needs,
        "in_the_record": next(c for c in record.checks if c.check is Check.REFERENCES).outcome,
        "reminders": [m for m in await messages(handle) if "reference" in m[1]],
    }


def only_references_left(branches: Any) -> bool:
    """Say whether nothing else runs any more."""
    running = [b["name"] for b in branches if b["state"] == BranchState.RUNNING]
    return running == [Check.REFERENCES]


async def reference_check(handle: Handle) -> CheckResult:
    """Give the reference check as the case has it."""
    so_far = TypeAdapter(CaseSoFar).validate_python(await handle.query("result_so_far"))
    return next(c for c in so_far.checks if c.check is Check.REFERENCES)


async def review(days: Days) -> dict[str, Any]:
    """Nobody answers the gate: reminders after one day and two, referred after three.

    What ana signed at the opening is found and sent after two days: it expired by the case's clock.
    """
    before = await days.chats()
    handle = await days.start(days.here.keyed(case_file("unilever")))
    gate = await days.here.gate(handle)
    said = Decision(verdict=Verdict.APPROVE, by="ana")
    said = signed(said, days.here.keys["ana"], handle.id, gate.opened, gate.opened)
    seen = []
    for time in (DAY - HOUR, 2 * HOUR, DAY):
        await days.later(handle, time)
        seen.append(await days.chats() - before)
    with suppress(WorkflowUpdateFailedError):
        await handle.execute_update("decide", said)
    open_gates = await handle.query("open_gates")
    ended = not await days.env.fast_forward(handle, 2 * DAY)
    record = await days.here.result(handle)
    return {
        "reminders": seen,
        "open_after_two_days": [len(g["decided"]) for g in open_gates],
        "ended_by_itself": ended,
        "days": (record.decided_at - gate.opened) / DAY,
        "outcome": record.outcome,
        "reasons": [r for r in record.reasons if "REVIEW" in r],
        "reminders_in_all": await days.chats() - before,
    }


NOT_HIM = {
    "disposition": "false_positive",
    "reason": "COUNTRY_CONFLICT",
    "worksheet": {
        "right_list": "yes",
        "same_type": "yes",
        "name_part": "all",
        "enough_identifiers": "yes",
        "several_similarities": "no",
    },
}


def slow_case() -> CaseFile:
    """A case with a possible hit, a silent customer, slow people, an escalation and a deputy."""
    case = case_file("unilever").model_dump()
    case["subject"] |= {"name": "FIRST EAST EXPORT BANK PLC", "contact": "silent@customer.example"}
    case["hits"] = {"deadline": 10 * DAY, "reminder": 3 * DAY}
    case["review"] |= {
        "deadline": 21 * DAY,
        "reminder": 7 * DAY,
        "escalation": [
            {"after": 7 * DAY, "reviewers": [{"name": "zoe", "roles": ["senior", "compliance"]}]}
        ],
        "deputies": {"bo": ["dora"]},
    }
    return CaseFile.model_validate(case)


async def weeks(days: Days) -> dict[str, Any]:
    """Six weeks: a hit nobody looks at, a customer that does not answer, a review half done."""
    handle = await days.start(slow_case())
    hit = await days.here.gate(handle, "hit-")
    before = hit.may_decide
    await days.later(handle, 8 * DAY)
    await days.here.until(handle, "open_gates", lambda gates: "zoe" in gates[0]["may_decide"])
    escalated = await days.here.gate(handle, "hit-")
    await days.here.decide(handle, "supply", "zoe", gate=hit.name, value=NOT_HIM)
    await days.here.gate(handle)
    await days.later(handle, 2 * DAY)
    wanted = {"questions": ["Are you the bank of this name?"], "about": "existence"}
    await days.here.decide(handle, "more", "ana", value=wanted)
    await days.here.until(handle, "status", lambda s: s["phase"] == "information")
    await days.later(handle, 15 * DAY)
    await days.here.gate(handle)
    await days.later(handle, 8 * DAY)
    seat = await days.here.decide(handle, "approve", "dora")
    ended = not await days.env.fast_forward(handle, 30 * DAY)
    record = await days.here.result(handle)
    return {
        "asked_before": before,
        "asked_after": escalated.may_decide,
        "stands_for": seat.stands_for,
        "settled": seat.settled,
        "ended_by_itself": ended,
        "outcome": record.outcome,
        "gaps": [g.reason for c in record.checks for g in c.gaps if "customer" in g.reason],
        "messages": await messages(handle),
        "days": (record.decided_at - hit.opened) / DAY,
    }


async def report(days: Days) -> dict[str, Any]:
    """A report is owed in four days and filed five days late: asked for daily, until it is."""
    before = await days.chats()
    due = (datetime.now(UTC) + 4 * DAY).date()
    order = ReportOrder(case="c", reason="a hit", due=due, people=("mira",), remind_every=2 * DAY)
    with days.env.with_time_skipping_disabled():
        handle: Handle = await days.here.client.start_workflow(
            "compliance-report",
            order,
            id=f"report-{secrets.token_hex(4)}",
            task_queue=days.here.queue,
            task_timeout=timedelta(seconds=5),
        )
    asked = (await days.here.gate(handle, "report")).may_decide
    await days.later(handle, 3 * DAY)
    early = await days.chats() - before
    await days.later(handle, 6 * DAY)
    phase = (await handle.query("status"))["phase"]
    late = await days.chats() - before - early
    said = {"gate": "report", "comment": "reference 123"}
    await days.here.decide(handle, "done", "mira", **said)
    filed = ReportFiled.model_validate(await handle.result())
    return {
        "asked": asked,
        "early": early,
        "phase": phase,
        "late": late,
        "filed": filed.model_dump(mode="json"),
    }


async def others(days: Days) -> dict[str, Handle]:
    """Start a case of each of four more processes; they come to their gates meanwhile."""
    tablets = {"deadline": 17 * DAY, "reminder": 3 * DAY}
    given = {
        "regulatory-submission": example(
            "regulatory-submission/tablets", SubmissionCase, **tablets
        ),
        "blueprint": case_of(BLUEPRINT, [str(ROOT / "cases" / "blueprints" / BLUEPRINT.name)]),
        "support-request": example("support-request/refund", SupportRequest),
        "email-triage": example("email-triage/urgent", TriageCase),
    }
    with days.env.with_time_skipping_disabled():
        return {name: await days.here.begin(name, record) for name, record in given.items()}


async def waiting(days: Days) -> dict[str, Any]:
    """24 days of a submission, five of an invoice, three of a request, hours of a mail."""
    submission, invoice, request, mail = days.others.values()
    told = await asyncio.gather(
        signing(days, submission),
        lapsed(days, invoice, "approve"),
        handed_over(days, request),
        lapsed(days, mail, "answer"),
    )
    ended = dict(zip(("submission", "invoice", "request", "mail"), told, strict=True))
    first, after = ended["submission"].pop("first"), ended["request"].pop("after")
    return {"analysis": {"sent": first}, "handed over": {"sent": after}, **ended}


async def signing(days: Days, submission: Handle) -> dict[str, Any]:
    """The analysis is signed on days five and seven, the writing never."""
    analysis = await days.here.gate(submission, "sign-analysis")
    await days.later(submission, 5 * DAY)
    await days.here.decide(submission, "approve", "tomas", gate=analysis.name)
    await days.later(submission, 2 * DAY)
    first = await sent_since(submission, analysis.opened)
    await days.here.decide(submission, "approve", "yuki", gate=analysis.name)
    return {"first": first, **await lapsed(days, submission, "sign-writing")}


async def handed_over(days: Days, request: Handle) -> dict[str, Any]:
    """Nobody answers in time, so it is handed over; their lead, asked after two days, does it."""
    told = await lapsed(days, request, "answer")
    task = await days.here.gate(request, "handed over")
    await days.later(request, 2 * DAY)
    after = await sent_since(request, task.opened)
    await days.here.decide(request, "done", "mara", gate=task.name)
    return {**told, "after": after, "by": (await request.result())["by"]}


async def lapsed(days: Days, handle: Handle, name: str) -> dict[str, Any]:
    """Let the time of a gate pass; says when it was reminded of, and what became of the case."""
    gate = await days.here.gate(handle, name)
    assert gate.deadline is not None
    ended = not await days.env.fast_forward(handle, gate.deadline - gate.opened + HOUR)
    status = await handle.query("status")
    return {
        "sent": await sent_since(handle, gate.opened),
        "ended": ended,
        "outcome": status["outcome"],
        "open": status["waiting_for"],
    }


async def sent_since(handle: Handle, moment: datetime) -> list[float]:
    """Tell how many seconds after a moment each message to people was sent."""
    history = await handle.fetch_history()
    start = history.events[0].event_time.ToDatetime(UTC)
    times = [(start + day * DAY - moment).total_seconds() for day, _ in await messages(handle)]
    return [time for time in times if time > 0]


async def messages(handle: Handle) -> list[tuple[float, str]]:
    """Tell which mails to the customer and which chats were sent, and on which day of the case."""
    events = (await handle.fetch_history()).events
    sent = []
    for event in events:
        order = event.activity_task_scheduled_event_attributes
        if order.activity_type.name in ("chat_message", "send_mail"):
            said = json.loads(order.input.payloads[0].data)
            passed = event.event_time.ToDatetime() - events[0].event_time.ToDatetime()
            if said["template"] != "reference_enquiry":
                what = re.sub("^hit-[0-9a-f]{8}", "hit", said["template"])
                escalated = "escalated to" in re.sub(r" \(level \d+\)", "", said.get("text", ""))
                sent.append((passed / DAY, f"{what} escalated" if escalated else what))
    return sent


@asynccontextmanager
async def world_of_days(data: Path) -> AsyncIterator[Days]:
    """Make server, simulator and worker; their ends are left to the end of this process."""
    flags = [part for flag in FLAGS for part in ("--dynamic-config-value", flag)]
    env = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(binary()),
        dev_server_extra_args=flags,
        dev_server_log_level="error",
        data_converter=DATA_CONVERTER,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(env.shutdown)
        client: Client = env.client

        async def signal(workflow_id: str, name: str, reply: ReferenceReply) -> None:
            await client.get_workflow_handle(workflow_id).signal(name, reply)

        config = SimulatorConfig(speed=100, error_rate=0, signal_attempts=1)
        app = create_app(config, signal)
        url = await stack.enter_async_context(serving(app))
        pause, smtp = timedelta(milliseconds=10), app.state.smtp
        settings = Settings(data=data, simulator=url, simulator_smtp=smtp, retry_pause=pause)
        settings = replace(settings, source_timeout=30.0, connect_timeout=30.0)  # on a busy machine
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        wire = Wire(settings)
        stack.push_async_callback(wire.close)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        suffix = f"-{secrets.token_hex(4)}"
        deployed = deploy(settings, store, wire, client)
        stack.push_async_callback(deployed.desk.close)
        for one in workers(client, deployed, identity=f"worker{suffix}", suffix=suffix):
            await stack.enter_async_context(one)
        yield Days(env, World(client, store, settings, f"braid{suffix}", http))


STORIES: dict[str, Callable[[Days], Any]] = {
    "references": references,
    "review": review,
    "weeks": weeks,
    "report": report,
    "waiting": waiting,
}


async def main(data: Path, stories: list[str]) -> None:
    """Live through the stories named and print what was seen."""
    async with world_of_days(data) as days:
        if "waiting" in stories:
            days.others = await others(days)
        seen = {name: await STORIES[name](days) for name in stories}
        sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    configure("text")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
    leave(0)
