"""Ctrl-C while a case does not answer: it reaches the command and is not taken for a time-out."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable

import pytest

from cli import cases
from cli.errors import Trouble
from runtime.connection import connect_to
from runtime.server import Ports
from tests.support.world import Handle, case_file
from workflows.data.common import StatusView

pytestmark = pytest.mark.server

Command = Callable[[Handle], Awaitable[object]]


async def status(handle: Handle) -> object:
    """Ask a query, as `starter.py status` does."""
    return await cases.ask(handle, "status", StatusView)


async def decide(handle: Handle) -> object:
    """Send a decision, as `starter.py decide` does."""
    return await cases.decide(handle, cases.decision("approve", "ana", [], "", "review", None))


COMMANDS = pytest.mark.parametrize("command", [status, decide], ids=["status", "decide"])


async def unanswered(temporal: Ports) -> Handle:
    """Start a case on a queue that no worker serves."""
    client = await connect_to(f"127.0.0.1:{temporal.grpc}", "test")
    name = f"dd-unanswered-{secrets.token_hex(4)}"
    return await client.start_workflow(
        "due-diligence", case_file("unilever"), id=name, task_queue=f"nobody-{name}"
    )


@COMMANDS
async def test_an_interrupt_while_nobody_answers_ends_the_command(
    temporal: Ports, command: Command
) -> None:
    """A cancellation stays one: it becomes exit code 130, not a message about workers."""
    handle = await unanswered(temporal)
    asking = asyncio.ensure_future(command(handle))
    done, _ = await asyncio.wait({asking}, timeout=0.5)
    assert not done, "nobody can have answered"
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await handle.terminate("test over")


@pytest.mark.skipif(os.environ.get("BRAID_SOAK") != "1", reason="waits as long as a person would")
@COMMANDS
async def test_a_case_that_nobody_serves_is_said_to_need_a_worker(
    temporal: Ports, command: Command
) -> None:
    """After some time the command gives up and says what to start."""
    handle = await unanswered(temporal)
    with pytest.raises(Trouble, match=r"no worker answered within .* `make worker`"):
        await command(handle)
    await handle.terminate("test over")
