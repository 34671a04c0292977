"""Permits: what is handed out, given back, and never leaks."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.admission import Admission, Permit
from store.database import Store
from store.errors import StoreError
from store.fairness import Need
from store.limits import Override, override
from workflows.data.limits import Limits

NEED = Need("openai", "gpt")


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


def admission(store: Store, **limits: Any) -> Admission:
    """Limit the service, not the model."""
    return Admission(store, lambda _, model: Limits() if model else Limits(**limits), "w")


async def take(_connection: AsyncConnection) -> tuple[bool, str]:
    return True, "taken"


async def enter(gate: Admission, need: Need = NEED) -> Permit:
    permit, value = await gate.enter(need, take)
    assert permit is not None
    assert value == "taken"
    return permit


async def state(store: Store) -> tuple[int, int, int]:
    """Give rows of permits, requests that occupy the window, and unfinished ones."""
    async with store.reading() as connection:
        rows = await connection.scalar(text("SELECT count(*) FROM permits"))
        query = "SELECT sum(used), sum(flying) FROM pools WHERE model = ''"
        sums = await connection.execute(text(query))
        used, flying = sums.one()
    return rows or 0, used, flying


async def settled() -> None:
    """Let every task go as far as it can without the store."""
    for _ in range(9):
        await asyncio.sleep(0)


async def test_without_limits_nothing_is_written(open_store: Store) -> None:
    gate = admission(open_store)
    permit = await enter(gate)
    permit.accepted()
    await permit.close(tokens=5)
    assert await state(open_store) == (0, 0, 0)
    await gate.close()


async def test_what_is_answered_or_hopeless_waits_for_no_permit(open_store: Store) -> None:
    gate = admission(open_store, concurrency=1)
    first = await enter(gate)

    async def answered(_connection: AsyncConnection) -> str:
        return "found"

    async def hopeless(_connection: AsyncConnection) -> str:
        raise LookupError

    assert await gate.enter(NEED, take, answered) == (None, "found")
    with pytest.raises(LookupError):
        await gate.enter(NEED, take, hopeless)
    assert await state(open_store) == (1, 0, 1)
    await first.close()
    await gate.close()


async def test_a_permit_is_counted_until_it_is_given_back(open_store: Store) -> None:
    gate = admission(open_store, concurrency=1)
    first = await enter(gate)
    assert await state(open_store) == (1, 0, 1)
    second = asyncio.create_task(enter(gate))
    _, _, flying = await state(open_store)
    assert flying == 1, "the second waits; it may have a row already"
    await first.close()
    await first.close()  # once is enough
    await (await second).close()
    assert await state(open_store) == (0, 0, 0)
    await gate.close()


async def test_what_is_not_used_goes_back(open_store: Store) -> None:
    gate = admission(open_store, concurrency=1)

    async def answered(_connection: AsyncConnection) -> tuple[bool, str]:
        return False, "read back"

    assert await gate.enter(NEED, answered) == (None, "read back")
    assert await state(open_store) == (0, 0, 0)
    await gate.close()


@pytest.mark.parametrize("limits", [{}, {"concurrency": 1}], ids=["free", "limited"])
@pytest.mark.parametrize(
    "error", [ValueError("no money left"), OperationalError("x", {}, Exception("disk full"))]
)
async def test_an_error_of_take_reaches_its_call_alone(
    open_store: Store, error: Exception, limits: dict[str, int]
) -> None:
    gate = admission(open_store, **limits)

    async def fails(_connection: AsyncConnection) -> tuple[bool, str]:
        raise error

    failing = asyncio.create_task(gate.enter(NEED, fails))
    other = asyncio.create_task(enter(gate))
    with pytest.raises(type(error)) as caught:
        await failing
    assert caught.value is error
    await (await other).close()
    assert (await state(open_store))[2] == 0
    await gate.close()


async def test_who_gives_up_waiting_leaves_nothing(open_store: Store) -> None:
    gate = admission(open_store, concurrency=0)
    waiting = [asyncio.create_task(enter(gate)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # before its first turn
    while (await state(open_store))[0] < 2:
        await asyncio.sleep(0)
    for task in waiting[1:]:
        task.cancel()
    assert all(
        isinstance(e, asyncio.CancelledError)
        for e in await asyncio.gather(*waiting, return_exceptions=True)
    )
    while (await state(open_store))[0]:
        await asyncio.sleep(0)
    await gate.close()


async def test_a_cancellation_while_it_is_handed_out_lets_the_caller_clean_up(
    open_store: Store,
) -> None:
    gate = admission(open_store, concurrency=1)
    closed = []

    async def call() -> None:
        async def cancelled(_connection: AsyncConnection) -> tuple[bool, str]:
            task.cancel()
            return True, "claimed"

        permit, value = await gate.enter(NEED, cancelled)
        assert permit is not None
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await permit.close()
            closed.append(value)
            raise

    task = asyncio.create_task(call())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["claimed"]
    assert (await state(open_store))[2] == 0
    await gate.close()


async def test_a_pause_is_lifted_for_those_who_wait(open_store: Store) -> None:
    gate = admission(open_store, concurrency=5)
    await override(open_store, "openai", "", Override(paused=True))
    waiting = asyncio.create_task(enter(gate))
    while (await state(open_store))[0] == 0:
        await asyncio.sleep(0)
    assert not waiting.done()
    await override(open_store, "openai", "", Override())
    await (await waiting).close()
    await gate.close()


async def test_a_worker_that_stops_gives_back_what_it_held(open_store: Store) -> None:
    gate, other = (admission(open_store, concurrency=1) for _ in range(2))
    await enter(gate)
    here, there = (asyncio.create_task(enter(one)) for one in (gate, other))
    while (await state(open_store))[0] < 3:
        await asyncio.sleep(0)
    await gate.close()
    with pytest.raises(StoreError, match="stopping"):
        await here
    with pytest.raises(StoreError, match="stopping"):
        await enter(gate)
    await (await there).close()
    assert (await state(open_store))[2] == 0
    await other.close()


async def test_people_see_what_is_used_and_who_waits(open_store: Store) -> None:
    gate = admission(open_store, requests=5, concurrency=1, per=60.0)
    first = await enter(gate, Need("openai", "gpt", tokens=7, tenant="acme"))
    waiting = asyncio.create_task(enter(gate, Need("openai", "gpt", tenant="bolt")))
    while (await state(open_store))[0] < 2:
        await asyncio.sleep(0)
    whole, model = await gate.pools()
    assert (whole.service, whole.model, model.model) == ("openai", "", "gpt")
    assert (whole.used, whole.tokens, whole.flying) == (1, 7, 1)
    assert whole.waiting == model.waiting == {"bolt": 1}
    await first.close(tokens=3, limited=True)
    (whole, _) = await gate.pools()
    assert (whole.used, whole.tokens, whole.flying) == (1, 3, 0)
    assert whole.paused_until is not None
    assert whole.factor < 1
    waiting.cancel()
    await gate.close()


async def test_a_model_without_room_holds_up_no_other_model(open_store: Store) -> None:
    def known(_service: str, model: str) -> Limits:
        return Limits(concurrency=1 if model == "small" else 9)

    gate = Admission(open_store, known, "w")
    small, large = Need("openai", "small"), Need("openai", "large", priority=5)
    first = await enter(gate, small)
    second = asyncio.create_task(enter(gate, small))
    while (await state(open_store))[0] < 2:
        await asyncio.sleep(0)
    await (await enter(gate, large)).close()
    assert not second.done()
    await first.close()
    await (await second).close()
    await gate.close()


async def test_a_transaction_that_fails_for_others_is_done_again(open_store: Store) -> None:
    gate = admission(open_store, concurrency=1)

    async def nothing(_connection: AsyncConnection) -> None: ...

    async def breaks(_connection: AsyncConnection) -> None:
        raise OperationalError("x", {}, Exception("database is locked"))

    async with open_store.writing():  # so that the next two come into one group
        doing = [asyncio.create_task(gate.grouped.do(nothing))]
        await settled()
        entering = asyncio.create_task(enter(gate))
        doing.append(asyncio.create_task(gate.grouped.do(breaks)))
        await settled()
    assert isinstance((await asyncio.gather(*doing, return_exceptions=True))[1], OperationalError)
    await (await entering).close()
    assert await state(open_store) == (0, 0, 0)
    await gate.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_cancellations_at_any_moment_leak_nothing(open_store: Store, seed: int) -> None:
    print(f"seed {seed}")
    random, gate = Random(seed), admission(open_store, requests=10_000, concurrency=3)  # noqa: S311
    taken: list[int] = []
    known: list[int] = []

    async def call(number: int) -> None:
        async def claim(_connection: AsyncConnection) -> tuple[bool, int]:
            taken.append(number)
            return True, number

        permit, value = await gate.enter(NEED, claim)
        assert permit is not None
        known.append(value)
        try:
            await asyncio.sleep(random.uniform(0, 0.01))
            permit.accepted()
        finally:
            await asyncio.shield(permit.close())

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(call(number))
        await asyncio.sleep(random.uniform(0, 0.1))
        task.cancel()
        await asyncio.wait([task])

    await asyncio.gather(*(cancelled(number) for number in range(60)))
    await (await enter(gate)).close()  # all that was noted before is written with it
    assert (await state(open_store))[2] == 0
    assert sorted(known) == sorted(taken), "nothing was claimed for a call that never knew"
    async with open_store.reading() as connection:
        left = "SELECT count(*) FROM permits WHERE state <> 'closed'"
        assert await connection.scalar(text(left)) == 0
    await gate.close()
