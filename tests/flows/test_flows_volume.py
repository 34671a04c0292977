"""Batches on the real server: cases of their own, pause, redrive, and both grades alike."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from temporalio.common import Priority
from temporalio.exceptions import ApplicationError

from activities.budgets import BudgetActivities
from activities.results import ResultActivities
from cli.batch import running, starting
from cli.batch.estimate import by_batches
from cli.errors import BadInput
from cli.processes import ProcessEntry, Records
from cli.session import Session
from runtime.context import CallContext, call_context
from runtime.settings import Settings
from store.budgets import Budgets
from store.database import Store
from tests.flows.volume import APPRAISE, LOTS, Appraisal, Appraised, Lot, appraise_lot
from tests.support.flows import PATIENCE, Flows, Handle, flowing
from workflows import calls
from workflows.data.case_batch import BUDGET, BatchInputs, CaseBatch, CaseBatchResult, Raise
from workflows.data.chunk import ChunkLeave, ItemSource
from workflows.data.spread import Item, ItemPage, PageQuery, ResultQuery, SpreadRef, Tolerance
from workflows.patterns.spread_work import Child, work_order
from workflows.services.batch import Batch
from workflows.services.chunk import SpreadChunk

pytestmark = pytest.mark.server

COUNT, WINDOW = 24, 6
WORKFLOWS = (Batch, SpreadChunk, Appraisal)
CHILD = Child("appraisal", Lot, Appraised)


@dataclass
class Appraisers:
    """Answers APPRAISE and LOTS; remembers in which context each lot was asked about.

    A busy worker may be taken for dead. What it is asked again for that counts once.
    """

    failing: frozenset[str] = frozenset()
    asked: dict[str, CallContext] = field(default_factory=dict)
    times: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)
    full: asyncio.Event = field(default_factory=asyncio.Event)

    async def appraise(self, lot: Lot) -> Appraised:
        self.asked[lot.case] = call_context()
        self.times += call_context().attempt == 1
        if self.times == WINDOW:
            self.full.set()
        await self.release.wait()
        if lot.case in self.failing:
            raise ApplicationError("nobody knows", type="Unknown", non_retryable=True)
        return Appraised(case=lot.case, worth=len(lot.words))

    async def lots(self, query: PageQuery) -> ItemPage:
        first = int(query.cursor or 0)
        last = min(first + query.limit, COUNT)
        items = (Lot(case=f"lot-{n}", words="same words") for n in range(first, last))
        return ItemPage(
            items=tuple(Item(key=lot.case, request=lot.model_dump()) for lot in items),
            next=str(last) if last < COUNT else None,
            total=COUNT,
        )


@dataclass
class Here:
    flows: Flows
    appraisers: Appraisers
    shelf: ResultActivities
    store: Store

    async def begin(self, name: str, work: Any, **more: Any) -> Handle:
        given = CaseBatch(
            process="appraisal",
            work=work_order(work),
            inputs=BatchInputs(name="lots.jsonl", sha256="0" * 64, taken=COUNT),
            source=ItemSource(page=work_order(LOTS)),
            window=WINDOW,
            chunk=10,
            tolerance=Tolerance(count=5),
            **{"ref": SpreadRef(scope=name, spread="cases"), **more},
        )
        return await self.flows.start(Batch, given, id=name, priority=Priority(priority_key=5))

    async def results(self, ref: SpreadRef) -> dict[str, Any]:
        page = await self.shelf.spread_results(ResultQuery(ref=ref))
        return {r.key: r.value or r.error for r in page.results}

    async def until(self, handle: Handle, what: str, wanted: Any) -> None:
        """Wait, event by event, until the progress says so."""
        async with asyncio.timeout(PATIENCE):
            async for _ in handle.fetch_history_events(wait_new_event=True):
                if (await handle.query("progress"))[what] == wanted:
                    return

    async def paused(self, chunk: str) -> None:
        """Wait until a chunk was told to pause, which is later than the batch."""
        handle = self.flows.client.get_workflow_handle(chunk)
        async with asyncio.timeout(PATIENCE):
            async for event in handle.fetch_history_events(wait_new_event=True):
                said = event.workflow_execution_signaled_event_attributes
                if said.signal_name == "allow":
                    decode = self.flows.client.data_converter.decode
                    [leave] = await decode(said.input.payloads, [ChunkLeave])
                    if leave.paused:
                        return


@asynccontextmanager
async def volume(address: str, data: Path) -> AsyncIterator[Here]:
    async with AsyncExitStack() as stack:
        store = await Store.open(Settings(data=data).database)
        stack.push_async_callback(store.close)
        shelf, budgets, appraisers = ResultActivities(store), BudgetActivities(store), Appraisers()
        answers: dict[Any, Any] = {
            APPRAISE: appraisers.appraise,
            LOTS: appraisers.lots,
            calls.KEEP_ITEMS: shelf.keep_items,
            calls.KEPT_ITEMS: shelf.kept_items,
            calls.SPREAD_RESULTS: shelf.spread_results,
            calls.CLAIM_ITEMS: shelf.claim_items,
            calls.KEEP_RESULTS: shelf.keep_results,
            calls.OPEN_BUDGET: budgets.open_budget,
            calls.READ_BUDGET: budgets.read_budget,
            calls.READ_COST: budgets.read_cost,
        }
        flows = await stack.enter_async_context(
            flowing(
                address, (Batch, SpreadChunk, Appraisal), answers, steps=(appraise_lot,), data=data
            )
        )
        yield Here(flows, appraisers, shelf, store)


def counts(result: Any) -> tuple[int, int, int, int]:
    spread = CaseBatchResult.model_validate(result).spread
    return spread.succeeded, spread.already, spread.failed, spread.not_run


async def test_pause_redrive_and_both_grades(address: str, tmp_path: Path) -> None:
    async with volume(address, tmp_path) as here:
        seen = here.appraisers
        seen.failing = frozenset({"lot-3", "lot-17"})
        name = f"batch-{here.flows.queue}"
        handle = await here.begin(name, CHILD)
        await seen.full.wait()
        await handle.signal("pause")
        await here.paused(f"{name}.1")
        seen.release.set()
        await here.until(handle, "in_flight", 0)
        paused = await handle.query("progress")
        assert (seen.times, paused["estimated_end"]) == (WINDOW, None), "nothing new was started"
        await handle.signal("resume")
        assert counts(await handle.result()) == (22, 0, 2, 0)
        assert await handle.query("result_so_far") == await handle.query("progress")

        ref = SpreadRef(scope=name, spread="cases")
        visible = await here.results(ref)
        assert visible["lot-3"] == "Unknown: nobody knows"
        assert visible["lot-4"] == {"case": "lot-4", "worth": 10}
        for key, context in seen.asked.items():
            assert context.scope == f"{name}:{key}", "equal lots are cases of their own"
            assert (context.priority, context.payer, context.origins) == (5, "", ())
        await here.flows.replayed(handle)
        for inner in (f"{name}.1", f"{name}:lot-4"):
            await here.flows.replayed(here.flows.client.get_workflow_handle(inner))

        seen.asked.clear()
        seen.failing = frozenset({"lot-17"})
        again = await here.begin(f"{name}-again", CHILD, ref=ref, origins=(name,))
        assert counts(await again.result()) == (23, 22, 1, 0)
        assert {c.scope: c.origins for c in seen.asked.values()} == {
            f"{name}-again:{lot}": (f"{name}:{lot}",) for lot in ("lot-3", "lot-17")
        }

        seen.release.clear()
        seen.full.clear()
        seen.times = 0
        fused = await here.begin(f"{name}-fused", appraise_lot)
        await seen.full.wait()
        await fused.signal("pause")
        await here.until(fused, "in_flight", WINDOW)
        seen.release.set()
        await here.until(fused, "in_flight", 0)
        assert seen.times == WINDOW, "nothing new was started"
        await fused.signal("resume")
        assert counts(await fused.result()) == (23, 0, 1, 0)
        assert await here.results(SpreadRef(scope=fused.id, spread="cases")) == await here.results(
            ref
        )
        assert {c.scope for c in seen.asked.values()} == {
            f"{name}-fused:lot-{n}" for n in range(COUNT)
        }
        assert {c.priority for c in seen.asked.values()} == {5}


async def test_a_batch_names_the_budget_its_cases_pay_from(address: str, tmp_path: Path) -> None:
    async with volume(address, tmp_path) as here:
        name = f"batch-{here.flows.queue}"
        for grade, work in (("v", CHILD), ("f", appraise_lot)):
            here.appraisers.release.clear()
            handle = await here.begin(f"{name}-{grade}", work, usd="0.5")
            await handle.signal("raise_budget", Raise(usd=Decimal("0.75")))
            here.appraisers.release.set()
            assert counts(await handle.result()) == (24, 0, 0, 0)
            assert {c.payer for c in here.appraisers.asked.values()} == {f"{handle.id} {BUDGET}"}
            view = await Budgets(here.store).view(handle.id, BUDGET)
            assert view is not None
            assert view.usd == Decimal("0.75")


APPRAISED = Records(Lot, Appraised, core=appraise_lot)
ENTRY = ProcessEntry("appraisal", "ap", "appraise a lot", lambda: APPRAISED)


async def test_the_command_from_lines_to_results(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lots = [Lot(case=f"lot-{n}", words="x" * n).model_dump_json() for n in range(COUNT)]
    given, results = tmp_path / "lots.jsonl", tmp_path / "results.jsonl"
    given.write_text("\n".join(["{", *lots, lots[5]]))
    async with volume(address, tmp_path) as here:
        here.appraisers.failing = frozenset({"lot-7"})
        here.appraisers.release.set()
        heard: list[str] = []
        session = Session(here.flows.client, Settings(data=tmp_path), None, None)

        async def batch(*, grade: str = "", **more: Any) -> tuple[str, list[dict[str, Any]]]:
            wish = starting.wish(grade, 10, "1", "", strict=False, sure=True)
            found = running.prepared(ENTRY, given, results, wish)
            to = {"as_json": True, "queue": here.flows.queue}
            await running.run(session, ENTRY, found, wish, results, **to, **more)  # type: ignore[arg-type]
            told, err = capsys.readouterr()  # what is told stands among lines of the log
            heard.append(err)
            name = json.JSONDecoder().raw_decode(told[told.index("{\n") :])[0]["batch"]
            return name, [json.loads(line) for line in results.read_text().splitlines()]

        first, lines = await batch()
        assert [line["state"] for line in lines] == [
            "refused",
            *["failed" if n == 7 else "succeeded" for n in range(COUNT)],
            "refused",
        ]
        assert [line["line"] for line in lines] == list(range(1, COUNT + 3))
        worth = {"case": "lot-3", "worth": 3}
        assert lines[4] == {"key": "lot-3", "line": 5, "state": "succeeded", "result": worth}
        assert "lot-5' stands there twice, first in line 7" in lines[-1]["error"]
        _, fused = await batch(grade="fused")
        assert fused == lines, "both grades alike"
        foreseen = None
        while foreseen is None:  # the service lists what has closed a moment later
            foreseen = await by_batches(here.flows.client, "appraisal", 2 * COUNT)
        assert " case(s) of batch-" in foreseen.by

        given.write_text(given.read_text().replace(lots[7], lots[7].replace("xxx", "yyy")))
        here.appraisers.failing = frozenset()
        here.appraisers.asked.clear()
        again, mended = await batch(redrive=first)
        assert list(here.appraisers.asked) == ["lot-7"], "what failed, and nothing else"
        assert {line["state"] for line in mended[1:-1]} == {"succeeded"}
        with pytest.raises(BadInput, match="in another grade, so all would be done again"):
            await batch(redrive=again, grade="fused")

        here.appraisers.release.clear()
        here.appraisers.full.clear()
        here.appraisers.times = 0
        running_one = asyncio.create_task(batch())
        await here.appraisers.full.wait()
        given.write_text(lots[0])
        here.appraisers.release.set()
        await running_one
        assert "has changed since it was read" in heard[-1]
