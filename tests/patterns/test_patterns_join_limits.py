"""The join contract, rows 19 to 21, 24 and 25: limits, joins of nothing, nesting, many branches."""

import asyncio
import sys
import tracemalloc
from datetime import UTC, datetime
from types import FrameType

import pytest

from tests.patterns.joining import (
    BOUND,
    Work,
    broken,
    counted,
    greedy,
    refused,
    seconds,
    statuses,
    timed,
)
from tests.patterns.virtual import DAY, Trail, run
from workflows.calls import open_door
from workflows.errors import DeadlinePassed, Misuse
from workflows.patterns import failure
from workflows.patterns.join import Branch, join
from workflows.patterns.outcome import Joined
from workflows.patterns.until import (
    Until,
    all_settled,
    all_succeed,
    at_least,
    first_settled,
    first_success,
    outcome,
)
from workflows.scope import current_scope

# ---- rows 19 to 21: limits, nothing, nesting -----------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
def test_row_19_never_more_than_the_limit_and_results_in_declaration_order(limit: int) -> None:
    trail = Trail()
    branches = {f"b{n}": trail.work(f"b{n}", (n * 7) % 5) for n in range(20)}
    joined = run(join(branches, limit=limit))
    assert trail.most == min(limit, 20)
    assert list(joined.values) == list(branches)


def test_row_19_what_ignores_its_timeout_keeps_its_slot_until_it_is_abandoned() -> None:
    trail = Trail()
    hung = Branch("hung", trail.stubborn("hung", 60), timeout=seconds(1))
    run(join([hung, Branch("next", trail.work("next", 1))], until=all_settled(), limit=1))
    assert (1 + BOUND, "next starts") in trail.log


def test_row_19_a_fallback_after_a_timeout_waits_for_a_slot_before_new_branches() -> None:
    trail = Trail()
    spare = failure.fallback(Branch("spare", trail.work("spare", 1)))
    hung = Branch("hung", trail.work("hung", 60), on_failure=spare, timeout=seconds(1))
    joined = run(join([hung, Branch("next", trail.work("next", 1))], limit=1))
    assert (joined["hung"].via, joined["hung"].value) == ("spare", "SPARE")
    assert trail.words[-4:] == ["spare starts", "spare done", "next starts", "next done"]
    assert trail.most == 1


@pytest.mark.parametrize(
    "until", [None, all_succeed(), all_settled(), all_settled().tolerate(share=0.5)]
)
def test_row_20_nothing_to_do_is_complete_at_once(until: Until | None) -> None:
    joined, at = run(timed(join({}, until=until, deadline=seconds(5))))
    assert (joined.reason, dict(joined.branches), joined.values, at) == ("complete", {}, {}, 0)


@pytest.mark.parametrize("until", [at_least(1), first_success(), first_settled()])
def test_row_20_something_of_nothing_is_refused(until: Until) -> None:
    with pytest.raises(Misuse, match="0 branches"):
        run(join({}, until=until))


def test_row_21_inner_reasons_are_visible() -> None:
    trail = Trail()

    async def inner() -> Joined:
        return await join({n: trail.work(n, DAY) for n in "xy"}, deadline=seconds(3))

    joined = run(join({"inner": inner, "a": trail.work("a", 9)}))
    within = joined.require("inner")
    assert (within.reason, statuses(within)) == ("deadline", "x:cancelled y:cancelled")


def test_row_21_an_outer_end_reaches_and_awaits_inner_branches() -> None:
    trail = Trail()
    scopes: list[str] = []

    async def tidy() -> None:
        scopes.append(current_scope().name)
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(2)
            trail.note("tidied")

    async def inner() -> Joined:
        return await join({"x": tidy, "y": trail.work("y", DAY)})

    joined, at = run(timed(join({"i": inner, "a": trail.work("a", 1)}, until=at_least(1))))
    assert (statuses(joined), at, scopes) == ("i:cancelled a:succeeded", 3, ["i/x"])
    assert trail.words[-2:] == ["y cancelled", "tidied"]


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_row_21_an_inner_join_that_ends_at_the_same_moment_is_seen_in_the_same_look(
    depth: int, order: str
) -> None:
    async def nested(left: int) -> str:
        if left == 0:
            return await Trail().work("a", 1)()
        works: dict[str, Work] = {"x": lambda: nested(left - 1), "y": Trail().work("y", DAY)}
        return str((await join(works, until=first_success())).require("x"))

    works: dict[str, Work] = {"a": lambda: nested(depth), "b": Trail().work("b", 1)}
    joined, at = run(timed(join({n: works[n] for n in order}, until=outcome(lambda _: True))))
    assert (joined.by, list(joined.values), at) == (order[0], list(order), 1)


