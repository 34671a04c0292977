"""Stories of the service workflows that patterns and cases lean on."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from activities.results import ResultActivities
from scripts.stories import due_diligence
from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, case_file
from workflows import calls
from workflows.data.announce import Announcement, CloudEvent, Happening, Told
from workflows.data.case_batch import BatchInputs, CaseBatch, Raise
from workflows.data.chunk import ItemSource, SpreadOrder
from workflows.data.common import Record
from workflows.data.events import Event, TopicAct, TopicMessage, TopicState
from workflows.data.question import RoleQuestion, RoleReply
from workflows.data.report import ReportOrder
from workflows.data.resources import KeeperAct, KeeperMessage, KeeperState, Pool, Request
from workflows.data.scheduled import SCHEDULED_RUN, ScheduledOrder
from workflows.data.sources import LeiQuery
from workflows.data.spread import Item, ItemBatch, KeptList, SpreadRef, Tolerance
from workflows.patterns.spread_work import Child, work_order

CASE_LEIS = ("549300MKFYEKVRWML317", "2138008KTNTDICZU8L25")


async def party(here: World) -> Handle:
    """The screening of that director."""
    case = await due_diligence.parties(here)
    return here.client.get_workflow_handle(f"{case.id}-director-1")


async def scheduled(here: World) -> Handle:
    """A recurring run makes the case file of its day and sees the case through.

    The schedule whose days it would set was removed while the case was open.
    """
    given = case_file("unilever")
    order = ScheduledOrder(
        process="due-diligence",
        prefix="dd",
        case=given.case,
        given=given.model_dump(mode="json"),
        dated=("opened",),
        review="rescreen-story",
    )
    run = await here.begin(SCHEDULED_RUN, order, id="schedule-nightly-story")
    case = here.client.get_workflow_handle(await started_child(run))
    await here.gate(case)
    await here.decide(case, "approve", "ana")
    await run.result()
    return run


async def started_child(run: Handle) -> str:
    """Wait for the case a recurring run starts."""
    async for event in run.fetch_history_events(wait_new_event=True):
        started = event.child_workflow_execution_started_event_attributes
        if started.workflow_execution.workflow_id:
            return str(started.workflow_execution.workflow_id)
    raise AssertionError("the run ended without a case")


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
    items = {f"lei-{n}": LeiQuery(lei=lei) for n, lei in enumerate(numbers)}
    order = SpreadOrder(
        ref=SpreadRef(scope="story", spread="leis"),
        work=work_order(calls.LEI),
        source=await kept(here, items),
        window=2,
        chunk=2,
        tolerance=Tolerance(count=1),
    )
    handle = await serve(here, "spread", order)
    await handle.result()
    return handle


async def kept(here: World, items: Mapping[str, Record]) -> ItemSource:
    """Keep items for the chunks to read."""
    given = tuple(Item(key=k, request=r.model_dump(mode="json")) for k, r in items.items())
    batch = ItemBatch(scope="story", list="items", first=0, items=given)
    await ResultActivities(here.store).keep_items(batch)
    about = KeptList(scope="story", list="items", total=len(given)).model_dump()
    return ItemSource(page=work_order(calls.KEPT_ITEMS), about=about)


async def batch(here: World) -> Handle:
    """Two questions, each a case of its own, paid from one budget that is raised."""
    items = {
        f"q-{n}": RoleQuestion(role="triage", question="Which country is UNILEVER PLC of?")
        for n in range(2)
    }
    given = CaseBatch(
        process="ask",
        work=work_order(Child("ask", RoleQuestion, RoleReply)),
        inputs=BatchInputs(name="questions.jsonl", sha256="0" * 64, taken=2),
        source=await kept(here, items),
        ref=SpreadRef(scope="story", spread="cases"),
        window=1,
        chunk=1,
        tolerance=Tolerance(count=0),
        usd=Decimal("0.10"),
    )
    handle = await serve(here, "batch", given)
    await handle.signal("raise_budget", Raise(usd=Decimal("0.20")))
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


async def announce(here: World) -> Handle:
    """An event for an endpoint that was away at first."""
    await here.faults(Fault(service="endpoints", kind=FaultKind.DOWN, times=2))
    event = CloudEvent(
        id="of-1/braid.case.completed/1",
        type=Happening.COMPLETED,
        subject="of-1",
        time=datetime(2026, 11, 27, tzinfo=UTC),
        data=Told(process="order-fulfilment", outcome="fulfilled"),
    )
    handle = await serve(here, "announce", Announcement(endpoint="crm", event=event))
    await handle.result()
    return handle


async def serve(here: World, service: str, given: Record) -> Handle:
    """Start a service workflow as a case is started, under the id it is replayed with."""
    handle: Handle = await here.client.start_workflow(
        service, given, id=f"{service}-story", task_queue=here.queue
    )
    here.started.append(handle)
    return handle


STORIES = (party, keeper, topic, spread, spread_chunk, batch, ask, report, scheduled, announce)
