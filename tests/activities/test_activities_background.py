"""Background calls over HTTP: asked once, fetched by whoever is alive, also after a crash."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx
import pytest

from activities.llm.background import Background, in_background
from activities.llm.providers.openai import OPENAI
from activities.wire import HttpRequest, Reply, Wire
from runtime.settings import Settings
from simulator.config import Fault, FaultKind, SimulatorConfig
from simulator.server import running
from store.database import Store
from store.journal import CallEntry, Claim, Journal
from store.remotes import Remotes
from tests.activities.test_activities_batches import question
from tests.support.control import Control

ENTRY = CallEntry(key="k1", scope="case", branch="", call="ask_model", worker="w", vendor="openai")


def test_a_question_in_the_background_is_kept_and_not_streamed() -> None:
    body = {"model": "m", "stream": True, "stream_options": {}, "store": False}
    sent = in_background(HttpRequest("POST", "/responses", json.dumps(body).encode()))
    assert json.loads(sent.content) == {"model": "m", "background": True, "store": True}


@dataclass
class Desk(Control):
    """A worker's background calls, and the simulator's control address."""

    settings: Settings
    store: Store
    wire: Wire
    control: httpx.AsyncClient
    resumed: list[int] = field(default_factory=list)

    async def claim(self) -> Claim:
        claim = await Journal(self.store).claim(ENTRY)
        assert isinstance(claim, Claim)
        return claim

    async def ask(self, claim: Claim, patience: int = 20) -> Reply:
        endpoint = self.settings.endpoint("openai")
        request = OPENAI.build(question("openai", 1), None, endpoint)

        async def resumed(earlier: int) -> None:
            self.resumed.append(earlier)

        return await Background(self.store, self.wire, patience=patience).exchange(
            claim, "openai", endpoint, request, resumed=resumed
        )

    async def remote(self) -> str | None:
        found = await Remotes(self.store).take_over(Claim(1, ENTRY))
        return found.id if found else None


@pytest.fixture
async def desk(settings: Settings, store: Store, wire: Wire) -> AsyncIterator[Desk]:
    """A simulator that answers in a fifth of a second."""
    config = SimulatorConfig(seed=7, speed=50, error_rate=0)
    async with running(config) as url, httpx.AsyncClient(base_url=url, timeout=60) as control:
        there = replace(settings, simulator=url)
        yield Desk(there, store, wire, control)


@pytest.mark.server
async def test_the_answer_is_fetched_by_its_id_and_reads_as_any(desk: Desk) -> None:
    reply = await desk.ask(await desk.claim())
    parsed = OPENAI.parse(reply.body)
    assert (parsed.outcome, parsed.complete, bool(parsed.text)) == ("ok", True, True)
    assert (await desk.book())["billed"] == {"openai": 1}
    assert desk.resumed == []


@pytest.mark.server
async def test_after_a_crash_the_next_attempt_goes_on_and_pays_nothing(desk: Desk) -> None:
    first = await desk.claim()
    look = "/responses/"  # its answer keeps the call under way
    await desk.faults(Fault(service="openai", kind=FaultKind.SLOW, path=look, times=1, seconds=60))
    attempt = asyncio.create_task(desk.ask(first))
    await desk.book(lambda book: book["requests"].get("openai", 0) >= 2)  # asked, and looked at
    attempt.cancel()  # outside an activity nothing is called off: so looks a crash
    with pytest.raises(asyncio.CancelledError):
        await attempt
    reply = await desk.ask(await desk.claim())
    assert OPENAI.parse(reply.body).outcome == "ok"
    assert (await desk.book())["billed"] == {"openai": 1}
    assert desk.resumed == [first.id]


@pytest.mark.server
async def test_looks_that_fail_lose_nothing(desk: Desk) -> None:
    look = "/responses/"
    passing = [
        Fault(service="openai", kind=kind, path=look, times=1)
        for kind in (FaultKind.DOWN, FaultKind.OVERLOADED)
    ]
    await desk.faults(*passing)
    first = await desk.ask(await desk.claim())
    assert OPENAI.parse(first.body).outcome == "ok"

    await Remotes(desk.store).forget(ENTRY.key)
    await desk.faults(Fault(service="openai", kind=FaultKind.OVERLOADED, path=look))
    assert (await desk.ask(await desk.claim(), patience=1)).status == 503
    await desk.faults()
    later = await desk.ask(await desk.claim())
    assert OPENAI.parse(later.body).outcome == "ok"
    assert (await desk.book())["billed"] == {"openai": 2}, "two questions, each paid once"


@pytest.mark.server
async def test_an_answer_the_vendor_keeps_no_longer_is_asked_for_anew(desk: Desk) -> None:
    claim = await desk.claim()
    await Remotes(desk.store).keep(claim, "resp_long_gone")
    reply = await desk.ask(claim)
    assert OPENAI.parse(reply.body).outcome == "ok"
    assert (await desk.remote()) not in (None, "resp_long_gone")


@pytest.mark.server
async def test_a_refusal_is_given_back_and_nothing_kept(desk: Desk) -> None:
    await desk.faults(Fault(service="openai", kind=FaultKind.QUOTA, times=1))
    assert (await desk.ask(await desk.claim())).status == 429
    assert await desk.remote() is None
