"""Estimates in the store: snapshots that stay, runs that count once, calls as they ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from store.database import Store
from store.errors import StoreError
from store.estimates import EstimateRow, Estimates, Snapshot, WireCall
from store.journal import GIVEN_UP, GONE_ON, CallEntry, Claim, ClaimState, Journal, StoredReply
from store.standing import FROM_CACHE
from workflows.data.llm import ModelRef, Usage

pytestmark = pytest.mark.server

DAY = datetime(2026, 11, 21, tzinfo=UTC)
WIRE = EstimateRow("", "", "openai", "big", True, n=40, p95=8.5, body="{}")
STEP = replace(WIRE, process="p", step="ask", n=3, p95=9)


@pytest.fixture
def estimates(store: Store) -> Estimates:
    return Estimates(store)


def snapshot(number: int) -> Snapshot:
    return Snapshot(number, DAY + timedelta(hours=number), runs=1, calls=2)


async def test_a_snapshot_stays_what_it_was(estimates: Estimates) -> None:
    assert (await estimates.snapshot(), await estimates.rows(9)) == (None, [])
    await estimates.keep(snapshot(1), [WIRE, STEP], ["run-1"])
    await estimates.keep(snapshot(2), [replace(WIRE, p95=4)], ["run-2"])
    assert (await estimates.snapshot(), await estimates.snapshot(1)) == (snapshot(2), snapshot(1))
    first, second = [{r.step: r for r in await estimates.rows(n)} for n in (1, 2)]
    assert (first[""].p95, second[""].p95) == (8.5, 4)
    assert (second["ask"].snapshot, second[""].snapshot) == (1, 2), "since when it stands"
    assert await estimates.known() == {"run-1", "run-2"}


async def test_two_who_learn_at_once_count_nothing_twice(estimates: Estimates) -> None:
    await estimates.keep(snapshot(1), [WIRE], ["run-1"])
    for new, runs in ((snapshot(1), ["run-2"]), (snapshot(2), ["run-1"])):
        with pytest.raises(StoreError, match="learn again"):
            await estimates.keep(new, [replace(WIRE, p95=1)], runs)
    assert (await estimates.known(), await estimates.snapshot()) == ({"run-1"}, snapshot(1))
    assert [r.p95 for r in await estimates.rows(1)] == [8.5]


async def test_only_what_rests_on_enough_calls_is_told_of_a_model(estimates: Estimates) -> None:
    few, live = replace(WIRE, model="small", n=29), replace(WIRE, simulated=False, p95=20)
    await estimates.keep(snapshot(1), [WIRE, STEP, few, live], [])
    big = ModelRef(vendor="openai", model="big")
    told = await estimates.models(simulated=True, least=30)
    assert {ref: row.p95 for ref, row in told.items()} == {big: 8.5}
    told = await estimates.models(simulated=False, least=30)
    assert {ref: row.p95 for ref, row in told.items()} == {big: 20}


async def test_calls_as_they_ended(store: Store, estimates: Estimates) -> None:
    journal, keys = Journal(store), iter("abcdefgh")

    async def claimed(worker: str = "w1", model: str = "big") -> Claim:
        entry = CallEntry(next(keys), "dd-1", "", "ask_model", worker, "openai", model)
        claim = await journal.claim(entry)
        assert isinstance(claim, Claim)
        return claim

    async def ended(claim: Claim, state: ClaimState, why: str) -> None:
        async with store.writing() as connection:
            await journal.close(connection, claim, state, why)

    reply = StoredReply(200, {}, b"", store.clock(), True, Usage(output_tokens=50))
    first = await claimed()
    await journal.settle(first, replace(reply, received_at=store.clock()))
    await ended(await claimed(), ClaimState.LOST, GIVEN_UP)
    await ended(await claimed(), ClaimState.REFUSED, "busy")
    await ended(await claimed(), ClaimState.REFUSED, GONE_ON)
    await ended(await claimed(), ClaimState.SETTLED, FROM_CACHE)
    await ended(await claimed("w2"), ClaimState.LOST, "cut off")
    await ended(await claimed(model=""), ClaimState.REFUSED, "a source, no model")
    await claimed()  # still open
    found = await estimates.ended(None, DAY + timedelta(days=1))
    assert [(c.answered, c.given_up, c.simulated) for c in found] == [
        (True, False, True),
        (False, True, True),
        (False, False, True),
        (False, False, None),
    ]
    assert (found[0].ended_at - found[0].claimed_at, found[0].output_tokens) == (
        timedelta(seconds=1),
        50,
    )
    split = found[1].ended_at
    parts: list[WireCall] = [
        *await estimates.ended(None, split),
        *await estimates.ended(split, DAY + timedelta(days=1)),
    ]
    assert parts == found, "a boundary counts nothing twice and loses nothing"
    assert await estimates.simulated() == {"dd-1": True}
