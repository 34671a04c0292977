"""Spread on a virtual-time loop: chunks as tasks, items that take time, every word of the promise.

What only child workflows can show (histories, continue-as-new, worker, store) is in tests/flows.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tests.patterns.spreading import PAGE, SCORE, Score, Scored, Scorer, item, scores
from tests.patterns.virtual import elapsed, run
from workflows.calls import ASK_MODEL, open_door
from workflows.data.spread import LISTED, MOST_BYTES, ItemPage, SpreadRef, SpreadResult, Tolerance
from workflows.errors import Misuse, NotInStep, SpreadFailed
from workflows.grades import step
from workflows.patterns.spread import Pages, results_of, spread, tolerating
from workflows.patterns.spread_work import Child
from workflows.scope import OwnCase, current_case

REF = SpreadRef(scope="here", spread="score")


def ran(
    scorer: Scorer,
    work: Callable[[], Coroutine[Any, Any, SpreadResult]],
    *,
    collect: bool = True,
) -> tuple[SpreadResult, float]:
    """Run on virtual time behind the scorer's door; give the result and when it came."""

    async def behind() -> tuple[SpreadResult, float]:
        with open_door(scorer):
            return await work(), elapsed()

    return run(behind(), collect=collect)


def spreading(scorer: Scorer, items: Any, **options: Any) -> tuple[SpreadResult, float]:
    return ran(scorer, lambda: spread("score", items, SCORE, **options))


def counts(result: SpreadResult) -> tuple[int, int, int, int]:
    return (result.succeeded, result.already, result.failed, result.not_run)


# ---- the window ----------------------------------------------------------------------------


def test_every_item_is_done_once_and_its_result_is_kept() -> None:
    scorer = Scorer()
    result, took = spreading(scorer, scores(100), window=10, chunk=30)
    assert (result.reason, result.total, result.chunks) == ("complete", 100, 4)
    assert counts(result) == (100, 0, 0, 0)
    assert set(scorer.done.values()) == {1}
    assert scorer.states(result.ref) == {"succeeded": 100}
    assert took == 10, "ten rounds of ten, and no barrier between chunks"


@settings(max_examples=150, print_blob=True, deadline=None)
@given(
    takes=st.lists(st.sampled_from([0.0, 1.0, 2.0, 7.0, 30.0]), min_size=1, max_size=60),
    window=st.integers(1, 20),
    chunk=st.integers(1, 30),
)
def test_the_window_is_never_exceeded_and_never_idle(
    takes: list[float], window: int, chunk: int
) -> None:
    """At any moment as many items run as the window allows or as are left."""
    items = {f"c-{n}": Score(subject=f"c-{n}", takes=t) for n, t in enumerate(takes)}
    scorer = Scorer()
    work = partial(spread, "score", items, SCORE, window=window, chunk=chunk)
    result, _ = ran(scorer, work, collect=False)
    assert counts(result) == (len(takes), 0, 0, 0)
    assert scorer.most <= window
    for running, started in scorer.levels.values():
        assert running == min(window, running + len(takes) - started)


@pytest.mark.parametrize("chunk", [20, 100])
def test_a_straggler_holds_one_slot_and_nothing_else(chunk: int) -> None:
    """One item takes an hour; the others use the nine slots left, over all chunks."""
    items = scores(300) | {"c-5": Score(subject="c-5", takes=3600)}
    scorer = Scorer()
    _, took = spreading(scorer, items, window=10, chunk=chunk)
    assert took < 3603
    alone = [time for time, (running, _) in scorer.levels.items() if running == 1]
    assert alone[0] <= 35, "299 items in nine slots"
    for running, started in scorer.levels.values():
        assert running == min(10, running + 300 - started)


def test_order_of_items_does_not_matter() -> None:
    there = dict(scores(40))
    back = dict(reversed(there.items()))
    failing = frozenset({"c-3", "c-30"})
    one, other = Scorer(failing=failing), Scorer(failing=failing)
    first, _ = spreading(one, there, window=7, chunk=9, tolerate=tolerating(count=2))
    second, _ = spreading(other, back, window=7, chunk=9, tolerate=tolerating(count=2))
    assert counts(first) == counts(second) == (38, 0, 2, 0)
    assert sorted(first.failed_keys) == sorted(second.failed_keys) == ["c-3", "c-30"]
    assert sorted(map(str, one.kept(REF))) == sorted(map(str, other.kept(REF)))


