"""Effects: performed once, repeated only where that is safe, unclear where nobody can tell."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import text

from activities.effects.doors import EffectActivities
from activities.wire import Wire
from runtime.settings import Settings
from store.breakers import BreakerRule, Breakers, BreakerState
from store.database import Store
from store.ledger import Ledger, LedgerState
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import SCOPE, fails, run
from workflows import calls
from workflows.data.effects import (
    AccountAction,
    AccountOrder,
    ChatOrder,
    EffectReceipt,
    EffectState,
    MailOrder,
)
from workflows.data.pipeline import PageOfRows, RowsPage

ORDER = AccountOrder(
    action=AccountAction.SET_LIMIT, case="acme", limit=Decimal("10000.00"), currency="EUR"
)
MAIL = MailOrder(
    template="reference",
    party_id="ref-1",
    to="prompt@trade.example",
    subject="A reference",
    body="Do they pay?",
    reply_signal="reference_reply",
)
CHAT = ChatOrder(template="review", number=1, text="A case waits.")
DONE = said({"reference": "r-1"})
UNAVAILABLE = Canned(503, b"{}")


@pytest.fixture
def effects(settings: Settings, store: Store, wire: Wire) -> EffectActivities:
    return EffectActivities(settings, store, wire)


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)


async def order(effects: EffectActivities, attempt: int = 1) -> EffectReceipt:
    return await run(calls.ACCOUNT, effects.account_service, ORDER, attempt=attempt)


async def chat(effects: EffectActivities, attempt: int = 1) -> EffectReceipt:
    return await run(calls.CHAT, effects.chat_message, CHAT, attempt=attempt)


async def states(ledger: Ledger) -> list[LedgerState]:
    return [row.state for row in await ledger.effects(SCOPE)]


# ---- rows: read, never claimed ---------------------------------------------------------------


async def test_rows_the_source_says_are_unchanged_are_not_read_again(
    world: Outside, effects: EffectActivities
) -> None:
    """And 304 to a question that named no version is no answer."""

    async def page(etag: str = "") -> RowsPage:
        query = PageOfRows(after=7, limit=5, etag=etag)
        return await run(calls.EXTRACT, effects.rows_page, query)

    world.will(said({"rows": [], "next": 7, "epoch": "a"}, etag='"v1"'), Canned(304, b""))
    first = await page()
    assert first == RowsPage(next=7, epoch="a", etag='"v1"')
    assert await page(first.etag) == RowsPage(next=7, etag='"v1"')
    assert [s.headers.get("if-none-match") for s in world.seen] == [None, '"v1"']
    world.will(Canned(304, b""))
    failed = await fails(calls.EXTRACT, effects.rows_page, PageOfRows(after=7, limit=5))
    assert failed.type == "EffectRequestRefused"


# ---- accounts: safe to repeat ---------------------------------------------------------------


async def test_an_order_is_posted_under_its_key(
    world: Outside, effects: EffectActivities, ledger: Ledger
) -> None:
    world.will(DONE)
    receipt = await order(effects)
    assert (receipt.reference, receipt.state) == ("r-1", EffectState.DONE)
    seen = world.seen[0]
    assert (seen.path, seen.headers["idempotency-key"]) == ("/accounts/orders", receipt.key)
    assert AccountOrder.model_validate_json(seen.body) == ORDER
    assert await states(ledger) == [LedgerState.DONE]


async def test_a_settled_order_is_not_posted_again(
    world: Outside, effects: EffectActivities, ledger: Ledger
) -> None:
    world.will(DONE)
    assert await order(effects) == await order(effects, attempt=2)
    assert len(world.seen) == 1
    assert await ledger.duplicates(SCOPE) == 0


@pytest.mark.parametrize(
    "canned", [Canned(cut=0), UNAVAILABLE, Canned(500), Canned(200, b"<html>"), said({"x": 1})]
)
async def test_an_unanswered_order_is_repeated_under_the_same_key(
    canned: Canned, world: Outside, effects: EffectActivities, ledger: Ledger
) -> None:
    world.will(canned, DONE)
    error = await fails(calls.ACCOUNT, effects.account_service, ORDER)
    assert (error.type in {"EffectUnavailable", "EffectNonsense"}, error.non_retryable) == (
        True,
        False,
    )
    assert await states(ledger) == [LedgerState.CLAIMED]
    assert (await order(effects, attempt=2)).reference == "r-1"
    keys = [seen.headers["idempotency-key"] for seen in world.seen]
    assert keys[0] == keys[1]
    assert await ledger.duplicates(SCOPE) == 0


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_refused_order_is_final_and_leaves_no_claim(
    status: int, world: Outside, effects: EffectActivities, ledger: Ledger
) -> None:
    world.will(said({"error": "no such customer"}, status))
    error = await fails(calls.ACCOUNT, effects.account_service, ORDER)
    assert (error.type, error.non_retryable) == ("EffectRefused", True)
    assert f"{status} no such customer" in error.message
    assert await states(ledger) == []


async def test_another_order_under_the_same_key_is_a_conflict(
    world: Outside, effects: EffectActivities
) -> None:
    world.will(DONE)
    await order(effects)
    other = ORDER.model_copy(update={"limit": Decimal(1)})
    error = await fails(calls.ACCOUNT, effects.account_service, other)
    assert (error.type, error.non_retryable) == ("EffectConflict", True)
    assert len(world.seen) == 1


@pytest.mark.parametrize("canned", [Canned(cut=0), UNAVAILABLE])
async def test_an_order_is_left_alone_while_its_breaker_is_open_and_is_not_lost(
    canned: Canned, store: Store, world: Outside, ledger: Ledger, effects: EffectActivities
) -> None:
    most = BreakerRule().at_least
    world.will(*[canned] * most)
    for _ in range(most + 1):
        error = await fails(calls.ACCOUNT, effects.account_service, ORDER)
        assert (error.type, error.non_retryable) == ("EffectUnavailable", False)
    assert len(world.seen) == most, "the last one was not even tried"
    assert "left alone" in error.message
    (view,) = await Breakers(store).views()
    assert (view.service, view.state) == ("accounts", BreakerState.OPEN)
    async with store.writing() as connection:
        await connection.execute(text("DELETE FROM breakers"))
    world.will(DONE)
    assert (await order(effects, 2)).state is EffectState.DONE
    assert await states(ledger) == [LedgerState.DONE]


# ---- chat: never a reason to fail -----------------------------------------------------------


async def test_a_message_is_posted_once(world: Outside, effects: EffectActivities) -> None:
    world.will(said({"ok": True}))
    assert (await chat(effects)).state is EffectState.DONE
    assert (await chat(effects, attempt=2)).state is EffectState.DONE
    assert [seen.path for seen in world.seen] == ["/chat/webhook"]
    assert world.seen[0].json()["text"] == "A case waits."


@pytest.mark.parametrize("canned", [Canned(cut=0), Canned(500), Canned(404)])
async def test_a_message_in_trouble_is_unclear(
    canned: Canned, world: Outside, effects: EffectActivities
) -> None:
    world.will(canned)
    assert (await chat(effects)).state is EffectState.UNCLEAR


async def test_a_busy_channel_is_tried_until_the_last_attempt(
    world: Outside, effects: EffectActivities
) -> None:
    world.will(UNAVAILABLE, UNAVAILABLE)
    error = await fails(calls.CHAT, effects.chat_message, CHAT)
    assert error.non_retryable is False
    assert (await chat(effects, attempt=calls.CHAT.attempts)).state is EffectState.UNCLEAR


# ---- where effects go -----------------------------------------------------------------------


async def test_live_effects_still_go_to_the_simulator(
    world: Outside, settings: Settings, store: Store, wire: Wire
) -> None:
    world.will(DONE)
    live = EffectActivities(replace(settings, live=True), store, wire)
    assert (await order(live)).reference == "r-1"


async def test_live_without_a_simulator_is_a_clear_error(store: Store, settings: Settings) -> None:
    nowhere = Settings(data=settings.data, live=True)
    wire = Wire(nowhere)
    live = EffectActivities(nowhere, store, wire)
    errors = (
        await fails(calls.ACCOUNT, live.account_service, ORDER),
        await fails(calls.MAIL, live.send_mail, MAIL),
        await fails(calls.CHAT, live.chat_message, CHAT),
    )
    for error in errors:
        assert (error.type, error.non_retryable) == ("NotConfigured", True)
        assert "set BRAID_SIMULATOR" in error.message
    await wire.close()
