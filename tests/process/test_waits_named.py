"""One real case in which everything is waited for, and every wait is named wherever it is told."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from cli.explanation import explanation
from cli.tail import Tail
from insight.graph.flow import Wait
from insight.history.reader import ordered
from insight.report import Report, report
from insight.shown.branches import nodes
from insight.shown.html import page
from insight.shown.inks import WAITS
from simulator.config import Fault, FaultKind
from store.limits import Override, override
from tests.support.world import Handle, World, case_file, silent

pytestmark = pytest.mark.server


def all_but_references(branches: list[dict[str, str]]) -> bool:
    """Tell whether nothing but references is under way: then only a message can go on."""
    checks = [b["state"] for b in branches if b["name"] in ("existence", "credit", "sanctions")]
    return checks == ["succeeded"] * 3


async def waited(here: World) -> Report:
    """Run a case whose vendor is paused and refuses once; referees and a person let it go on."""
    await here.faults(Fault(service="openai", kind=FaultKind.RATE_LIMITED, times=1, retry_after=0))
    await override(here.store, "openai", "", Override(paused=True))
    handle = await here.start(silent(case_file("unilever")))
    async with asyncio.timeout(120):
        while not await held(handle):
            await asyncio.sleep(0)
    await override(here.store, "openai", "", Override(paused=False))
    await here.until(handle, "branches", all_but_references)
    for party in ("trade-1", "trade-2"):
        said = {"party_id": party, "text": "Ten years, always paid on time."}
        await handle.signal("reference_reply", said)
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    return report(await handle.fetch_history())


async def held(handle: Handle) -> bool:
    """Tell whether the live view names a call that waits for a permit of the paused vendor."""
    tail = Tail(handle)
    tail.events = list(ordered(await handle.fetch_history()))
    known = tail.report()
    assert known is not None
    told = await tail.now(known)
    return any("ask_model held by a limit of openai" in node.doing for node in nodes(known, told))


async def test_every_wait_of_a_case_is_named_in_terminal_page_and_json(here: World) -> None:
    known = await waited(here)
    assert {wait for wait in Wait if not known.flow.waits.get(wait)} == set()

    shown = io.StringIO()
    console = Console(file=shown, width=100, color_system=None)
    console.print(explanation(known, console))
    assert [wait for wait in Wait if f"  {WAITS[wait].word} " not in shown.getvalue()] == []
    assert "retries  " in shown.getvalue()

    told = json.loads(known.model_dump_json())
    assert told["flow"]["waits"].keys() == set(Wait)
    drawn = page(known)
    run = json.loads(drawn[drawn.index('[{"report"') : drawn.index("</script>")])[0]
    assert run["report"]["flow"]["waits"].keys() == set(Wait)
    of_spans = {wait for parts in run["more"]["parts"] for wait, _ in parts}
    assert of_spans == {Wait.RUN, Wait.QUEUE, Wait.LIMITER, Wait.RETRY, Wait.TIMER}
