"""Histories recorded on the real server, replayed against code that was changed since."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from cli.replaying import Replayed, replay
from insight.again.commands import CommandKind
from insight.history.reader import ordered
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from tests.flows.changing import (
    LOOK,
    Before,
    Note,
    OneMore,
    OtherInputs,
    Passing,
    Patched,
    Raising,
)
from tests.support.flows import Handle, flow_worker, flowing

pytestmark = pytest.mark.server


async def look(asked: Note) -> Note:
    return asked


async def against(handle: Handle, *workflows: type) -> Replayed:
    return await replay(ordered(await handle.fetch_history()), DATA_CONVERTER, workflows=workflows)


def kinds(found: Replayed) -> list[str]:
    pairs = [(d.recorded, d.new) for d in found.comparison.divergences]
    return [f"{r.kind if r else '-'}/{n.kind if n else '-'}" for r, n in pairs]


async def test_a_history_meets_code_that_was_changed(address: str) -> None:
    async with flowing(address, (Before, Passing), {LOOK: look}) as here:
        done = await here.start(Before, Note(text="a", number=1))
        await done.result()
        assert (await against(done, Before, Passing)).agrees
        assert (await against(done, Patched)).agrees, "a patch keeps the old way"

        other = await against(done, OtherInputs)
        assert kinds(other) == [
            *("timer/timer", "child/child", "activity/activity", "end: result/end: result"),
        ]
        paths = [[c.path for c in d.changes] for d in other.comparison.divergences]
        assert paths == [["/0"], ["/0/text"], ["/0/number"], ["/0/number"]]

        more = (await against(done, OneMore)).comparison.divergences
        assert len(more) == 1
        assert (more[0].recorded, more[0].new) != (None, None)
        assert more[0].recorded is not None
        assert more[0].recorded.kind is CommandKind.TIMER
        assert more[0].new is not None
        assert (more[0].new.name, more[0].new.stack[0].split(" ")[1]) == ("look", "run")
        assert "TMPRL1100" in more[0].said

        broken = (await against(done, Raising)).comparison.divergences
        assert [(d.said, d.recorded.kind if d.recorded else None) for d in broken] == [
            ("a bug of today", CommandKind.TIMER)
        ]
        assert broken[0].stack[0].startswith("tests/flows/changing.py:")
        assert broken[0].stack[0].endswith(" run")


async def test_what_is_kept_in_the_store_is_compared_by_its_value(
    address: str, tmp_path: Path
) -> None:
    """A large input travels by reference; a change in it is told by its place all the same."""
    large = Note(text="x" * 40_000, number=1)
    async with flowing(address, (Before, Passing), {LOOK: look}, data=tmp_path) as here:
        done = await here.start(Before, large)
        await done.result()
        events = ordered(await done.fetch_history())
        kept = here.client.data_converter
        assert b"braid-blobs" in b"".join(event.SerializeToString() for event in events)
        assert (await replay(events, kept, workflows=(Before,))).agrees
        found = (await replay(events, kept, workflows=(OtherInputs,))).comparison.divergences
    paths = [[change.path for change in divergence.changes] for divergence in found]
    assert paths == [["/0"], ["/0/text"], ["/0/number"], ["/0/number"]]


async def test_runs_of_every_end_replay(address: str) -> None:
    """Continued as new, still running, cancelled; a reset one is in test_again.py."""
    async with flowing(address, (Before, Passing), {LOOK: look}) as here:
        chain = await here.start(Before, Note(text="b", number=-1))
        await chain.result()
        first = here.client.get_workflow_handle(chain.id, run_id=chain.first_execution_run_id)
        waiting = await here.start(Before, Note(text="wait"))
        await here.replayed(await child_of(here, waiting))
        for one in (first, chain, waiting):
            found = await against(one, Before, Passing)
            assert found.agrees, found.comparison
        given = [command.kind for turn in found.turns for command in turn.commands]
        assert given[-1] is CommandKind.CHILD, "still waiting for it"
        await waiting.cancel()
        with pytest.raises(WorkflowFailureError):
            await waiting.result()
        assert (await against(waiting, Before)).agrees


async def test_a_bug_that_was_mended_replays(address: str) -> None:
    """The failed workflow tasks stay in the history; the bug is found in it, its mending not."""
    client, queue = await connect_to(address), f"mended-{secrets.token_hex(4)}"
    handle = await client.start_workflow(
        "changing", Note(text="c"), id=queue, task_queue=queue, task_timeout=timedelta(seconds=5)
    )
    async with flow_worker(client, queue, "w-1", (Raising,), {LOOK: look}):
        await until(handle, "workflow_task_failed_event_attributes")
        stuck = await against(handle, Raising)
        assert [d.said for d in stuck.comparison.divergences] == ["a bug of today"]
        assert (await against(handle, Before, Passing)).agrees
    async with flow_worker(client, queue, "w-2", (Before, Passing), {LOOK: look}):
        await handle.result()
    assert (await against(handle, Before, Passing)).agrees


async def until(handle: Handle, kind: Any) -> None:
    """Wait for an event, event by event."""
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField(kind):
            return


async def child_of(here: Any, parent: Handle) -> Handle:
    """Wait until the child has begun, event by event."""
    await until(parent, "child_workflow_execution_started_event_attributes")
    child: Handle = here.client.get_workflow_handle(f"{parent.id}-child")
    return child
