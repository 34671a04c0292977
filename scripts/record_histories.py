"""Record the histories `tests/replay` replays: real runs against the simulator, never edited.

Of every process, and of the service workflows the patterns lean on.

`.venv/bin/python -m scripts.record_histories [STORY...]` writes them anew, all or some. Until
version 1.0 that is done whenever a process changes its steps, with the reason in the commit; from
1.0 on never again.
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError

from activities.results import ResultActivities
from runtime import server
from runtime.logs import configure
from runtime.processes import leave, stop
from runtime.settings import ROOT
from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file, world
from workflows import calls
from workflows.data.case_file import Party
from workflows.data.chunk import ItemSource, SpreadOrder
from workflows.data.common import Record
from workflows.data.events import Event, TopicAct, TopicMessage, TopicState
from workflows.data.question import RoleQuestion
from workflows.data.report import ReportOrder
from workflows.data.resources import KeeperAct, KeeperMessage, KeeperState, Pool, Request
from workflows.data.sources import LeiQuery
from workflows.data.spread import (
    Item,
    ItemBatch,
    KeptList,
    SpreadRef,
    Tolerance,
)
from workflows.patterns.spread_chunk import work_order

FOLDER = ROOT / "tests" / "replay"
Story = Callable[[World], Awaitable[Handle]]


async def unilever(here: World) -> Handle:
    """A clean company, approved by one person and onboarded."""
    return await decided(here, "unilever", ("approve", "ana"))


async def saderat(here: World) -> Handle:
    """A sanctions hit stops the references; compliance declines."""
    return await decided(here, "bank_saderat", ("decline", "mira"))


async def carbo(here: World) -> Handle:
    """A bankruptcy, declined by two people."""
    return await decided(here, "carbo_ceramics", ("decline", "ana"), ("decline", "bo"))


async def budget(here: World) -> Handle:
    """A budget that pays for no analyst: cheaper roles answer, and the reviewer refers."""
    return await decided(here, "unilever", ("refer", "ana"), models={"budget_usd": "0.0060"})


async def more(here: World) -> Handle:
    """The register is down; asked for more, a second round closes the gap."""
    await here.faults(Fault(service="companies_house", kind=FaultKind.DOWN))
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults()
    await here.decide(handle, "more", "ana")
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    return handle


async def cancel(here: World) -> Handle:
    """Cancelled while the customer is being onboarded: undone in reverse."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    await here.faults(Fault(service="accounts", kind=FaultKind.SLOW, seconds=1, times=2))
    await here.decide(handle, "approve", "ana")
    await here.until(handle, "branches", lambda b: b[-1]["name"] == "onboarding")
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await here.result(handle)
    return handle


async def parties(here: World) -> Handle:
    """An owner and a director are screened beside the checks, by a child workflow each."""
    return await decided(here, "unilever", ("approve", "ana"), parties=NAMED)


async def party(here: World) -> Handle:
    """The screening of that director."""
    case = await parties(here)
    return here.client.get_workflow_handle(f"{case.id}-director-1")


async def keeper(here: World) -> Handle:
    """One licence, asked for twice: the second request has its turn after the first."""
    holder = await here.start(case_file("unilever"))
    await here.gate(holder)
    hour = timedelta(hours=1)
    pool = Pool(name="licences", amounts={"licence": 1}, longest=hour)

    def message(act: KeeperAct, request: str) -> KeeperMessage:
        wants = {"licence": 1}
        asked = Request(id=request, holder=holder.id, wants=wants, lease=hour, at_most=hour)
        return KeeperMessage(pool=pool, act=act, request=asked)

    handle = await serve(here, "keeper", KeeperState(pool=pool))
    for act, request in (("request", "r1"), ("request", "r2"), ("release", "r1")):
        await handle.signal("message", message(KeeperAct(act), request))
    await here.until(handle, "state", lambda s: s["counts"]["granted"] == 2)
    await handle.signal("message", message(KeeperAct.RELEASE, "r2"))
    await here.until(handle, "state", lambda s: s["counts"]["released"] == 2)
    return handle


async def topic(here: World) -> Handle:
    """An event published twice reaches its subscriber once."""
    listener = await here.start(case_file("unilever"))
    await here.gate(listener)
    handle = await serve(here, "topic", TopicState(topic="rates"))
    news = Event(name="rate.changed", id="1", sender="desk", body={"rate": 3})
    subscribe = TopicMessage(topic="rates", act=TopicAct.SUBSCRIBE, who=listener.id)
    publish = TopicMessage(topic="rates", act=TopicAct.PUBLISH, event=news)
    for message in (subscribe, publish, publish):
        await handle.signal("message", message)
    await here.until(handle, "state", lambda s: s["delivered"] == 1 and s["duplicates"] == 1)
    return handle