def test_more_chunks_than_one_run_takes_go_on_in_the_next() -> None:
    scorer = Scorer()
    result, _ = spreading(scorer, scores(120), window=5, chunk=1)
    assert (result.chunks, counts(result)) == (120, (120, 0, 0, 0))
    assert set(scorer.done.values()) == {1}


def test_no_items_are_complete_at_once_without_any_call() -> None:
    scorer = Scorer()
    result, took = spreading(scorer, {})
    assert (result.reason, result.total, took) == ("complete", 0, 0)
    assert not scorer.asked


def test_results_are_written_together_but_none_waits_for_more_than_a_window() -> None:
    scorer = Scorer()
    items = {k: Score(subject=k, takes=1 + n / 128) for n, k in enumerate(scores(100))}
    spreading(scorer, items, window=10, chunk=100)
    assert 10 <= scorer.asked["keep_results"] <= 20
    alone = Scorer()
    spreading(alone, scores(10), window=1, chunk=100)
    assert alone.asked["keep_results"] == 10


# ---- failures ------------------------------------------------------------------------------


def test_failures_within_the_tolerance_are_counted_named_and_kept() -> None:
    failing = frozenset({"c-7", "c-70"})
    scorer = Scorer(failing=failing)
    result, _ = spreading(scorer, scores(100), window=10, tolerate=tolerating(share=0.02))
    assert (result.reason, counts(result)) == ("complete", (98, 0, 2, 0))
    assert set(result.failed_keys) == failing
    errors = {r.key: r.error for r in scorer.kept(REF) if r.error}
    assert errors == dict.fromkeys(failing, "Unlucky: no luck")


@pytest.mark.parametrize(
    "tolerate", [tolerating(count=2), tolerating(share=0.029)], ids=["count", "share"]
)
def test_one_failure_too_many_stops_early_and_keeps_what_finished(tolerate: Any) -> None:
    scorer = Scorer(failing=frozenset(f"c-{n}" for n in range(0, 100, 10)))
    result, took = spreading(scorer, scores(100), window=10, chunk=20, tolerate=tolerate)
    assert result.reason == "too_many_failures"
    assert 3 <= result.failed <= 7, "more only if they failed at the same instant"
    assert took < 5
    assert result.not_run >= 50
    states = scorer.states(REF)
    assert (states["succeeded"], states["failed"]) == (result.succeeded, result.failed)
    assert sum(scorer.done.values()) == result.succeeded + result.failed
    assert scorer.running == 0


def test_by_default_no_failure_is_tolerated() -> None:
    result, _ = spreading(Scorer(failing=frozenset({"c-4"})), scores(100), window=5)
    assert (result.reason, result.failed) == ("too_many_failures", 1)
    assert result.not_run > 80


def test_the_summary_names_a_bounded_number_of_failures() -> None:
    scorer = Scorer(failing=frozenset(scores(300)))
    result, _ = spreading(scorer, scores(300), tolerate=tolerating(share=1))
    assert (result.failed, len(result.failed_keys)) == (300, LISTED)
    assert scorer.states(REF) == {"failed": 300}


def test_a_store_that_cannot_keep_results_ends_the_spread() -> None:
    """Nothing more is bought when nothing can be kept."""
    scorer = Scorer(broken=frozenset({"keep_results"}))
    with pytest.raises(SpreadFailed, match=r"keep_results is broken; .* redrive the rest"):
        spreading(scorer, scores(100), window=5)
    assert scorer.started <= 10


