"""Several processes on one store: limits, shares and deaths, on virtual time."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from store.database import Store
from store.limits import Override, override, weigh
from store.workers import DEAD_AFTER
from tests.store.permit_world import World
from workflows.data.limits import Limits

pytestmark = pytest.mark.server


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


def world(store: Store, limits: Limits, seed: int = 1, jitter: float = 0.0) -> World:
    print(f"seed {seed}")
    return World(store, lambda _, model: Limits() if model else limits, seed, jitter)


@pytest.mark.parametrize(("seed", "jitter"), [(1, 0.0), (2, 0.05), (3, 0.5)])
async def test_no_window_of_the_vendor_is_ever_overrun(
    open_store: Store, seed: int, jitter: float
) -> None:
    here = world(open_store, Limits(requests=20, per=0.5), seed, jitter)
    for _ in range(2):
        here.work([("", 1.0, 3)], backlog=20)
    await here.run(2.0)
    assert here.fullest(0.5) <= 20
    if not jitter:
        assert len(here.sent) >= 0.95 * 80


async def test_tenants_share_over_all_processes(open_store: Store) -> None:
    here = world(open_store, Limits(requests=20, per=0.5))
    here.work([("a", 3.0, 3)], backlog=20)
    here.work([("b", 1.0, 3)], backlog=20)
    await here.run(2.0)
    count = Counter(one.tenant for one in here.sent[6:])  # the first were alone
    assert count["a"] / count["b"] == pytest.approx(3, rel=0.1)


async def test_a_weight_that_people_set_holds(open_store: Store) -> None:
    await weigh(open_store, "b", 9.0)
    await weigh(open_store, "b", 4.0)
    here = world(open_store, Limits(requests=20, per=0.5))
    here.work([("a", 1.0, 3), ("b", 1.0, 3)], backlog=20)
    await here.run(1.0)
    count = Counter(one.tenant for one in here.sent)
    assert count["b"] / count["a"] == pytest.approx(4, rel=0.1)


async def test_who_comes_first_goes_first_whatever_the_weights(open_store: Store) -> None:
    here = world(open_store, Limits(requests=20, per=0.5))
    here.work([("a", 9.0, 3)], backlog=20)
    here.work([("b", 1.0, 1)], backlog=20)
    await here.run(1.0)
    count = Counter(one.tenant for one in here.sent[10:])
    assert set(count) == {"b"}


async def test_what_a_dead_worker_held_is_free_again(open_store: Store) -> None:
    here = world(open_store, Limits(concurrency=2))
    dying, living = here.work([("", 1.0, 3)], 5), here.work([("", 1.0, 3)], 1)
    await here.turn(dying)
    assert len(here.sent) == 2
    here.workers.remove(dying)
    await here.run(DEAD_AFTER - 1)
    assert len(here.sent) == 2
    await here.run(3.0)
    assert len(here.sent) > 2
    assert here.sent[2].sent > here.sent[0].sent + DEAD_AFTER
    async with open_store.reading() as connection:
        rows = await connection.execute(text("SELECT DISTINCT worker FROM permits"))
        assert rows.scalars().all() == [living.desk.worker]


async def test_a_worker_that_only_slept_queues_anew(open_store: Store) -> None:
    here = world(open_store, Limits(concurrency=0))
    sleepy, other = here.work([("", 1.0, 3)], 2), here.work([("", 1.0, 3)], 1)
    await here.turn(sleepy)
    here.now += DEAD_AFTER + 2
    await here.turn(other)
    await here.turn(sleepy)
    async with open_store.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM permits")) == 3


async def test_limits_change_for_those_who_wait(open_store: Store) -> None:
    here = world(open_store, Limits(requests=5, per=0.5))
    here.work([("", 1.0, 3)], backlog=20)
    await here.run(1.0)
    before = len(here.sent)
    assert before <= 11
    await override(open_store, "openai", "", Override(Limits(requests=50, per=0.5)))
    await here.run(1.5)
    assert len(here.sent) - before > 50
    await override(open_store, "openai", "", Override(paused=True))
    await here.run(0.6)
    before = len(here.sent)
    await here.run(0.6)
    assert len(here.sent) == before


async def test_a_limit_halved_in_silence_is_found(open_store: Store) -> None:
    """As a sliding window of the vendor's; what it refuses it does not count."""
    here = world(open_store, Limits(requests=50, per=1.0))
    halved = here.now + 1.0
    here.refuse = lambda sending: (
        sending.seen > halved
        and sum(sending.seen - 1.0 < one.seen <= sending.seen for one in here.sent) >= 25
    )
    for _ in range(2):
        here.work([("", 1.0, 3)], backlog=20)
    await here.run(8.0)
    after = sum(one.seen > halved for one in here.sent)
    assert 0 < here.refused <= 10
    assert after > 0.6 * 175
