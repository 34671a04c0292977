"""A small world for real tests: embedded server, simulator over HTTP, worker, own queue."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError

from activities.wire import Wire
from cli.cases import UNANSWERED
from cli.inputs import read
from runtime.connection import connect_to
from runtime.documents import converter, kept_in
from runtime.settings import ROOT, Settings
from simulator.app import create_app
from simulator.config import Fault, SimulatorConfig
from simulator.server import serving
from store.database import Store
from tests.support.signing import new_keys, public, signed
from worker import deploy, workers
from workflows.data.case_file import CaseFile
from workflows.data.case_policy import ReferencePlan
from workflows.data.common import Decision, DecisionAnswer, GateView, Record
from workflows.data.deciders import Keyed
from workflows.data.decision import DecisionRecord
from workflows.data.due_diligence import ReferenceReply

Handle = WorkflowHandle[Any, Any]
R = TypeVar("R", bound=Record)
K = TypeVar("K", bound=Keyed)
SPEED = 100.0
PATIENCE = 180.0
"""Seconds in which a case answers, however slow the machine, unless it is stuck."""
SEED = 7


def example(file: str, record: type[R], **changes: Any) -> R:
    """Read an input of `cases/`, as `email-triage/urgent`, with top-level fields changed."""
    given = read(ROOT / "cases" / f"{file}.yaml", record)
    return record.model_validate({**given.model_dump(), **changes})


def case_file(name: str, **changes: Any) -> CaseFile:
    """Read a due diligence case of `cases/`, with top-level fields changed."""
    return example(name, CaseFile, **changes)


def silent(case: CaseFile) -> CaseFile:
    """Give the case with referees who answer nothing by themselves."""
    plan = case.references.model_dump()
    for referee in plan["referees"]:
        referee["mail"] = f"silent@{referee['party_id']}.example"
    return case.model_copy(update={"references": ReferencePlan.model_validate(plan)})


@dataclass
class World:
    """What a test holds: a client, the store, the simulator's address, and its queue."""

    client: Client
    store: Store
    settings: Settings
    queue: str
    http: httpx.AsyncClient
    started: list[Handle] = field(default_factory=list)
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    """Private keys by name, where a test has people sign."""

    def keyed(self, given: K) -> K:
        """Give an input that names keys of its people: from now on `decide` signs for them."""
        self.keys = new_keys(*given.deciders()) | self.keys
        return given.model_validate({**given.model_dump(), "keys": public(self.keys)})

    async def start(self, case: CaseFile) -> Handle:
        """Start a due diligence case on this world's queue."""
        name = f"dd-{case.case}-{secrets.token_hex(4)}"
        return await self.begin("due-diligence", case, id=name)

    async def begin(self, process: str, given: Record, **options: Any) -> Handle:
        """Start a case of any process on this world's queue, with options of the SDK's own."""
        options.setdefault("id", f"{process}-{secrets.token_hex(4)}")
        handle: Handle = await self.client.start_workflow(
            process, given, task_queue=self.queue, task_timeout=timedelta(seconds=5), **options
        )
        self.started.append(handle)
        return handle

    async def done(self, handle: Handle, record: type[R]) -> R:
        """Wait for the end of a case, and give what it ended with."""
        return record.model_validate(await handle.result())

    async def until(self, handle: Handle, query: str, ready: Callable[[Any], bool]) -> Any:
        """Wait, event by event, until a query's answer satisfies `ready`."""
        while True:
            # The length first: what happens after it was read wakes the wait below.
            described = await handle.describe()
            answer = await self.asked(handle, query)
            if ready(answer):
                return answer
            assert described.close_time is None, f"closed while {query} was {answer}"
            await self.next_event(handle, described.history_length)

    async def asked(self, handle: Handle, query: str) -> Any:
        """Ask a query, again while nobody answers: a worker that was killed is away for a while,
        and its task begins anew when its time is over. Of a stuck case it is raised.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            try:
                return await handle.query(query)
            except RPCError as error:
                if error.status not in UNANSWERED or loop.time() > end:
                    raise
            await asyncio.sleep(0.05)

    async def next_event(self, handle: Handle, seen: int) -> None:
        """Wait until the history has more than `seen` events."""
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.event_id > seen:
                return

    async def gate(self, handle: Handle, name: str = "review") -> GateView:
        """Wait for the open gate whose name begins with `name`."""

        def those(gates: Any) -> list[Any]:
            return [g for g in gates if g["name"].startswith(name)]

        gates = await self.until(handle, "open_gates", lambda gates: bool(those(gates)))
        return GateView.model_validate(those(gates)[0])

    async def decide(self, handle: Handle, verdict: str, by: str, **more: Any) -> DecisionAnswer:
        """Decide by update; where the gate takes signed decisions only, an unsigned one first."""
        said = Decision.model_validate({"verdict": verdict, "by": by, **more})
        view = await self.gate(handle, said.gate) if by in self.keys else None
        if view is not None and view.signed:
            with pytest.raises(WorkflowUpdateFailedError) as caught:
                await handle.execute_update("decide", said)
            assert "signed decisions only" in str(caught.value.cause)
            said = signed(said, self.keys[by], handle.id, view.opened, datetime.now(UTC))
        return DecisionAnswer.model_validate(await handle.execute_update("decide", said))

    async def result(self, handle: Handle) -> DecisionRecord:
        """Wait for the decision record."""
        return DecisionRecord.model_validate(await handle.result())

    async def settled(self, case: CaseFile, *decisions: tuple[str, str]) -> DecisionRecord:
        """Run a case to its end; the decisions are given in order when its gate opens."""
        handle = await self.start(case)
        await self.gate(handle)
        for verdict, by in decisions:
            await self.decide(handle, verdict, by)
        return await self.result(handle)

    async def faults(self, *faults: Fault) -> None:
        """Set the simulator's faults."""
        given = [f.model_dump(mode="json") for f in faults]
        (await self.http.put("/_simulator/faults", json=given)).raise_for_status()

    async def book(self) -> dict[str, Any]:
        """Read the simulator's book: what was billed, performed and mailed."""
        book: dict[str, Any] = (await self.http.get("/_simulator/book")).json()
        return book