def test_a_result_too_large_fails_its_item_alone() -> None:
    scorer = Scorer()
    big = "x" * (MOST_BYTES // 2)
    items = {"big": Score(subject=big), "small": Score(subject="s")}

    async def twice(call: Any, request: Any) -> Any:
        answer = await scorer(call, request)
        more = isinstance(answer, Scored) and answer.subject == big
        return answer.model_copy(update={"subject": big * 3}) if more else answer

    async def work() -> SpreadResult:
        with open_door(twice):
            return await spread("score", items, SCORE, tolerate=tolerating(count=1))

    result = run(work())
    assert (result.failed_keys, result.succeeded) == (("big",), 1)
    assert next(r.error for r in scorer.kept(REF) if r.error).endswith("give a reference instead")


# ---- redrive and cancel ----------------------------------------------------------------------


def test_a_redrive_does_what_failed_and_nothing_else() -> None:
    failing = frozenset(f"c-{n}" for n in range(0, 100, 33))
    scorer = Scorer(failing=failing)
    first, _ = spreading(scorer, scores(100), tolerate=tolerating(share=1))
    assert counts(first) == (96, 0, 4, 0)
    scorer.failing = frozenset()
    scorer.done.clear()
    second, _ = spreading(scorer, scores(100), redrive=first)
    assert counts(second) == (100, 96, 0, 0)
    assert scorer.done == dict.fromkeys(failing, 1)
    assert scorer.states(REF) == {"succeeded": 100}
    assert second.ref == first.ref


def test_a_redrive_of_what_is_done_asks_for_no_item() -> None:
    scorer = Scorer()
    first, _ = spreading(scorer, scores(30))
    scorer.done.clear()
    second, _ = spreading(scorer, scores(30), redrive=first.ref)
    assert (second.reason, counts(second), scorer.done) == ("complete", (30, 30, 0, 0), {})


def test_an_item_whose_request_changed_is_done_again() -> None:
    scorer = Scorer()
    spreading(scorer, scores(3))
    scorer.done.clear()
    result, _ = spreading(scorer, scores(3) | {"c-1": Score(subject="other")})
    assert (counts(result), scorer.done) == ((3, 2, 0, 0), {"other": 1})


def test_cancelling_keeps_what_finished_and_a_redrive_does_the_rest() -> None:
    scorer = Scorer()

    async def half_way() -> None:
        with open_door(scorer):
            task = asyncio.ensure_future(spread("score", scores(100), SCORE, window=10, chunk=20))
            await asyncio.sleep(4.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (scorer.running, elapsed()) == (0, 4.5)
            assert scorer.states(REF)["succeeded"] == 40

    run(half_way(), collect=True)
    kept = dict(scorer.done)
    result, _ = spreading(scorer, scores(100), chunk=20, redrive=REF)
    assert counts(result) == (100, 40, 0, 0)
    assert {key: scorer.done[key] for key in kept} == kept
    assert set(scorer.done.values()) == {1}


def test_cancelling_writes_what_waited_to_be_written_with_others() -> None:
    scorer = Scorer(keeping=0.25)
    items = scores(3) | {f"slow-{n}": Score(subject=f"slow-{n}", takes=9) for n in range(17)}

    async def too_early() -> None:
        with open_door(scorer):
            task = asyncio.ensure_future(spread("score", items, SCORE, window=10))
            await asyncio.sleep(1.5)
            assert scorer.states(REF) == {"open": 20}
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert scorer.states(REF) == {"open": 17, "succeeded": 3}
            assert elapsed() == 1.75

    run(too_early(), collect=True)


def test_results_are_read_page_by_page() -> None:
    scorer = Scorer(failing=frozenset({"c-9"}))

    async def work() -> list[tuple[str, Scored]]:
        with open_door(scorer):
            done = await spread("score", scores(450), SCORE, tolerate=tolerating(count=1))
            return [found async for found in results_of(done, Scored)]

    found = dict(run(work()))
    assert found == {k: Scored(subject=k, points=len(k)) for k in scores(450) if k != "c-9"}
    assert scorer.asked["spread_results"] == 3


# ---- sources and work --------------------------------------------------------------------------


def paged(*pages: ItemPage) -> Scorer:
    return Scorer(pages={str(n) if n else "": page for n, page in enumerate(pages)})


def test_a_source_is_read_page_by_page_to_its_end() -> None:
    """Pages may be short or empty; the total may be unknown until the end."""
    scorer = paged(
        ItemPage(items=(item("a"), item("b")), next="1"),
        ItemPage(items=(), next="2"),
        ItemPage(items=(item("c"),), next=""),
    )
    result, _ = spreading(scorer, Pages(PAGE, {"of": "today"}), chunk=2)
    assert (result.total, result.chunks, counts(result)) == (3, 3, (3, 0, 0, 0))
    assert scorer.asked["keep_items"] == 0


def test_a_share_of_an_unknown_total_is_judged_once_the_last_page_is_read() -> None:
    """Pages are read one chunk ahead: the sixth while the fifth is done."""
    pages = [ItemPage(items=(item(f"i{n}"),), next=str(n + 1)) for n in range(5)]
    scorer = paged(*pages, ItemPage(items=(item("i5"),)))
    scorer.failing = frozenset({"i0", "i1"})
    result, _ = spreading(scorer, Pages(PAGE), tolerate=tolerating(share=0.3), window=1, chunk=1)
    assert (result.reason, result.total) == ("too_many_failures", 6)
    assert (result.succeeded, result.failed) == (2, 2)


ONE = ItemPage(items=(item("a"),), next="1")


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ((ItemPage(items=(item("a"), item("a"))),), "gave item 'a' twice"),
        ((ONE, ItemPage(items=(item("a"),))), "item 'a' stands on two pages"),
        ((ONE, ItemPage(items=(item("b"),), next="1")), "it would never end"),
        ((ItemPage(items=tuple(item(f"i{n}") for n in range(9))),), "9 items where 5 were asked"),
    ],
    ids=["twice on a page", "on two pages", "follows itself", "more than asked for"],
)
def test_a_source_that_cannot_be_trusted_ends_the_spread(
    pages: tuple[ItemPage, ...], why: str
) -> None:
    with pytest.raises(SpreadFailed, match=why):
        spreading(paged(*pages), Pages(PAGE), chunk=5)


