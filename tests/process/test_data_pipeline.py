"""The data pipeline on a real server: a growing source, lost answers, refusals, many histories."""

from typing import Any

import pytest

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.pipeline import PipelineOrder, PipelineOutcome, PipelineResult, RowsPage

pytestmark = pytest.mark.server
ORDER = example("data-pipeline/sales", PipelineOrder)


async def sold(here: World, count: int) -> int:
    """Let the shop sell, and give how many rows its till has then."""
    answer = (await here.http.post("/rows/rows", json={"count": count})).json()
    return int(answer["count"])


async def pages(here: World, handle: Handle) -> list[RowsPage]:
    """Give what the source answered."""
    events = (await handle.fetch_history()).events
    names = {e.event_id: e.activity_task_scheduled_event_attributes.activity_type for e in events}
    done = [e.activity_task_completed_event_attributes for e in events]
    decode = here.client.data_converter.decode
    return [
        (await decode(d.result.payloads, [RowsPage]))[0]
        for d in done
        if d.result.payloads and names[d.scheduled_event_id].name == "rows_page"
    ]


async def each_once(here: World, table: str, rows: int) -> dict[str, Any]:
    """Hold that every row of the source is in the table or aside, brought by one order."""
    book = await here.book()
    held = {
        n: r for n, r in book["held"]["table"].items() if n.startswith((f"{table}/", f"{table}-"))
    }
    assert len(held) == rows
    assert all(" " not in references for references in held.values()), "a row was brought twice"
    assert set(book["effects"]["by_action"].values()) <= {1}
    return held


async def next_run(
    here: World, last: PipelineResult, order: PipelineOrder = ORDER
) -> PipelineResult:
    """Run as a schedule does that has run before."""
    handle = await here.begin("data-pipeline", order.model_copy(update={"last": last}))
    return await here.done(handle, PipelineResult)


async def test_three_runs_over_a_growing_source_bring_every_row_once(here: World) -> None:
    total = await sold(here, 0)
    first = await here.done(await here.begin("data-pipeline", ORDER), PipelineResult)
    assert (first.outcome, first.watermark) == (PipelineOutcome.UP_TO_DATE, total)
    assert first.reasons
    total = await sold(here, 45)
    second = await next_run(here, first)
    assert second.loaded + second.set_aside == 45
    total = await sold(here, 130)
    third = await next_run(here, second)
    assert third.watermark == total
    held = await each_once(here, "sales", total)
    aside = sum(r.set_aside for r in (first, second, third))
    assert sum(n.startswith("sales-aside/") for n in held) == aside
    handle = await here.begin("data-pipeline", ORDER.model_copy(update={"last": third}))
    fourth = await here.done(handle, PipelineResult)
    assert (fourth.batches, fourth.watermark, fourth.etag) == (0, total, third.etag)
    assert await pages(here, handle) == [RowsPage(next=total, etag=third.etag)], (
        "unchanged: no read"
    )


async def test_histories_follow_one_another_and_lost_answers_bring_nothing_twice(
    here: World,
) -> None:
    """The table performs and its answer is lost, the source is away; two batches a history."""
    total = await sold(here, 0)
    await here.faults(
        Fault(service="table", kind=FaultKind.DROP, times=3),
        Fault(service="rows", kind=FaultKind.OVERLOADED, times=2),
    )
    order = ORDER.model_copy(update={"page": 20, "fresh": 2})
    handle = await here.begin("data-pipeline", order)
    done = await here.done(handle, PipelineResult)
    assert (done.watermark, done.batches) == (total, 6)
    assert (await handle.describe()).run_id != handle.first_execution_run_id
    await each_once(here, "sales", total)


async def test_a_source_that_counts_anew_stops_the_run_until_a_person_says_where_to_begin(
    here: World,
) -> None:
    total = await sold(here, 0)
    first = await here.done(
        await here.begin("data-pipeline", ORDER.model_copy(update={"batches": 1})), PipelineResult
    )
    await here.http.post("/rows/rows", json={"rebuilt": True})
    stopped = await next_run(here, first)
    assert (stopped.outcome, stopped.watermark) == (PipelineOutcome.STOPPED, 50)
    assert "`epoch: till-1` and `after: 0`" in stopped.why
    told = ORDER.model_copy(update={"epoch": "till-1", "table": "sales-anew"})
    again = await next_run(here, stopped, told)
    assert again.loaded + again.set_aside == total


async def test_a_run_ends_at_its_bound_and_the_next_goes_on_there(here: World) -> None:
    order = ORDER.model_copy(update={"batches": 1})
    first = await here.done(await here.begin("data-pipeline", order), PipelineResult)
    assert (first.outcome, first.watermark) == (PipelineOutcome.BOUND, 50)
    handle = await here.begin("data-pipeline", ORDER.model_copy(update={"after": first.watermark}))
    await here.done(handle, PipelineResult)
    await each_once(here, "sales", await sold(here, 0))


async def test_too_many_bad_rows_stop_the_run_before_they_are_loaded(here: World) -> None:
    strict = example("data-pipeline/strict", PipelineOrder)
    done = await here.done(await here.begin("data-pipeline", strict), PipelineResult)
    assert done.outcome is PipelineOutcome.STOPPED
    assert "tolerated are 10%" in done.why
    assert 0 < done.watermark < await sold(here, 0)
    assert done.loaded + done.set_aside == done.watermark
    await each_once(here, strict.table, done.watermark)


@pytest.mark.parametrize("service", ["rows", "table"])
async def test_a_service_that_refuses_stops_the_run_and_says_why(here: World, service: str) -> None:
    await here.faults(Fault(service=service, kind=FaultKind.ERROR, status=403))
    done = await here.done(await here.begin("data-pipeline", ORDER), PipelineResult)
    assert (done.outcome, done.watermark) == (PipelineOutcome.STOPPED, 0)
    assert f"{service} refused: 403" in done.why
