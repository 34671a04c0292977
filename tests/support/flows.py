"""A worker for test workflows (`tests/flows`): the product's sandbox, interceptor and converter."""

import importlib
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError
from temporalio.worker import Replayer, Worker

from activities.bulk import BulkActivities
from activities.doors import door
from activities.steps import StepActivities
from deployed import BraidInterceptor, runner
from runtime.cached import only_recorded
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from runtime.deadlocks import patient
from runtime.documents import converter, kept_at, kept_in
from runtime.processes import spawn, stop
from runtime.release import release
from runtime.settings import Settings
from runtime.spare import WAITS, Spare
from store.database import Store
from workflows.calls import MAIN_QUEUE, RUN_BULK, RUN_STEP, Call
from workflows.data.metrics import GateNote
from workflows.grades import Step

PATIENCE = 120
"""Seconds that what must happen may take: the machine may be ten times slower than ours."""
BUILD = "flows"
"""Named, or else the SDK reads the code of every module there is: a third of a second."""
Handle: TypeAlias = WorkflowHandle[Any, Any]
Answers: TypeAlias = Mapping[Call[Any, Any], Callable[[Any], Awaitable[Any]]]


def lasting(history: WorkflowHistory) -> int:
    """Count the events a history has whoever takes its tasks: those nobody took in time add some.

    A worker that is busy for a second lets a task of its own queue go to the common one.
    """
    late = (e.workflow_task_timed_out_event_attributes for e in history.events)
    extra = (2 + bool(one.started_event_id) for one in late if one.scheduled_event_id)
    return len(history.events) - sum(extra)


@dataclass
class Flows:
    """A client and a queue of one's own on which `workflows` are served."""

    client: Client
    queue: str
    workflows: Sequence[type]
    started: list[Handle] = field(default_factory=list)

    async def start(self, workflow: Any, *args: Any, **options: Any) -> Handle:
        """Start a test workflow (class, run method or name) under an id of its own."""
        options.setdefault("id", f"flow-{secrets.token_hex(6)}")
        options.setdefault("task_timeout", timedelta(seconds=5))
        handle: Handle = await self.client.start_workflow(
            getattr(workflow, "run", workflow),
            args=args,
            task_queue=self.queue,
            **options,
        )
        self.started.append(handle)
        return handle

    async def run(self, workflow: Any, *args: Any, **options: Any) -> Any:
        """Start a test workflow and give its result; its history must replay."""
        handle = await self.start(workflow, *args, **options)
        result = await handle.result()
        await self.replayed(handle)
        return result

    async def replayed(self, handle: Handle) -> None:
        """Replay the history so far against the same code. Raises NondeterminismError."""
        replayer = Replayer(
            workflows=self.workflows,
            workflow_runner=runner(),
            interceptors=[BraidInterceptor("replay")],
            data_converter=self.client.data_converter,
            build_id=BUILD,
        )
        await replayer.replay_workflow(await handle.fetch_history())

    async def end_all(self) -> None:
        """Terminate what a test left running, so that no worker is needed for it again."""
        for handle in self.started:
            with suppress(RPCError):  # it has closed
                await handle.terminate("test over")


def flow_worker(
    client: Client,
    queue: str,
    identity: str,
    workflows: Sequence[type],
    answers: Answers | None = None,
    steps: Sequence[Step[Any, Any]] = (),
    store: Store | None = None,
    at_once: int | None = None,
    noting: Callable[[GateNote], None] | None = None,
    records: Sequence[str] = (),
    sticky: timedelta = timedelta(seconds=1),
) -> Worker:
    """Make a worker as the product's; steps that run fused need a store for their answers.

    `at_once` is how many activities it takes at a time, the SDK's default without it; `records`
    names modules that are passed through, as `workflows.data` is.
    """
    calls = {call: answer for call, answer in (answers or {}).items()}
    if store is not None:
        inside = {call.name: answer for call, answer in calls.items()}
        known = StepActivities(store, steps, inside)
        calls[RUN_STEP] = known.run_step
        calls[RUN_BULK] = BulkActivities(known, store, client).run_bulk
    made = Worker(
        client,
        task_queue=queue,
        workflows=workflows,
        activities=[door(call, answer) for call, answer in calls.items()],
        workflow_runner=runner(*records),
        interceptors=[BraidInterceptor(identity, noting)],
        identity=identity,
        max_concurrent_activities=at_once,
        sticky_queue_schedule_to_start_timeout=sticky,
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=1),
        build_id=BUILD,
    )
    return only_recorded(patient(made))


