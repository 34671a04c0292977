"""The command line as people use it: processes of its own, on a stack in another process."""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.client import ScheduleBackfill

from cli import signing
from cli.scheduling import told
from runtime.addresses import running_stack
from runtime.settings import ROOT
from tests.stack.support import Done, begin, braid, finished, stack_process, world_on
from tests.support.world import World
from workflows.data.deciders import encoded
from workflows.data.intelligence import IntelligenceOutcome, IntelligenceReport
from workflows.data.scheduled import ScheduledEnd

pytestmark = pytest.mark.server

UNILEVER = ROOT / "cases/unilever.yaml"


@dataclass
class Desk:
    """A folder with a running stack, and a world to look at what commands did."""

    data: Path
    here: World

    async def braid(self, *arguments: str | Path) -> Done:
        """Run a command on it."""
        return await braid(self.data, *arguments)

    def keyed(self) -> Path:
        """Write a case file that names keys of its people, each kept where `decide` finds it."""
        names = ("ana", "bo", "mira", "sam")
        keys = {n: signing.make(self.data / f"identities/{n}.pem").public_key() for n in names}
        lines = (f"  {n}: {encoded(k.public_bytes_raw())}\n" for n, k in keys.items())
        file = self.data / "keyed.yaml"
        file.write_text(f"{UNILEVER.read_text('utf-8')}\nkeys:\n{''.join(lines)}", "utf-8")
        return file

    async def case(self, file: Path = UNILEVER) -> str:
        """Start a case by command and wait for its gate."""
        ran = await self.braid("run", "due-diligence", file, "--detach", "--json")
        assert ran.code == 0, ran.err
        case: str = ran.json()["case"]
        await self.here.gate(self.here.client.get_workflow_handle(case))
        return case

    async def query(self, case: str, name: str) -> Any:
        """Ask a case a query, not by command."""
        return await self.here.client.get_workflow_handle(case).query(name)