@asynccontextmanager
async def world(
    address: str,
    data: Path,
    *,
    config: SimulatorConfig | None = None,
    catalogue: Path = ROOT / "llm.toml",
    source_timeout: float = 30.0,
    served: bool = True,
    database: str = "",
) -> AsyncIterator[World]:
    """Make a world on a running server: its own simulator, store, queue and, if `served`, worker.

    The store is a file in `data`, or the `database` of this address.
    A mail that takes longer than `source_timeout` stays unclear, and its case waits for days.
    """
    suffix = f"-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        store = await Store.open(Settings(data=data, store=database).database)
        stack.push_async_callback(store.close)
        large = converter(kept_in(store))
        client = await connect_to(address, f"client{suffix}", converter=large)

        async def signal(workflow_id: str, name: str, reply: ReferenceReply) -> None:
            await client.get_workflow_handle(workflow_id).signal(name, reply)

        chosen = config or SimulatorConfig(seed=SEED, speed=SPEED, error_rate=0, signal_attempts=1)
        app = create_app(chosen, signal)
        url = await stack.enter_async_context(serving(app))
        settings = Settings(
            data=data,
            store=database,
            simulator=url,
            simulator_smtp=app.state.smtp,
            catalogue=catalogue,
            connect_timeout=source_timeout,
            source_timeout=source_timeout,
            model_timeout=60.0,
            retry_pause=timedelta(milliseconds=10),
            breaker_pause=timedelta(milliseconds=200),
        )
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        if served:
            await stack.enter_async_context(serving_worker(settings, store, client, suffix))
        here = World(client, store, settings, f"braid{suffix}", http)
        stack.push_async_callback(_end_all, here)
        yield here


@asynccontextmanager
async def serving_worker(
    settings: Settings, store: Store, client: Client, suffix: str
) -> AsyncIterator[None]:
    """Serve the queues of a world in this process."""
    async with AsyncExitStack() as stack:
        wire = Wire(settings)
        stack.push_async_callback(wire.close)
        deployed = deploy(settings, store, wire, client)
        stack.push_async_callback(deployed.desk.close)
        for one in workers(client, deployed, identity=f"worker{suffix}", suffix=suffix):
            await stack.enter_async_context(one)
        yield


async def _end_all(here: World) -> None:
    """Terminate what a test left running, so that no worker is needed for it again."""
    for handle in here.started:
        try:
            await handle.terminate("test over")
        except RPCError:
            continue  # it has closed