async def spread(here: World) -> Handle:
    """Three look-ups in chunks of two, one of them for a number whose check digits are wrong."""
    numbers = (*CASE_LEIS, "549300MKFYEKVRWML318")
    items = tuple(
        Item(key=f"lei-{n}", request=LeiQuery(lei=lei).model_dump(mode="json"))
        for n, lei in enumerate(numbers)
    )
    results = ResultActivities(here.store)
    await results.keep_items(ItemBatch(scope="story", list="leis", first=0, items=items))
    kept = KeptList(scope="story", list="leis", total=len(items))
    order = SpreadOrder(
        ref=SpreadRef(scope="story", spread="leis"),
        work=work_order(calls.LEI),
        source=ItemSource(page=work_order(calls.KEPT_ITEMS), about=kept.model_dump()),
        window=2,
        chunk=2,
        tolerance=Tolerance(count=1),
    )
    handle = await serve(here, "spread", order)
    await handle.result()
    return handle


async def spread_chunk(here: World) -> Handle:
    """The first chunk of that spread."""
    parent = await spread(here)
    return here.client.get_workflow_handle(f"{parent.id}.1")


async def ask(here: World) -> Handle:
    """A question whose first model is out of quota: the role's second answers."""
    await here.faults(Fault(service="gemini", kind=FaultKind.QUOTA))
    asked = RoleQuestion(role="triage", question="Which country is UNILEVER PLC of?")
    handle = await serve(here, "ask", asked)
    await handle.result()
    return handle


async def report(here: World) -> Handle:
    """A report owed to an authority, filed in time."""
    due = datetime.now(UTC).date() + timedelta(days=10)
    day = timedelta(days=1)
    order = ReportOrder(
        case="saderat", reason="a confirmed hit", due=due, people=("mira",), remind_every=day
    )
    handle = await serve(here, "compliance-report", order)
    await here.gate(handle, "report")
    await here.decide(handle, "done", "mira", gate="report")
    await handle.result()
    return handle


CASE_LEIS = ("549300MKFYEKVRWML317", "2138008KTNTDICZU8L25")
NAMED = (
    Party(party_id="owner-1", kind="Company", name="Wharfside Holdings Ltd", role="owner"),
    Party(party_id="director-1", kind="Person", name="Maren Oxley", role="director"),
)
STORIES: tuple[Story, ...] = (unilever, saderat, carbo, budget, more, parties, cancel)
SERVICES: tuple[Story, ...] = (party, keeper, topic, spread, spread_chunk, ask, report)


async def serve(here: World, service: str, given: Record) -> Handle:
    """Start a service workflow as a case is started, under the id it is replayed with."""
    handle: Handle = await here.client.start_workflow(
        service, given, id=f"{service}-story", task_queue=here.queue
    )
    here.started.append(handle)
    return handle


async def decided(here: World, name: str, *decisions: tuple[str, str], **changes: Any) -> Handle:
    """Run a case of `cases/`, with top-level fields changed, to its end."""
    handle = await here.start(case_file(name, **changes))
    await here.gate(handle)
    for verdict, by in decisions:
        await here.decide(handle, verdict, by)
    await here.result(handle)
    return handle


async def record(story: Story, address: str, data: Path) -> None:
    """Live through a story in a world of its own, and write its history down."""
    async with world(address, data) as here:
        handle = await story(here)
        history = json.loads((await handle.fetch_history()).to_json())
    process = "service" if story in SERVICES else "due_diligence"
    file = FOLDER / f"{process}_{story.__name__}.json"
    events = [json.dumps(without_places(e), ensure_ascii=False) for e in history["events"]]
    lines = ",\n".join(events)  # an event per line: short, and a diff shows what moved
    file.write_text(f'{{"events": [\n{lines}\n]}}\n', encoding="utf-8")
    sys.stderr.write(f"{file.name}: {len(history['events'])} events\n")


def without_places(value: Any) -> Any:
    """Leave out stack traces: they tell of folders on this machine, and replay ignores them."""
    if isinstance(value, dict):
        return {k: without_places(v) for k, v in value.items() if k != "stackTrace"}
    if isinstance(value, list):
        return [without_places(v) for v in value]
    return value


async def main(names: Sequence[str]) -> None:
    """Record the named stories, or all, on a server of their own."""
    stories = [s for s in (*STORIES, *SERVICES) if not names or s.__name__ in names]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ports = server.Ports.choose(data / "ports.json")
        process = await server.start(data, ports)
        try:
            await server.until_ready(process, ports, data)
            for story in stories:
                await record(story, f"127.0.0.1:{ports.grpc}", data / story.__name__)
        finally:
            await stop(process, 5, hard=True)


if __name__ == "__main__":
    configure("text", level=logging.CRITICAL)  # the faults of the stories are no news
    asyncio.run(main(sys.argv[1:]))
    leave(0)
