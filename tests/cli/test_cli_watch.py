"""Watching any workflow: attempts, retries, timers, runs that follow each other, no worker."""

import asyncio
import io
import json
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from rich.console import Console
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import starter
from cli.session import Session
from cli.tail import Tail
from cli.watch import closed, watching
from insight.history.pending import Now
from insight.report import Report
from insight.shown.branches import nodes
from runtime.connection import connect_to
from runtime.settings import Settings
from tests.support.world import World

pytestmark = pytest.mark.server

PATIENCE = 120
"""Seconds after which what is waited for will not come, however slow the machine."""
QUICK = RetryPolicy(initial_interval=timedelta(milliseconds=50))


@workflow.defn(name="Relay")
class Relay:
    """Somebody else's workflow: a call that is retried, a new run, then a word and a timer."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self, lap: int) -> str:
        if lap == 1:
            limit = timedelta(seconds=60)
            await workflow.execute_activity(
                "fetch", start_to_close_timeout=limit, retry_policy=QUICK
            )
            workflow.continue_as_new(2)
        await workflow.wait_condition(lambda: self.told)
        return "done"

    @workflow.signal
    def word(self) -> None:
        self.told = True


@asynccontextmanager
async def relay(client: Client, queue: str) -> AsyncIterator[Callable[[], None]]:
    """Serve Relay; its call fails once, and ends when what is given is called."""
    go = asyncio.Event()

    @activity.defn
    async def fetch() -> None:
        if activity.info().attempt == 1:
            raise ApplicationError("no line", type="Engaged")
        activity.heartbeat({"page": 4})
        await go.wait()

    async with Worker(
        client,
        task_queue=queue,
        workflows=[Relay],
        activities=[fetch],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield go.set


async def stands(tail: Tail, ready: Callable[[Report, Now], bool]) -> tuple[Report, Now]:
    """Ask until what is known satisfies `ready`."""
    async with asyncio.timeout(PATIENCE):
        while True:
            known = await tail.until(lambda report: report.events > 0)
            now = await tail.now(known)
            if ready(known, now):
                return known, now


Braid = Callable[..., Awaitable[str]]


@pytest.fixture
def braid(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Braid:
    """Run `starter.py` on the test's service, in a thread; give what it wrote."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    monkeypatch.setenv("BRAID_ENCRYPTION", "off")

    async def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["starter.py", *arguments])
        assert await asyncio.to_thread(starter.main) == 0
        return capsys.readouterr().out

    return run


async def test_a_foreign_workflow_is_watched_over_its_runs_with_its_retries(
    address: str, here: World, braid: Braid
) -> None:
    client = await connect_to(address)
    name, queue = f"relay:{secrets.token_hex(4)}/a", f"relay-{secrets.token_hex(4)}"
    await client.start_workflow("Relay", 1, id=name, task_queue=queue)
    handle: WorkflowHandle[object, object] = await Session(
        client, Settings(data=here.settings.data), None, None
    ).handle(name)
    out = io.StringIO()
    async with watching(handle, Console(file=out, width=200)) as tail:
        _, now = await stands(tail, lambda _, now: bool(now.task))
        assert "no worker has taken up the workflow's task" in now.task
        async with relay(client, queue) as go:
            known, now = await stands(
                tail, lambda _, now: any(p.running and p.beat for p in now.pending.values())
            )
            (node,) = nodes(known, now)
            assert (node.row.label, node.stands) == ("fetch", "running")
            assert "[page 4], attempt 2 after Engaged: no line" in node.doing
            async with asyncio.timeout(PATIENCE):
                while "retried: attempt 2" not in out.getvalue():
                    tail.grown.set()
                    await asyncio.sleep(0)
            go()
            async with asyncio.timeout(PATIENCE):
                while tail.runs == 1:
                    await tail.until(lambda _: True)
                    await asyncio.sleep(0)
            await handle.signal("word")
            known = await tail.until(closed)
    assert (known.status, known.case) == ("completed", name)
    assert [span.name for span in known.spans] == ["word"]
    text = out.getvalue()
    assert text.count("Relay") >= 2, "each run says that it starts"
    assert text.count("retried: attempt 2") == 1
    assert "after Engaged: no line" in text
    assert "message came in" in text
    assert json.loads(await braid("watch", name, "--json")) == "done"
    followed = await braid("logs", name, "--follow", "--json")
    whats = [json.loads(line)["what"] for line in followed.splitlines()]
    assert whats == ["started", "message came in", "completed"], "the last run"
    explained = json.loads(await braid("explain", name, "--json"))
    assert {span["name"] for span in explained["spans"]} == {"fetch", "word"}, "the whole chain"