def test_a_source_that_breaks_stops_the_chunks_that_run() -> None:
    some = tuple(item(f"i{n}") for n in range(40))
    scorer = paged(ItemPage(items=some, next="lost"))
    with pytest.raises(SpreadFailed, match="KeyError: 'lost'"):
        spreading(scorer, Pages(PAGE), window=10, chunk=40)
    assert scorer.started == 5, "those of the first instant"


class Sum(Score):
    """Scores a subject twice."""

    times: int = Field(default=2, ge=1)


@step("score-twice", Sum, Scored)
async def score_twice(request: Sum) -> Scored:
    """Score as often as asked."""
    from workflows.calls import ask

    points = 0
    for _ in range(request.times):
        points += (await ask(SCORE, Score(subject=request.subject))).points
    return Scored(subject=request.subject, points=points)


def test_the_work_may_be_a_step() -> None:
    scorer = Scorer()
    items = {f"c-{n}": Sum(subject=f"c-{n}") for n in range(5)}
    result, took = ran(scorer, lambda: spread("score", items, score_twice, window=5))
    assert (counts(result), took) == ((5, 0, 0, 0), 2)
    assert {r.value["points"] for r in scorer.kept(REF) if isinstance(r.value, dict)} == {6}


def test_each_item_of_a_child_is_a_case_of_its_own_and_reads_what_it_paid_for() -> None:
    cases: dict[str, OwnCase | None] = {}

    async def door(call: Any, request: Any) -> Any:
        if call.name == "score":
            cases[request.subject] = current_case()
        else:
            assert current_case() is None, "the store's Calls are the spread's"
        return await scorer(call, request)

    scorer = Scorer(failing=frozenset({"c-1"}))
    child = Child("score", Score, Scored)

    async def work(redrive: SpreadRef | None = None) -> SpreadResult:
        with open_door(door):
            return await spread(
                "score", scores(2), child, redrive=redrive, tolerate=tolerating(count=1)
            )

    assert counts(run(work())) == (1, 0, 1, 0)
    assert cases == {f"c-{n}": OwnCase(f"here.score:c-{n}") for n in range(2)}
    run(work(SpreadRef(scope="earlier", spread="old")))
    assert cases["c-1"] == OwnCase("here.score:c-1", origins=("earlier.old:c-1",))


# ---- misuse: before anything runs --------------------------------------------------------------


async def _closure(request: Score) -> Scored:
    return Scored(subject=request.subject, points=0)


PAIRS = [("a", Score(subject="a")), ("a", Score(subject="b"))]
HUGE = {"a": Score(subject="x" * MOST_BYTES)}


