"""Batches of a real process by the command: an outage driven again, a worker and a command killed.

Many documents within one case are in `test_document_analysis.py`.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.batch import running, starting
from cli.listing import listed
from cli.processes import process
from cli.session import Session
from simulator.config import Fault, FaultKind
from store.journal import Journal
from tests.process.living import killable
from tests.support.world import World, example, world
from workflows.data.case_batch import CaseBatchResult
from workflows.data.document_analysis import AnalysisCase

pytestmark = pytest.mark.server

ENTRY = process("document-analysis")
CALLS = 2 * 3 + 1
"""Model calls of a case: two documents read by three, and a summary."""
VENDORS = ("openai", "anthropic", "gemini")


def lines(cases: int, patience: str = "PT10M") -> str:
    """Write cases of two letters each, as lines; from the third on they have this `patience`."""
    letters = example("document-analysis/suppliers", AnalysisCase).documents
    given = (
        example(
            "document-analysis/suppliers",
            AnalysisCase,
            case=f"desk-{n}",
            documents=letters[n % 3 : n % 3 + 2],
            **({"patience": patience} if n > 1 else {}),
        )
        for n in range(cases)
    )
    return "\n".join(case.model_dump_json() for case in given)


def printed(told: str) -> dict[str, Any]:
    """Give the JSON that was printed, after what this world's worker logged."""
    found: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index("{\n") :])[0]
    return found


async def batch(here: World, given: Path, capsys: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    """Run a batch by the command; give its id and how it ended. Any number of cases may fail."""
    wish = starting.wish("", 10, "100%", "", strict=True, sure=True)
    found = running.prepared(ENTRY, given, None, wish)
    session = Session(here.client, here.settings, None, None)
    await running.run(session, ENTRY, found, wish, None, as_json=True, queue=here.queue, **more)
    told, said = capsys.readouterr()
    end = printed(told)
    return end["batch"], {**end["spread"], "to_do": int(said.split(" cases to do")[0])}


async def test_what_an_outage_left_is_driven_again(
    here: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures only, although the breakers are open still; nothing is paid twice."""
    given = tmp_path / "desks.jsonl"
    given.write_text(lines(2))
    first, end = await batch(here, given, capsys)
    assert (end["succeeded"], end["failed"]) == (2, 0)
    given.write_text(lines(8, patience="PT1S"))
    await here.faults(*(Fault(service=v, kind=FaultKind.DOWN) for v in VENDORS))
    second, end = await batch(here, given, capsys, redrive=first)
    assert (end["already"], end["failed"], end["to_do"]) == (2, 6, 6)
    await here.faults()
    given.write_text(lines(8))  # breakers are open for longer than one second by now
    third, end = await batch(here, given, capsys, redrive=second)
    assert (end["already"], end["succeeded"], end["failed"], end["to_do"]) == (2, 8, 0, 6)
    results = tmp_path / "results.jsonl"
    session = Session(here.client, here.settings, None, None)
    await running.write(session, third, results, None, as_json=True, queue=here.queue)
    ended = [json.loads(line)["result"] for line in results.read_text().splitlines()]
    assert [one["totals"]["agreed"] for one in ended] == [2] * 8
    capsys.readouterr()
    await running.status(session, third, as_json=True)
    now = printed(capsys.readouterr().out)
    assert (now["batch"], now["status"], now["done"]) == (third, "completed", 8)
    # The list lags a little, and says nothing else for ever if it is wrong.
    counted, rows = [{"failed": 6}, {"completed": 6}], dict[str, dict[str, Any]]()
    while [rows.get(b, {}).get("cases") for b in (second, third)] != counted:
        rows = {row["case"]: row for row in await listed(here.client, everything=False)}
    assert not any(":" in name for name in rows), "cases of a batch stand in its line"
    assert f"{third}:desk-2" in {r["case"] for r in await listed(here.client, everything=True)}
    # Where two agreed, the third was not waited for, and so not paid.
    without = sum(len(found["missing"]) for one in ended for found in one["documents"])
    assert sum((await here.book())["billed"].values()) == 8 * CALLS - without


STARTS = """
import asyncio, sys
from pathlib import Path
from cli.batch import running, starting
from cli.listing import listed
from cli.processes import process
from cli.session import Session
from runtime.connection import connect_to
from runtime.documents import converter, kept_at
from runtime.settings import Settings

async def main(address, queue, data, given, results):
    settings = Settings(data=Path(data))
    client = await connect_to(address, "command", converter=converter(kept_at(settings.database)))
    wish = starting.wish("", 4, "0", "", strict=True, sure=True)
    entry = process("document-analysis")
    found = running.prepared(entry, Path(given), Path(results), wish)
    here = Session(client, settings, None, None)
    await running.run(here, entry, found, wish, Path(results), queue=queue)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_killed_worker_and_a_killed_command_change_nothing(
    address: str, tmp_path: Path
) -> None:
    """Both by SIGKILL; the batch goes on, and its results are written by another command."""
    given, results = tmp_path / "desks.jsonl", tmp_path / "results.jsonl"
    given.write_text(lines(12))
    async with world(address, tmp_path, served=False) as here, killable(here, address) as worker:
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", STARTS, address, here.queue, str(tmp_path)),
            *(str(given), str(results)),
            stderr=asyncio.subprocess.PIPE,
        )
        assert command.stderr is not None
        while (
            found := re.search(rb"batch (\S+) started", line := await command.stderr.readline())
        ) is None:
            assert line, "it ended before its batch began"
        handle = here.client.get_workflow_handle(found[1].decode())
        here.started.append(handle)
        living = asyncio.create_task(here.done(handle, CaseBatchResult))
        in_flight = await worker.killed_amid(living)
        command.kill()
        await command.wait()
        spread = (await living).spread
        assert (spread.succeeded, spread.failed, spread.not_run) == (12, 0, 0)
        journal = Journal(here.store)
        assert not any([await journal.repeated_paid(f"{handle.id}:desk-{n}") for n in range(12)])
        paid = sum((await here.book())["billed"].values())
        assert 12 * CALLS <= paid <= 12 * CALLS + in_flight
        session = Session(here.client, here.settings, None, None)
        await running.write(session, handle.id, results, given, as_json=True, queue=here.queue)
    written = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["key"] for line in written] == [f"desk-{n}" for n in range(12)]
    assert all(line["result"]["totals"]["agreed"] == 2 for line in written)
