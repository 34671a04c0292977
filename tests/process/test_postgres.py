"""A whole case whose store is a PostgreSQL database that is cut off, dies, and comes back."""

import asyncio
from pathlib import Path

import pytest

from store.journal import Journal
from store.ledger import Ledger
from tests.support.postgres import CUT, Postgres
from tests.support.world import case_file, world
from workflows.data.due_diligence import CaseOutcome

pytestmark = pytest.mark.server


async def test_a_case_outlives_the_database(
    address: str, tmp_path: Path, postgres: Postgres
) -> None:
    database = await postgres.emptied()
    async with world(address, tmp_path, database=database) as here:
        handle = await here.start(case_file("unilever"))
        await here.next_event(handle, 30)  # its checks are under way
        await postgres.run(CUT)
        postgres.kill()
        await asyncio.to_thread(postgres.start)
        await here.gate(handle)
        await postgres.run(CUT)
        answer = await here.decide(handle, "approve", "ana")
        assert answer.accepted
        record = await here.result(handle)
        assert record.outcome is CaseOutcome.APPROVE
        journal, ledger = Journal(here.store), Ledger(here.store)
        assert await journal.repeated_paid(handle.id) == 0
        assert await ledger.duplicates(handle.id) == 0
        assert {row.state for row in await ledger.effects(handle.id)} == {"done"}
        assert await journal.uncertain(handle.id) == []
        asked = [call for call in await journal.calls(handle.id) if call.model]
        assert len(asked) == sum((await here.book())["billed"].values())
