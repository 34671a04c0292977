"""Items and results of spreads in a real store."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from activities.results import ResultActivities
from store.database import Store
from store.errors import StoreError
from store.results import Results
from workflows.data.common import JSON
from workflows.data.spread import (
    MOST_BYTES,
    ClaimedItem,
    Item,
    ItemBatch,
    ItemClaim,
    ItemResult,
    ItemState,
    PageQuery,
    ResultBatch,
    ResultQuery,
    SpreadRef,
)

REF = SpreadRef(scope="dd-1", spread="score")
OTHER = SpreadRef(scope="dd-2", spread="score")


@pytest.fixture
def results(store: Store) -> Results:
    return Results(store)


@pytest.fixture
def doors(store: Store) -> ResultActivities:
    return ResultActivities(store)


def claim(
    *keys: str, run: str = "r1", chunk: int = 1, digest: str = "d", ref: SpreadRef = REF
) -> ItemClaim:
    items = tuple(ClaimedItem(key=key, digest=digest) for key in keys)
    return ItemClaim(ref=ref, run=run, chunk=chunk, items=items)


def good(key: str, value: JSON = None, digest: str = "d") -> ItemResult:
    return ItemResult(key=key, digest=digest, state=ItemState.SUCCEEDED, value=value)


def bad(key: str) -> ItemResult:
    return ItemResult(key=key, digest="d", state=ItemState.FAILED, error="no luck")


def batch(*kept: ItemResult, ref: SpreadRef = REF) -> ResultBatch:
    return ResultBatch(ref=ref, results=kept)


async def stored(results: Results, ref: SpreadRef = REF) -> dict[str, ItemResult]:
    return {r.key: r for r in await results.read(ResultQuery(ref=ref), MOST_BYTES)}


async def test_a_result_is_read_back_whole(results: Results) -> None:
    await results.claim(claim("a", "b", "c"))
    await results.keep(batch(good("a", {"points": 3, "of": ["ä", None]}), bad("b")))
    assert await stored(results) == {
        "a": good("a", {"points": 3, "of": ["ä", None]}),
        "b": bad("b"),
        "c": ItemResult(key="c", digest="d", state=ItemState.OPEN),
    }
    assert await results.counts(REF) == {
        ItemState.SUCCEEDED: 1,
        ItemState.FAILED: 1,
        ItemState.OPEN: 1,
    }
    assert await results.counts(OTHER) == {}


async def test_keeping_and_claiming_may_be_repeated(results: Results) -> None:
    assert await results.claim(claim("a", "b")) == ()
    assert await results.claim(claim("a", "b")) == ()
    await results.keep(batch(good("a", 1), bad("b")))
    before = await stored(results)
    await results.keep(batch(good("a", 1), bad("b")))
    assert await stored(results) == before


async def test_a_success_stands_whatever_comes_later(results: Results) -> None:
    await results.claim(claim("a"))
    await results.keep(batch(good("a", "first")))
    await results.keep(batch(bad("a")))
    await results.keep(batch(good("a", "second")))
    assert (await stored(results))["a"].value == "first"


async def test_a_later_run_gets_the_successes_and_opens_the_rest(results: Results) -> None:
    await results.claim(claim("a", "b", "c"))
    await results.keep(batch(good("a", 1), bad("b")))
    assert await results.claim(claim("c", "b", "a", run="r2", chunk=7)) == ("a",)
    states = {key: result.state for key, result in (await stored(results)).items()}
    assert states == {"a": ItemState.SUCCEEDED, "b": ItemState.OPEN, "c": ItemState.OPEN}
    await results.keep(batch(good("b", 2)))
    assert (await stored(results))["b"] == good("b", 2)


async def test_a_success_of_another_request_is_done_anew(results: Results) -> None:
    await results.claim(claim("a"))
    await results.keep(batch(good("a", "old")))
    assert await results.claim(claim("a", run="r2", digest="e")) == ()
    await results.keep(batch(good("a", "late answer to the old request")))
    assert (await stored(results))["a"].state == ItemState.OPEN
    await results.keep(batch(good("a", "new", digest="e")))
    assert (await stored(results))["a"] == good("a", "new", digest="e")


async def test_a_key_in_two_chunks_of_one_run_is_refused_and_nothing_is_claimed(
    results: Results,
) -> None:
    await results.claim(claim("a", "b"))
    with pytest.raises(StoreError, match="item 'b' stands on the page of chunk 1 and again on"):
        await results.claim(claim("c", "b", chunk=2))
    assert set(await stored(results)) == {"a", "b"}
    await results.claim(claim("b", chunk=2, ref=OTHER))


async def test_results_of_different_spreads_do_not_meet(results: Results) -> None:
    await results.claim(claim("a"))
    await results.claim(claim("a", ref=OTHER))
    await results.keep(batch(good("a", "mine")))
    assert (await stored(results, OTHER))["a"].state == ItemState.OPEN


async def test_more_keys_than_one_statement_may_name(results: Results) -> None:
    keys = [f"k{n:04}" for n in range(1000)]
    await results.claim(claim(*keys))
    await results.keep(batch(*(good(key, n) for n, key in enumerate(keys))))
    assert await results.claim(claim(*keys, run="r2")) == tuple(keys)


async def test_chunks_claim_and_keep_at_once(results: Results) -> None:
    async def one(chunk: int) -> None:
        keys = [f"{chunk}-{n}" for n in range(20)]
        await results.claim(claim(*keys, chunk=chunk))
        await results.keep(batch(*(good(key) for key in keys)))

    await asyncio.gather(*(one(chunk) for chunk in range(10)))
    assert await results.counts(REF) == {ItemState.SUCCEEDED: 200}


KEYS = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)


@settings(
    max_examples=40,
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(runs=st.lists(st.tuples(KEYS, st.dictionaries(st.sampled_from("abcdef"), st.booleans()))))
async def test_runs_in_any_order_never_lose_a_success(
    store: Store, runs: list[tuple[list[str], dict[str, bool]]]
) -> None:
    """Oracle: the set of keys that were claimed and succeeded, run after run."""
    results, won = Results(store), frozenset[str]()
    ref = SpreadRef(scope=f"h-{store.now()}", spread="score")
    for number, (keys, ends) in enumerate(runs):
        done = await results.claim(claim(*keys, run=f"r{number}", ref=ref))
        assert done == tuple(key for key in keys if key in won)
        ended = [good(k) if ends[k] else bad(k) for k in keys if k in ends and k not in done]
        await results.keep(batch(*ended, ref=ref))
        won |= {r.key for r in ended if r.state == ItemState.SUCCEEDED}
    found = await stored(results, ref)
    assert {k for k, r in found.items() if r.state == ItemState.SUCCEEDED} == won


# ---- the doors -------------------------------------------------------------------------------


def items(count: int, size: int = 1) -> tuple[Item, ...]:
    return tuple(Item(key=f"k{n}", request={"text": "x" * size}) for n in range(count))


def query(cursor: str = "", limit: int = 10, total: int = 25, name: str = "l") -> PageQuery:
    about: dict[str, JSON] = {"scope": "dd-1", "list": name, "total": total}
    return PageQuery(about=about, cursor=cursor, limit=limit)


async def test_kept_items_come_back_in_pages(doors: ResultActivities) -> None:
    kept = items(25)
    await doors.keep_items(ItemBatch(scope="dd-1", list="l", first=0, items=kept[:15]))
    for _ in range(2):
        await doors.keep_items(ItemBatch(scope="dd-1", list="l", first=15, items=kept[15:]))
    pages = [await doors.kept_items(query(cursor)) for cursor in ("", "10", "20")]
    assert tuple(item for page in pages for item in page.items) == kept
    assert [(page.next, page.total) for page in pages] == [("10", 25), ("20", 25), (None, 25)]


async def test_a_page_stays_small_enough_for_the_wire(doors: ResultActivities) -> None:
    kept = items(4, MOST_BYTES // 2)
    await doors.keep_items(ItemBatch(scope="dd-1", list="l", first=0, items=kept))
    page = await doors.kept_items(query(total=4))
    assert (len(page.items), page.next) == (1, "1")
    assert len((await doors.kept_items(query(cursor="3", total=4))).items) == 1


async def test_items_that_are_not_there_are_missed(doors: ResultActivities) -> None:
    """A worker with another store must not pass for an empty source."""
    with pytest.raises(ApplicationError, match=r"holds 0 of 25 items .* use one store"):
        await doors.kept_items(query())


@pytest.mark.parametrize(
    "wrong", [query(cursor="x"), PageQuery(about={"list": "l"}, limit=1)], ids=["cursor", "about"]
)
async def test_a_query_for_no_list_is_refused(doors: ResultActivities, wrong: PageQuery) -> None:
    with pytest.raises(ApplicationError, match="no list of items") as caught:
        await doors.kept_items(wrong)
    assert caught.value.non_retryable


async def test_results_come_page_by_page_and_by_state(doors: ResultActivities) -> None:
    keys = [f"k{n}" for n in range(7)]
    await doors.claim_items(claim(*keys))
    await doors.keep_results(batch(*(good(k, k) for k in keys[:5]), bad("k5")))
    first = await doors.spread_results(ResultQuery(ref=REF, state=ItemState.SUCCEEDED, limit=3))
    assert ([r.key for r in first.results], first.next) == (["k0", "k1", "k2"], "k2")
    rest = await doors.spread_results(
        ResultQuery(ref=REF, state=ItemState.SUCCEEDED, limit=3, after="k2")
    )
    assert ([r.value for r in rest.results], rest.next) == (["k3", "k4"], None)
    failed = await doors.spread_results(ResultQuery(ref=REF, state=ItemState.FAILED))
    assert failed.results == (bad("k5"),)


async def test_a_key_claimed_twice_is_misuse_and_never_retried(doors: ResultActivities) -> None:
    await doors.claim_items(claim("a"))
    with pytest.raises(ApplicationError, match="give each item a key of its own") as caught:
        await doors.claim_items(claim("a", chunk=2))
    assert (caught.value.type, caught.value.non_retryable) == ("Misuse", True)


async def test_results_are_read_as_they_were_kept(
    doors: ResultActivities, results: Results
) -> None:
    await results.claim(claim("a", "b", "c", "d"))
    for keys in ("c", "ab"):
        await results.keep(batch(*map(good, keys)))
    read: list[str] = []
    query = ResultQuery(ref=REF, since="0", limit=1)
    while True:
        page = await doors.spread_results(query)
        read += [r.key for r in page.results]
        last = page.results[-1]
        query = query.model_copy(update={"since": last.at, "after": last.key})
        if page.next is None:
            break
    assert read == ["c", "a", "b"], "the open one is not among them"
    assert (await doors.spread_results(query)).results == ()
    await results.keep(batch(bad("d")))
    (late,) = (await doors.spread_results(query)).results
    assert (late.key, late.state) == ("d", ItemState.FAILED)
