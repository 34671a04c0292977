"""How cases are started: under an id of their own, and reading what others paid for."""

from uuid import uuid4

import pytest

from cli import cases
from cli.errors import BadInput
from cli.processes import process
from runtime.connection import connect_to
from tests.support.world import case_file


@pytest.mark.server
async def test_a_fork_of_a_fork_reads_both_and_an_id_is_given_once(address: str) -> None:
    client, given = await connect_to(address), case_file("unilever")
    entry, run = process("due-diligence"), uuid4().hex
    started: list[cases.Handle] = []
    try:
        for name in ("first", "second", "third"):
            origins = await cases.origins(started[-1:])
            how = cases.Start(f"{name}-{run}", origins)
            started.append(await cases.start(client, entry, given, how))
        assert origins == (f"second-{run}", f"first-{run}")
        with pytest.raises(BadInput, match=f"a case 'first-{run}' already; choose another --id"):
            await cases.start(client, entry, given, cases.Start(f"first-{run}"))
    finally:
        for handle in started:
            await handle.terminate()