@asynccontextmanager
async def flowing(
    address: str,
    workflows: Sequence[type],
    answers: Answers | None = None,
    *,
    steps: Sequence[Step[Any, Any]] = (),
    data: Path | None = None,
    at_once: int | None = None,
    noting: Callable[[GateNote], None] | None = None,
    records: Sequence[str] = (),
) -> AsyncIterator[Flows]:
    """Serve test workflows; `answers` pairs each Call they use with an async function.

    The Calls of one worker are answered on its one queue: a test Call has no queue of its own.
    With a folder for `data` (a test's tmp_path), `steps` may run fused. `noting` hears of gates.
    """
    suffix = f"-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        store, large = None, DATA_CONVERTER
        if data is not None:
            store = await Store.open(Settings(data=data).database)
            stack.push_async_callback(store.close)
            large = converter(kept_in(store))
        client = await connect_to(address, f"client{suffix}", converter=large)
        queue, identity = MAIN_QUEUE + suffix, f"worker{suffix}"
        given = (workflows, answers, steps, store, at_once, noting, records)
        worker = flow_worker(client, queue, identity, *given)
        await stack.enter_async_context(worker)
        here = Flows(client, queue, workflows)
        stack.push_async_callback(here.end_all)
        yield here


@dataclass
class Killable:
    """A worker process of one's own, to be killed and started again; serves one world module.

    The module gives WORKFLOWS, STEPS and `answers(log: Path) -> Answers`, which writes a line to
    `log` for whatever it does, so that a test can count over all processes. Its OPTIONS, if any,
    are those of `flow_worker`.
    """

    flows: Flows
    address: str
    world: str
    data: Path
    process: Process | None = None
    number: int = 0
    spare: Spare | None = None

    @property
    def identity(self) -> str:
        """The identity of the worker process that runs now or ran last."""
        return f"{self.flows.queue}-{self.number}"

    @property
    def log(self) -> Path:
        """Where the answers write what they do."""
        return self.data / "done.log"

    def lines(self) -> list[str]:
        """Give what was written by now."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    async def start(self) -> None:
        """Start a worker process; it is serving when it takes its first task."""
        self.number += 1
        waiting = self.spare.take(self.identity) if self.spare else None
        self.process = waiting or await self._begun(self.identity)

    async def prepare(self) -> None:
        """Have the next worker process wait, loaded."""
        self.spare = self.spare or Spare(lambda: self._begun(WAITS, stdin=PIPE))
        await self.spare.prepare()

    async def _begun(self, identity: str, stdin: int = DEVNULL) -> Process:
        command = [sys.executable, "-m", "tests.support.flow_process", self.address]
        command += [self.flows.queue, identity, self.world, str(self.data)]
        return await spawn(command, log=self.data / "worker.log", stdin=stdin)

    async def kill(self, *, released: bool = True) -> None:
        """SIGKILL it, reap it, and release what it held, as the supervisor does."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()
        if released:
            await release(self.flows.client, self.identity)


@asynccontextmanager
async def killable(address: str, world: str, data: Path) -> AsyncIterator[Killable]:
    """Serve the workflows of a world module by a process that may be killed."""
    queue = f"{MAIN_QUEUE}-{secrets.token_hex(4)}"
    large = converter(kept_at(Settings(data=data).database))
    client = await connect_to(address, f"client-{queue}", converter=large)
    flows = Flows(client, queue, importlib.import_module(world).WORKFLOWS)
    made = Killable(flows, address, world, data)
    await made.start()
    try:
        yield made
    finally:
        await flows.end_all()
        if made.process is not None:
            await stop(made.process, 5, hard=True)
        if made.spare is not None:
            await made.spare.end()
