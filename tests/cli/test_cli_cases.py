"""How cases are started: under an id of their own, and reading what others paid for."""

from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from cli import cases
from cli.errors import BadInput
from cli.processes import process
from runtime.connection import connect_to
from runtime.settings import ROOT
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


def test_a_case_that_is_stuck_is_told_from_one_without_a_worker() -> None:
    """The service's words are those it has for a case whose code fails."""
    handle: cases.Handle = WorkflowHandle(Client.__new__(Client), "dd-1")
    said = "Unable to query workflow due to Workflow Task in failed state."
    stuck = cases.no_answer(handle, RPCError(said, RPCStatusCode.FAILED_PRECONDITION, b""))
    assert str(stuck).startswith(f"dd-1 is stuck: {said} See docs/operations/runbooks/")
    assert (ROOT / cases.STUCK).is_file()
    late = cases.no_answer(handle, RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""))
    assert "no worker answered" in str(late)