def test_row_21_an_inner_join_that_is_still_cleaning_up_does_not_hold_the_outer_one() -> None:
    async def tidy() -> None:
        try:
            await asyncio.sleep(DAY)
        finally:
            await asyncio.sleep(5)

    async def inner() -> Joined:
        return await join({"x": Trail().work("x", 1), "y": tidy}, until=first_success())

    works: dict[str, Work] = {"i": inner, "a": Trail().work("a", 1)}
    joined = run(join(works, until=first_success()))
    assert (statuses(joined), joined["a"].ended) == (
        "i:cancelled a:succeeded",
        datetime.fromtimestamp(1, UTC),
    )


def test_row_21_abandoning_an_outer_branch_closes_the_inner_scopes() -> None:
    trail, bought = Trail(), list[float]()

    async def inner() -> Joined:
        return await join({"x": lambda: greedy(trail)})

    async def case() -> None:
        with open_door(counted(bought)):
            await join({"i": inner, "a": trail.work("a", 1)}, until=first_success())
            await asyncio.sleep(60)

    run(case(), collect=True)
    assert bought == [4, 8]


# ---- rows 24 and 25: many branches, hanging branches ---------------------------------------


def effort(count: int) -> int:
    """Count the function calls of a join of so many branches, each settling at its own time."""
    calls = 0

    def count_calls(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    branches = {str(n): Trail().work("x", 1 + n / 7) for n in range(count)}
    sys.setprofile(count_calls)
    try:
        joined = run(join(branches, until=at_least(count) | outcome(lambda _: False), limit=50))
    finally:
        sys.setprofile(None)
    assert list(joined.values) == list(branches)
    return calls


def test_row_24_the_effort_of_a_join_grows_linearly() -> None:
    effort(10)
    few, many = effort(125), effort(1000)
    assert many < 10 * few, f"8 times the branches cost {many / few:.1f} times the calls"


def held(count: int) -> int:
    """Count the bytes a join of so many branches holds at most."""
    branches = {str(n): Trail().work("x", 1 + n / 7) for n in range(count)}
    tracemalloc.start()
    try:
        run(join(branches, limit=50))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_row_24_the_memory_of_a_join_grows_linearly() -> None:
    held(10)
    few, many = held(125), held(1000)
    assert many < 10 * few, f"8 times the branches hold {many / few:.1f} times the bytes"


def test_row_24_a_thousand_branches_under_a_limit() -> None:
    trail = Trail()
    branches = {str(n): trail.work("x", 1) for n in range(1000)}
    joined, at = run(timed(join(branches, limit=100)))
    assert (joined.reason, len(joined.values), trail.most, at) == ("complete", 1000, 100, 10)


@pytest.mark.parametrize(
    ("policy", "status", "value"),
    [
        (failure.tolerate(), "failed", None),
        (failure.skip(), "skipped", None),
        (failure.default(7), "defaulted", 7),
    ],
    ids=["tolerate", "skip", "default"],
)
def test_row_25_a_branch_that_hangs_falls_to_its_policy_and_siblings_go_on(
    policy: failure.Policy, status: str, value: object
) -> None:
    trail = Trail()
    hung = Branch("hung", trail.work("hung", DAY), on_failure=policy, timeout=seconds(2))
    joined, at = run(timed(join([hung, Branch("a", trail.work("a", 5))])))
    assert (joined["hung"].status, joined["hung"].value) == (status, value)
    assert isinstance(joined["hung"].error, DeadlinePassed)
    assert (joined["a"].value, at) == ("A", 5)
    assert (2, "hung cancelled") in trail.log


def test_row_25_a_branch_that_hangs_under_fail_fails_the_join() -> None:
    hung = Branch("hung", Trail().work("hung", DAY), timeout=seconds(2))
    error, at = run(refused(join([hung, Branch("a", Trail().work("a", 5))])))
    assert (error.message, at) == (
        "branch 'hung' failed: DeadlinePassed: branch 'hung' took longer than 0:00:02",
        2,
    )


def test_row_25_the_timeout_does_not_bound_the_fallback() -> None:
    trail = Trail()
    spare = failure.fallback(Branch("spare", trail.work("spare", 9)))
    for work in (trail.work("bad", 2, error=broken()), trail.work("hung", DAY)):
        joined, at = run(timed(join([Branch("x", work, on_failure=spare, timeout=seconds(2))])))
        assert (joined["x"].value, joined["x"].via, at) == ("SPARE", "spare", 11)
        assert joined["x"].started == datetime.fromtimestamp(0, UTC)
    assert trail.words.count("spare starts") == 2
