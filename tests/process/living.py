"""Living through the examples of all processes, and reading what they left behind."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import pairwise
from typing import Any

from rich.console import Console
from sqlalchemy import func, or_, select
from temporalio import workflow
from temporalio.api.enums.v1 import EventType, ParentClosePolicy
from temporalio.service import RPCError
from temporalio.worker import Replayer

from cli import show
from cli.processes import process
from cli.standing import standing
from deployed import WORKFLOWS, BraidInterceptor, runner
from runtime.processes import spawn, stop
from runtime.release import release
from store.journal import ClaimState
from store.ledger import LedgerState
from store.schema import claims, effects
from tests.process.examples import EXAMPLES, Example
from tests.support.world import Handle, World

WAITS = frozenset({"collect_batch"})
"""Activities that wait for an outside job: they take no turn."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(?:Z|[+]00:00)")
Stretch = tuple[int, int]
"""When an activity was scheduled and when it closed, in nanoseconds."""


@dataclass(frozen=True)
class Ended:
    """A case that was lived through: what it came to, times and its own id taken out.

    `answers` is what its queries say after closing, `shown` how `starter.py status` shows what is
    known, `sent` holds the activities of the case and of the children it waited for.
    """

    result: dict[str, Any]
    cost: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    shown: str = ""
    sent: tuple[Stretch, ...] = ()

    def beside(self) -> int:
        """Count the activities that were under way beside the one scheduled before them."""
        return sum(later[0] < earlier[1] for earlier, later in pairwise(self.sent))


async def all_lived(here: World, **options: Any) -> dict[str, Ended]:
    """Live through all examples at once."""
    ends = await asyncio.gather(*(lived(here, e, **options) for e in EXAMPLES))
    return {e.process: end for e, end in zip(EXAMPLES, ends, strict=True)}


async def lived(here: World, example: Example, *, killed: bool = False, **options: Any) -> Ended:
    """Live through an example to its end; its history must replay.

    Queries are asked afterwards, unless its worker is `killed`: a closed case is queried on the
    queue of the worker that knew it last.
    """
    entry, handle = process(example.process), await begun(here, example, **options)
    await example.people(here, handle)
    result = entry.result.model_validate(await handle.result())
    plain = _timeless(result.model_dump(mode="json"), handle.id)
    ended = Ended({k: v for k, v in plain.items() if k not in example.differs})
    await _replayed(here, handle)
    if killed:
        return ended
    now = await standing(handle, entry)
    shown = StringIO()
    Console(width=200, file=shown).print(show.so_far(now.result_so_far) or "")
    return replace(
        ended,
        cost=now.cost.model_dump(mode="json"),
        answers=now.plain(),
        shown=shown.getvalue(),
        sent=tuple(sorted([s async for s in _sent(here, handle)])),
    )


async def begun(here: World, example: Example, **options: Any) -> Handle:
    """Start an example under an id as `starter.py run` makes it."""
    given = example.given()
    return await here.begin(
        example.process, given, id=process(example.process).new_id(given), **options
    )


def _timeless(value: Any, workflow_id: str) -> dict[str, Any]:
    """Take moments and the case's own id out of a record."""
    text = json.dumps(value).replace(workflow_id, "CASE")
    plain: dict[str, Any] = json.loads(_TIME.sub("TIME", text))
    return plain


async def _replayed(here: World, handle: Handle) -> None:
    """Replay a fresh history against the same code. Raises NondeterminismError."""
    history = await handle.fetch_history()
    begun = history.events[0].workflow_execution_started_event_attributes
    replayer = Replayer(
        # Alone, and of a named build: else all modules are read and all workflows made ready.
        workflows=[w for w in WORKFLOWS if named(w) == begun.workflow_type.name],
        build_id="replay",
        workflow_runner=runner(),
        interceptors=[BraidInterceptor("replay")],
        data_converter=here.client.data_converter,
    )
    await replayer.replay_workflow(history)


def named(process: type) -> str | None:
    """Give the name a workflow is deployed by."""
    return workflow._Definition.must_from_class(process).name


