"""A changed process is rolled out while cases are open: none fails, each ends on its own code."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.wire import Wire
from cli.errors import BadInput
from cli.rollouts import described, make_current, make_ramping
from deployed import WORKFLOWS, BraidInterceptor, runner
from runtime.conversion import DATA_CONVERTER
from tests.process.changed import ChangedDueDiligence
from tests.support.world import Handle, World, case_file, world
from worker import deploy, workers
from workflows.due_diligence import DueDiligence

pytestmark = pytest.mark.server
CHANGED = tuple(ChangedDueDiligence if w is DueDiligence else w for w in WORKFLOWS)


@asynccontextmanager
async def build(here: World, name: str, deployed: Sequence[type]) -> AsyncIterator[None]:
    """Serve a world's queues with the workers of one build."""
    async with AsyncExitStack() as stack:
        wire = Wire(here.settings)
        stack.push_async_callback(wire.close)
        paired = deploy(here.settings, here.store, wire, here.client)
        stack.push_async_callback(paired.desk.close)
        suffix = here.queue.removeprefix("braid")
        for one in workers(
            here.client, paired, identity=name, suffix=suffix, workflows=deployed, build=name
        ):
            await stack.enter_async_context(one)
        yield


async def builds_of(handle: Handle) -> set[str]:
    """Give the builds that took decisions of a case, as its history has it."""
    found = set()
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_completed_event_attributes"):
            done = event.workflow_task_completed_event_attributes
            found.add(done.deployment_version.build_id)
    return found


async def sent(change: Callable[[], Awaitable[None]]) -> None:
    """Send a change as soon as the server knows the build it is about."""
    while True:
        with suppress(BadInput):  # the first poll of its workers has not arrived
            return await change()


async def test_cases_end_on_the_build_they_began_on(address: str, tmp_path: Path) -> None:
    async with world(address, tmp_path, served=False) as here:
        async with build(here, "one", WORKFLOWS), build(here, "two", CHANGED):
            await sent(partial(make_current, here.client, "one"))
            old = await here.start(case_file("unilever"))
            await here.gate(old)
            await sent(partial(make_ramping, here.client, "two", 10))
            assert (await described(here.client)).percent == 10
            await make_current(here.client, "two")
            new = await here.start(case_file("unilever"))
            for handle in (old, new):
                await here.gate(handle)
                await here.decide(handle, "approve", "ana")
                assert (await here.result(handle)).outcome == "approve"
            assert await builds_of(old) == {"one"}
            assert await builds_of(new) == {"two"}
            found = await described(here.client)
            assert (found.current, found.ramping) == ("two", "")
            assert found.builds["two"] == "takes new cases"
        replayer = Replayer(
            workflows=[ChangedDueDiligence],
            workflow_runner=runner(),
            interceptors=[BraidInterceptor("replay")],
            data_converter=DATA_CONVERTER,
        )
        with pytest.raises(NondeterminismError):  # the new code would have broken the old case
            await replayer.replay_workflow(await old.fetch_history())
        await make_current(here.client, "")


async def test_a_build_nobody_runs_takes_no_cases(here: World) -> None:
    with pytest.raises(BadInput, match=r"start a worker of it first: worker.py --build nothing"):
        await make_current(here.client, "nothing")