@pytest_asyncio.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One stack for this file."""
    data = tmp_path_factory.mktemp("desk")
    for name in [n for n in os.environ if n.startswith("TEMPORAL_")]:
        del os.environ[name]
    async with (
        stack_process(data, "--speed", "100") as (_, addresses),
        world_on(addresses, data) as here,
    ):
        yield Desk(data, here)


async def test_a_case_is_run_looked_at_and_decided_by_commands(desk: Desk) -> None:
    """run --detach, status, list, decide (refused, signed and counted), audit, watch, explain."""
    case = await desk.case(desk.keyed())
    status = (await desk.braid("status", "unilever", "--json")).json()
    assert status["case"] == case, "the case id stands for its newest run"
    assert [g["name"] for g in status["open_gates"]] == ["review"]
    listed = (await desk.braid("list", "--json")).json()
    assert next(row for row in listed if row["case"] == case)["status"] == "running"

    refused = await desk.braid("decide", case, "approve", "--as", "sam")
    assert (refused.code, refused.out) == (1, "")
    assert "refused: sam wrote the case" in refused.err
    unknown = await desk.braid("decide", "no-such-case", "approve", "--as", "ana")
    assert unknown.code == 2
    assert "starter.py list" in unknown.err
    counted = await desk.braid(
        "decide", case, "approve", "--condition", "LIMIT=10000", "--as", "ana", "--json"
    )
    assert (counted.code, counted.json()["settled"], counted.json()["signed"]) == (0, True, True)
    kept = (await desk.braid("audit", "--refusals", "--verify", "--json")).json()
    assert kept["verified"]
    assert [(r["actor"]["id"], r["target"]) for r in kept["rows"]] == [("sam", f"{case} review")]

    watched = await desk.braid("watch", case)
    assert watched.code == 0
    assert "approve_with_conditions" in watched.out
    late = await desk.braid("decide", case, "approve", "--as", "bo")
    assert late.code == 1
    assert "too late" in late.err
    explained = (await desk.braid("explain", case, "--json")).json()
    assert {"existence", "credit", "references", "sanctions"} <= {
        line["name"].split("/")[0] for line in explained["branches"]
    }


async def test_a_signal_decides_and_a_bad_one_can_be_read(desk: Desk) -> None:
    """A refusal of a signal stands in `status`; the good one ends the case."""
    case = await desk.case()
    for by in ("sam", "ana"):
        message = json.dumps({"verdict": "decline", "by": by})
        sent = await desk.braid("signal", case, "decide", message, "--json")
        assert (sent.code, sent.json()["case"]) == (0, case)
    record = await desk.here.result(desk.here.client.get_workflow_handle(case))
    assert record.outcome == "decline"
    status = (await desk.braid("status", case, "--json")).json()
    assert [r["by"] for r in status["refusals"]] == ["sam"]
    assert status["status"]["phase"] == "closed"
    broken = await desk.braid("signal", case, "decide", "{")
    assert broken.code == 2


async def test_cancel_ends_a_case_and_only_once(desk: Desk) -> None:
    """cancel waits for the end; a second one is told that the case is closed."""
    case = await desk.case()
    done = await desk.braid("cancel", case, "--json")
    assert (done.code, done.json()) == (0, {"case": case, "status": "cancelled"})
    again = await desk.braid("cancel", case)
    assert again.code == 1
    assert "closed already" in again.err
    watched = await desk.braid("watch", case)
    assert watched.code == 1
    assert "was cancelled" in watched.err


async def test_the_command_of_the_docs_reports_every_night_what_is_new(desk: Desk) -> None:
    """Two nights, in turn: nothing happened between them, so the second has nothing new."""
    page = (ROOT / "docs/processes/competitive-intelligence.md").read_text("utf-8")
    [said] = [line for line in page.splitlines() if "starter.py schedule add" in line]
    added = await desk.braid(*shlex.split(said)[2:], "--json")
    assert added.code == 0, added.err
    handle = desk.here.client.get_schedule_handle(added.json()["schedule"])
    reports = []
    for night in (1, 2):
        moment = datetime(2027, 1, night, 2, tzinfo=UTC)
        await handle.backfill(ScheduleBackfill(moment, moment))
        async with asyncio.timeout(60):
            while len(ran := told(handle.id, await handle.describe())["runs"]) < night:
                pass
        run = desk.here.client.get_workflow_handle(ran[-1]["id"])
        end = await desk.here.done(run, ScheduledEnd)
        case = desk.here.client.get_workflow_handle(end.case)
        reports.append(await desk.here.done(case, IntelligenceReport))
    await handle.delete()
    first, second = reports
    assert first.outcome == second.outcome == IntelligenceOutcome.COMPLETE
    assert first.new
    assert second.new == ()


async def test_run_follows_a_case_that_another_process_decides(desk: Desk) -> None:
    """run --json prints the decision record and nothing else."""
    name = "dd-followed"
    running = await begin(desk.data, "run", "due-diligence", UNILEVER, "--id", name, "--json")
    await _gate_of(desk, name, running)
    assert running.stderr is not None
    await running.stderr.readuntil(b"starter.py decide dd-followed")  # the open gate is told
    assert (await desk.braid("decide", name, "approve", "--as", "ana")).code == 0
    done = await finished(running)
    assert (done.code, done.json()["outcome"]) == (0, "approve")


async def test_an_interrupted_run_detaches_and_the_case_goes_on(desk: Desk) -> None:
    """Ctrl-C: exit 130, the case stays open at its gate."""
    name = "dd-interrupted"
    running = await begin(desk.data, "run", "due-diligence", UNILEVER, "--id", name)
    await _gate_of(desk, name, running)
    running.send_signal(signal.SIGINT)
    done = await finished(running)
    assert done.code == 130, done.err
    assert "a running case goes on" in done.err
    assert "Traceback" not in done.err
    assert [g["name"] for g in await desk.query(name, "open_gates")] == ["review"]


async def test_the_crash_demo_refuses_a_stack_it_did_not_start(desk: Desk) -> None:
    """Exit 2, and the running stack is unharmed."""
    done = await desk.braid("demo", "--crash", "--json")
    assert (done.code, done.out) == (2, "")
    assert "refuses a stack it did not start" in done.err.replace("\n", " ")
    assert (await desk.braid("list", "--json")).code == 0


async def test_the_demo_prints_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    """Its own stack, no vendor, TEMPORAL_* ignored, the gate answered by the demo itself."""
    elsewhere = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TEMPORAL_NAMESPACE": "elsewhere"}
    demo = ("demo", UNILEVER, "--json", "--speed", "50")
    done = await braid(tmp_path, *demo, env=elsewhere)
    assert done.code == 0, done.err
    shown = done.json()
    assert (shown["outcome"], shown["decided_by"]) == ("approve", ["ana"])
    assert (shown["simulated"], shown["speed_factor"]) == (True, 50)
    assert "answered as ana" in done.err
    assert shown["seconds"]["parallel"] < shown["seconds"]["sequential"]


async def _gate_of(desk: Desk, case: str, running: Any) -> None:
    """Wait for the gate of a case that `running` is about to start."""
    assert running.stderr is not None
    said = (await running.stderr.readline()).decode()
    assert f"case {case} started" in said, said
    await desk.here.gate(desk.here.client.get_workflow_handle(case))


async def test_the_ui_is_told_where_references_are_resolved(desk: Desk) -> None:
    """And that endpoint answers its pages, whatever case they show."""
    known = running_stack(desk.data)
    assert known is not None
    async with httpx.AsyncClient(timeout=60) as http:
        told = (await http.get(f"{known.ui}/api/v1/settings")).json()["Codec"]["Endpoint"]
        plain = {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]}
        answer = await http.post(f"{told}/decode", json=plain, headers={"Origin": known.ui})
    assert answer.json() == plain, "what is no reference stays as it is"
    assert answer.headers["access-control-allow-origin"] == known.ui
