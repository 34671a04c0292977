"""One real case in which everything is waited for, and every wait is named wherever it is told."""

import asyncio
import io
import json

import pytest
from rich.console import Console

from cli.explanation import explanation
from insight.flow import Wait
from insight.html import page
from insight.inks import WAITS
from insight.report import Report, report
from simulator.config import Fault, FaultKind
from store.limits import Override, override
from store.pool_states import pool_states
from tests.support.world import World, case_file

pytestmark = pytest.mark.server


async def waited(here: World) -> Report:
    """Run a case whose vendor is paused at first and then refuses once, and that a person ends."""
    await here.faults(Fault(service="openai", kind=FaultKind.RATE_LIMITED, times=1, retry_after=0))
    await override(here.store, "openai", "", Override(paused=True))
    handle = await here.start(case_file("unilever"))
    async with asyncio.timeout(20):
        while not await held(here):
            await asyncio.sleep(0)
    await override(here.store, "openai", "", Override(paused=False))
    await here.gate(handle)
    await here.decide(handle, "approve", "ana")
    await here.result(handle)
    return report(await handle.fetch_history())


async def held(here: World) -> bool:
    """Tell whether a call waits for a permit of the paused vendor."""
    pools = await pool_states(here.store, here.settings.models.limits)
    return any(pool.waiting for pool in pools if pool.service == "openai")


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
