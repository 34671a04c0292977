"""A worker for test workflows (`tests/flows`): the product's sandbox, interceptor and converter."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Replayer, Worker

from activities.doors import door
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from worker import BraidInterceptor, runner
from workflows.calls import MAIN_QUEUE, Call

Handle: TypeAlias = WorkflowHandle[Any, Any]
Answers: TypeAlias = Mapping[Call[Any, Any], Callable[[Any], Awaitable[Any]]]


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
        handle: Handle = await self.client.start_workflow(
            getattr(workflow, "run", workflow),
            args=args,
            task_queue=self.queue,
            task_timeout=timedelta(seconds=5),
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
            data_converter=DATA_CONVERTER,
        )
        await replayer.replay_workflow(await handle.fetch_history())


@asynccontextmanager
async def flowing(
    address: str, workflows: Sequence[type], answers: Answers | None = None
) -> AsyncIterator[Flows]:
    """Serve test workflows; `answers` pairs each Call they use with an async function.

    The Calls of one worker are answered on its one queue: a test Call has no queue of its own.
    """
    suffix = f"-{secrets.token_hex(4)}"
    client = await connect_to(address, f"client{suffix}")
    identity = f"worker{suffix}"
    worker = Worker(
        client,
        task_queue=MAIN_QUEUE + suffix,
        workflows=workflows,
        activities=[door(call, answer) for call, answer in (answers or {}).items()],
        workflow_runner=runner(),
        interceptors=[BraidInterceptor(identity)],
        identity=identity,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(seconds=1),
        graceful_shutdown_timeout=timedelta(seconds=1),
    )
    async with worker:
        here = Flows(client, MAIN_QUEUE + suffix, workflows)
        try:
            yield here
        finally:
            for handle in here.started:
                try:
                    await handle.terminate("test over")
                except RPCError:
                    continue  # it has closed
