"""A workflow task that takes its time is no deadlock."""

import pytest

from tests.flows.slow import Slow
from tests.support.flows import flowing

pytestmark = pytest.mark.server


async def test_a_task_of_more_than_two_seconds_ends_at_its_first_attempt(address: str) -> None:
    """And so does a replay of it: a replayer has a worker of its own."""
    async with flowing(address, [Slow]) as flows:
        handle = await flows.start(Slow, 2.3)
        assert await handle.result() == 2.3
        events = [event async for event in handle.fetch_history_events()]
        assert not [e for e in events if e.HasField("workflow_task_failed_event_attributes")]
        await flows.replayed(handle)
