"""A file is explained, whatever wrote it; what is no history is refused in a line that helps."""

import gzip
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput
from cli.histories import from_case, from_file
from tests.flows.family import VISIT, Child, Kin, Parent
from tests.insight.builder import Run, at
from tests.insight.test_insight_tree import begins, child
from tests.support.flows import flowing


def history() -> str:
    run = Run()
    run.call("filings", 0, 50)
    run.finish(60)
    return WorkflowHistory("case-1", run.events).to_json()


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_explained(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "history.json.gz"
    file.write_bytes(gzip.compress(history().encode()) if packed else history().encode())
    (known,) = from_file(file)
    assert (known.case, known.status, known.events) == ("case-1", "completed", 5)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (history().encode()[:300], "not JSON"),
        (b"PK\x03\x04rest of a zip", "zip"),
        (b"\x89PNG\r\n\x1a\n", ": not text"),
        (b'{"events": []}', "no events"),
        (b'{"name": "braid", "version": 1}', "neither"),
    ],
)
def test_what_is_no_history_is_refused_in_one_line_that_helps(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "given"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=why) as refused:
        from_file(file)
    assert str(refused.value).startswith(str(file))
    assert "temporal workflow show" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder"):
        from_file(tmp_path)
    with pytest.raises(BadInput, match="no such file"):
        from_file(tmp_path / "gone.json")


async def visit(kin: Kin) -> Kin:
    return kin


@pytest.mark.server
async def test_a_live_case_is_explained_with_its_whole_family(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever of its runs is asked for: three in a chain, two children each."""
    async with flowing(address, [Parent, Child], {VISIT: visit}) as here:
        handle = await here.start(Parent, Kin(runs=2, children=2))
        await handle.result()
        last = await handle.describe()
        now = datetime.now(UTC)
        known = await from_case(here.client, handle, now)
        run = here.client.get_workflow_handle(handle.id, run_id=last.run_id)
        assert await from_case(here.client, run, now) == known
        assert capsys.readouterr().err == ""
        small = await from_case(here.client, handle, now, most=4)
    assert (known.case, known.process, known.status) == (handle.id, "Parent", "completed")
    assert sum(span.name == "test_visit" for span in known.spans) == 6
    assert sum(branch.name.startswith("Child-") for branch in known.branches) == 2
    path = known.flow.path
    assert (path[0].start, path[-1].end) == (known.started, known.until)
    assert all(one.end == other.start for one, other in pairwise(path))
    visits = {span.id for span in known.spans if span.name == "test_visit"}
    assert len({part.span for part in path} & visits) == 3, "one of each run"
    assert small.status == "completed"
    assert "left out" in capsys.readouterr().err


class Shelf:
    """A server that holds these histories, by run id; asked for no run, the first."""

    def __init__(self, **held: Run) -> None:
        self.held = held

    def get_workflow_handle(self, case: str, run_id: str | None = None) -> Any:
        key = run_id or next(iter(self.held))

        async def fetch_history() -> WorkflowHistory:
            if key not in self.held:
                raise RPCError("gone", RPCStatusCode.NOT_FOUND, b"")
            return WorkflowHistory(case, self.held[key].events)

        return SimpleNamespace(id=case, run_id=run_id, fetch_history=fetch_history)


async def test_runs_that_are_no_longer_there_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A child, and the run before; but without the very run that is asked for it fails."""
    run = child("own")
    begins(run, "own", "before")
    begun = run.add(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, 50)
    told = begun.child_workflow_execution_started_event_attributes
    told.workflow_execution.run_id = "kid"
    shelf: Any = Shelf(own=run)
    known = await from_case(shelf, shelf.get_workflow_handle("case-1"), at(100))
    assert known.events == len(run.events)
    assert "of 2 more the server has no history left" in capsys.readouterr().err
    with pytest.raises(BadInput, match="case-1: the server has no history of it"):
        await from_case(shelf, shelf.get_workflow_handle("case-1", "other"), at(100))