async def _sent(here: World, handle: Handle) -> AsyncIterator[Stretch]:
    """Give the activities of a case and of the children it waits for, run by run."""
    begun: dict[int, tuple[str, int]] = {}
    children: dict[str, None] = {}
    async for event in handle.fetch_history_events():
        at = event.event_time.ToNanoseconds()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            begun[event.event_id] = name, at
        asked = event.start_child_workflow_execution_initiated_event_attributes
        if asked.workflow_id and (
            asked.parent_close_policy != ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
        ):
            children[asked.workflow_id] = None
        for closed in (
            event.activity_task_completed_event_attributes,
            event.activity_task_failed_event_attributes,
            event.activity_task_canceled_event_attributes,
            event.activity_task_timed_out_event_attributes,
        ):
            name, since = begun.get(closed.scheduled_event_id, ("", 0))
            if name and name not in WAITS:
                yield since, at
    for child in children:
        async for stretch in _sent(here, here.client.get_workflow_handle(child)):
            yield stretch


async def completed(handle: Handle, name: str, tries: int = 5) -> None:
    """Wait until an activity of that name has completed.

    The server gives a reader up when the history changes under its long poll: it reads anew.
    """
    mine: set[int] = set()
    try:
        async for event in handle.fetch_history_events(wait_new_event=True):
            if event.activity_task_scheduled_event_attributes.activity_type.name == name:
                mine.add(event.event_id)
            if event.activity_task_completed_event_attributes.scheduled_event_id in mine:
                return
    except RPCError as error:
        if "branch tokens" not in str(error) or tries == 1:
            raise
        await completed(handle, name, tries - 1)
    raise AssertionError(f"{handle.id} ended without a completed {name!r}")


# ---- a worker that is killed -------------------------------------------------------------------


@dataclass
class Worker:
    """A worker process of the product, to be killed and started again."""

    here: World
    address: str
    number: int = 0
    process: asyncio.subprocess.Process | None = None

    @property
    def identity(self) -> str:
        """The identity of the worker process that runs now."""
        return f"worker-{self.here.queue}-{self.number}"

    async def start(self) -> None:
        """Start a worker process."""
        self.number += 1
        world, suffix = self.here, self.here.queue.removeprefix("braid")
        command = [sys.executable, "-m", "tests.support.deployed_process", self.address]
        command += [suffix, self.identity, "deployed", str(world.settings.data)]
        command += [str(world.settings.simulator), world.settings.simulator_smtp]
        self.process = await spawn(command, log=world.settings.data / f"worker-{self.number}.log")

    async def killed_amid(self, living: "asyncio.Task[Any]") -> int:
        """Kill the worker while calls are under way, and start another; give how many they were.

        It is stopped first, and goes on if an effect that cannot be repeated is on its way: that
        would become a task for a person, and its case would wait.
        """
        assert self.process is not None
        while True:
            await asyncio.wait([living], timeout=0.02)
            assert not living.done(), f"ended before it could be killed: {living}"
            if await self._open() == 0:
                continue
            self.process.send_signal(signal.SIGSTOP)
            await asyncio.wait([living], timeout=0.05)  # all its threads stand still by then
            if (held := await self._open()) and not await self._unsettled():
                break
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        await self.process.wait()
        await release(self.here.client, self.identity)
        await self.start()
        return held

    async def _open(self) -> int:
        """Count the model calls under way."""
        query = select(func.count()).select_from(claims).where(claims.c.state == ClaimState.OPEN)
        async with self.here.store.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def _unsettled(self) -> int:
        """Count the mails and messages on their way, which are sent at most once."""
        once = or_(effects.c.effect.startswith("mail:"), effects.c.effect.startswith("chat:"))
        on_the_way = effects.c.state == LedgerState.CLAIMED
        query = select(func.count()).select_from(effects).where(on_the_way, once)
        async with self.here.store.reading() as connection:
            return int(await connection.scalar(query) or 0)


@asynccontextmanager
async def killable(here: World, address: str) -> AsyncIterator[Worker]:
    """Serve a world's queue by a process that may be killed."""
    worker = Worker(here, address)
    await worker.start()
    try:
        yield worker
    finally:
        if worker.process is not None:
            await stop(worker.process, 5, hard=True)