@pytest.mark.parametrize(
    ("items", "options", "why"),
    [
        (PAIRS, {}, "items named twice: a; rename them"),
        (scores(2), {"window": 0}, "window=0 lets nothing run"),
        (scores(2), {"chunk": 0}, "chunk=0 is not 1 to 1000"),
        (scores(2), {"chunk": 5000}, "its history must stay bounded"),
        ({"a b": Score(subject="a")}, {}, "'a b' is no item key"),
        ({"a": Scored(subject="a", points=1)}, {}, "item 'a' is a Scored, the work takes a Score"),
        (HUGE, {}, "give a reference to it"),
        ([Score(subject="a")], {}, r"an item of type Score; give {key: request, ...}"),
        (["ab"], {}, "an item of type str; give {key"),
        (None, {}, "an item of type NoneType; give {key"),
        ({1: Score(subject="a")}, {}, "item key 1 is of type int; use text, as 'c-1'"),
        ([([], Score(subject="a"))], {}, r"item key \[\] is of type list; use text"),
        (scores(2), {"window": 1.5}, "window=1.5 lets nothing run; use a whole number"),
        (scores(2), {"window": "5"}, "window='5' lets nothing run"),
        (scores(2), {"chunk": 1.5}, "chunk=1.5 is not 1 to 1000"),
        (scores(2), {"tolerate": Tolerance()}, r"Tolerance\(\) tolerates every failure; use toler"),
        (scores(2), {"tolerate": Tolerance(count=-1)}, "count=-1.* can never be kept; use tolera"),
        (scores(2), {"tolerate": Tolerance(share=1.5)}, "share=1.5.* can never be kept"),
        (scores(2), {"tolerate": 3}, r"tolerate is of type int; use tolerating\(count=...\)"),
        (scores(2), {"redrive": "score"}, "redrive is of type str; give the earlier result"),
    ],
)
def test_misuse_is_refused_before_anything_runs(
    items: Any, options: dict[str, Any], why: str
) -> None:
    scorer = Scorer()
    with pytest.raises(Misuse, match=why):
        spreading(scorer, items, **options)
    assert not scorer.asked


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(Misuse, match="lower-case words"):
        ran(Scorer(), lambda: spread("My Spread", scores(1), SCORE))


def test_a_name_of_another_type_is_refused() -> None:
    with pytest.raises(Misuse, match="spread 5: a name is lower-case words"):
        ran(Scorer(), lambda: spread(5, scores(1), SCORE))  # type: ignore[arg-type]


def test_a_call_whose_queue_each_request_names_is_refused() -> None:
    """Without a queue of its own its items would wait where nobody answers them."""
    scorer = Scorer()
    with pytest.raises(Misuse, match=r"'ask_model' is told its queue .* module-level @step"):
        ran(scorer, lambda: spread("score", {}, ASK_MODEL))
    with pytest.raises(Misuse, match="Pages: 'ask_model' is told its queue by each request"):
        Pages(ASK_MODEL)  # type: ignore[arg-type]
    assert not scorer.asked


@pytest.mark.parametrize(
    ("call", "about", "why"),
    [
        (None, {}, "the source of Pages is of type NoneType; give a Call from PageQuery"),
        (PAGE, {"since": object()}, "Pages of 'page': `about` is no JSON"),
        (PAGE, 5, "Pages of 'page': `about` is no JSON"),
    ],
)
def test_a_source_that_is_none_is_refused_when_built(call: Any, about: Any, why: str) -> None:
    with pytest.raises(Misuse, match=why):
        Pages(call, about)


def test_work_without_a_name_is_refused() -> None:
    with pytest.raises(Misuse, match=r"neither a Call, a @step nor a Child.* write a module"):
        ran(Scorer(), lambda: spread("score", scores(1), _closure))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({}, "either count or share"),
        ({"count": 1, "share": 0.5}, "either count or share"),
        ({"count": -1}, "0 or more"),
        ({"share": 1.5}, "from 0 to 1"),
        ({"count": 1.5}, "whole number"),
        ({"count": "1"}, "whole number"),
        ({"share": "0.5"}, "from 0 to 1"),
    ],
)
def test_an_impossible_tolerance_is_refused(bounds: dict[str, Any], why: str) -> None:
    with pytest.raises(Misuse, match=why):
        tolerating(**bounds)


def test_a_spread_inside_a_fused_step_is_refused() -> None:
    async def inside() -> None:
        with open_door(Scorer(), refuse=NotInStep):
            await spread("score", scores(1), SCORE)

    with pytest.raises(NotInStep, match="spread 'score'"):
        run(inside())
