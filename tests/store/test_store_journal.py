"""The journal: claims, replies read back, and what the reports count."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import workers
from store.database import Store
from store.journal import CallEntry, Claim, ClaimState, Journal, StoredReply, call_key
from store.schema import claims
from store.uncertain import uncertain_of_late
from workflows.data.llm import Usage

SCOPE = "dd-1"
ENTRY = CallEntry("k1", SCOPE, "credit", "ask_model", "worker-1", "openai", "gpt")
REPLY = StoredReply(
    status=200,
    headers={"request-id": "r"},
    body=b'{"a": 1}',
    received_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    simulated=True,
    usage=Usage(input_tokens=10, cached_tokens=2, output_tokens=3, reasoning_tokens=1),
    usd=Decimal("0.000123"),
)


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store)


async def claimed(journal: Journal, entry: CallEntry = ENTRY) -> Claim:
    claim = await journal.claim(entry)
    assert isinstance(claim, Claim)
    return claim


async def closed(journal: Journal, key: str, state: ClaimState, why: str) -> None:
    claim = await claimed(journal, replace(ENTRY, key=key))
    async with journal._store.writing() as connection:
        await journal.close(connection, claim, state, why)


def test_the_key_is_the_content_of_the_request() -> None:
    key = call_key("s", "c", 1, {"a": 1, "b": "ä"}, 0)
    assert key == call_key("s", "c", 1, {"b": "\u00e4", "a": 1}, 0)
    assert len(key) == 64
    others = {
        call_key("t", "c", 1, {"a": 1, "b": "ä"}, 0),
        call_key("s", "d", 1, {"a": 1, "b": "ä"}, 0),
        call_key("s", "c", 2, {"a": 1, "b": "ä"}, 0),
        call_key("s", "c", 1, {"a": 2, "b": "ä"}, 0),
        call_key("s", "c", 1, {"a": 1, "b": "ä"}, 1),
    }
    assert len(others | {key}) == 6


def test_the_key_never_changes() -> None:
    """A change would make every case in flight pay again."""
    assert call_key("s", "c", 1, {"a": "ä"}, 0) == (
        "568a55fd6cce3062a37fb391a385956211179140574b28b4ca404bc6efc31bfe"
    )


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_parts_of_a_key_do_not_run_together(a: str, b: str, c: str, d: str) -> None:
    same = call_key(a, b, 1, {}, 0) == call_key(c, d, 1, {}, 0)
    assert same == ((a, b) == (c, d))


async def test_a_reply_is_read_back_whole(journal: Journal) -> None:
    assert await journal.read("k1") is None
    await journal.settle(await claimed(journal), REPLY)
    assert await journal.read("k1") == REPLY
    assert await journal.claim(ENTRY) == REPLY


async def test_open_and_lost_claims_are_uncertain(journal: Journal) -> None:
    await claimed(journal)
    await closed(journal, "k2", ClaimState.LOST, "cut off")
    await closed(journal, "k3", ClaimState.REFUSED, "busy")
    await journal.settle(await claimed(journal, replace(ENTRY, key="k4")), REPLY)
    await claimed(journal, replace(ENTRY, key="k5", scope="other"))
    rows = await journal.calls(SCOPE)
    assert [(r.key, r.state, r.reason) for r in rows] == [
        ("k1", ClaimState.OPEN, ""),
        ("k2", ClaimState.LOST, "cut off"),
        ("k3", ClaimState.REFUSED, "busy"),
        ("k4", ClaimState.SETTLED, ""),
    ]
    assert [r.usd for r in rows] == [None, None, None, Decimal("0.000123")]
    assert [r.key for r in await journal.uncertain(SCOPE)] == ["k1", "k2"]
    assert rows[0].closed_at is None
    assert rows[1].closed_at is not None
    assert rows[1].closed_at > rows[1].claimed_at


async def test_a_claim_left_open_by_a_crash_is_repeated_and_counted(journal: Journal) -> None:
    await claimed(journal)
    await journal.settle(await claimed(journal), at(journal, REPLY))
    assert len(await journal.uncertain(SCOPE)) == 1
    assert await journal.repeated_paid(SCOPE) == 0


def at(journal: Journal, reply: StoredReply) -> StoredReply:
    return replace(reply, received_at=journal._store.clock())


async def test_of_late_the_lost_and_those_of_dead_workers_are_uncertain(journal: Journal) -> None:
    store = journal._store
    assert await uncertain_of_late(store) == 0
    await claimed(journal, replace(ENTRY, key="flying", worker="alive"))
    await claimed(journal, replace(ENTRY, key="dead", worker="gone"))
    await closed(journal, "lost", ClaimState.LOST, "broken")
    await closed(journal, "refused", ClaimState.REFUSED, "429")
    await journal.settle(await claimed(journal, replace(ENTRY, key="answered")), REPLY)
    async with store.writing() as connection:
        await workers.beat(connection, "alive", store.clock().timestamp())
    assert await uncertain_of_late(store) == 2


async def test_a_second_reply_is_paid_again(journal: Journal) -> None:
    first, second = await claimed(journal), await claimed(journal)
    await journal.settle(first, at(journal, REPLY))
    await journal.settle(second, replace(at(journal, REPLY), body=b"other"))
    assert await journal.repeated_paid(SCOPE) == 1
    assert await journal.repeated_paid("other") == 0
    stored = await journal.read("k1")
    assert stored is not None
    assert stored.body == REPLY.body


async def test_a_free_source_asked_twice_at_once_is_not_paid_again(journal: Journal) -> None:
    free = replace(ENTRY, vendor="ofac", model="")
    first, second = await claimed(journal, free), await claimed(journal, free)
    await journal.settle(first, at(journal, REPLY))
    await journal.settle(second, at(journal, REPLY))
    assert await journal.repeated_paid(SCOPE) == 0


async def test_calls_of_one_key_fly_alone(journal: Journal) -> None:
    inside = asyncio.Event()

    async def second() -> None:
        async with journal.alone("k1"):
            assert inside.is_set()

    async with journal.alone("k1"):
        waiting = asyncio.ensure_future(second())
        async with journal.alone("k2"):
            assert not waiting.done()
        inside.set()
    await waiting


async def test_a_claim_made_although_a_reply_was_there_is_counted(
    journal: Journal, store: Store
) -> None:
    """The journal never makes one; the report must notice if it ever did."""
    await journal.settle(await claimed(journal), at(journal, REPLY))
    row = {column.name: "" for column in claims.columns if column.name != "id"}
    row |= {"key": "k1", "scope": SCOPE, "state": "open", "claimed_at": store.now()}
    async with store.writing() as connection:
        await connection.execute(claims.insert().values(row))
    assert await journal.repeated_paid(SCOPE) == 1


async def test_a_void_reply_is_kept_but_not_read_back(journal: Journal) -> None:
    await journal.settle(await claimed(journal), at(journal, REPLY))
    await journal.void("k1", "nonsense")
    assert await journal.read("k1") is None
    await journal.settle(await claimed(journal), at(journal, REPLY))
    assert await journal.read("k1") is not None
    assert await journal.repeated_paid(SCOPE) == 0
    assert len(await journal.calls(SCOPE)) == 2
