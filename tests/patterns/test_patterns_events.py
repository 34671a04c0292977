"""Events on a virtual-time loop: conditions, early arrivals, duplicates, bounds, next runs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.virtual import DAY, elapsed, run
from workflows.calls import open_door
from workflows.data.common import Record
from workflows.data.events import Arrival, Event, InboxState
from workflows.errors import Misuse, NotInStep
from workflows.patterns.events import Inbox, Received
from workflows.patterns.wanted import Named, Some, Wanted, all_of, any_of, k_of, named

FIVE = ("ana", "bo", "cy", "dee", "eve")


def event(name: str, id: str = "1", sender: str = "shop") -> Event:
    return Event(name=name, id=id, sender=sender)


def done(child: str) -> Event:
    return event("completed", "end", child)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


# ---- five completions ----------------------------------------------------------------------


async def aggregated(order: tuple[str, ...], early: int) -> tuple[list[int], list[str]]:
    """Give how many distinct completions had come when aggregation started, and what it got."""
    inbox = Inbox("parent")
    started: list[int] = []
    came: list[str] = []
    got: list[str] = []

    async def aggregate() -> None:
        received = await inbox.wait(named("completed", times=5), deadline=seconds(60))
        started.append(len(came))
        got.extend(a.event.sender for a in received.events)

    def say(child: str) -> None:
        if child not in came:
            came.append(child)
        inbox.take(done(child))

    for child in order[:early]:
        say(child)
        say(child)
    waiting = asyncio.ensure_future(aggregate())
    await settled()
    for n, child in enumerate(order[early:], start=early):
        assert started == []
        say(child)
        say(order[n // 2])  # one that came before comes again
        await settled()
    await waiting
    return started, got


def test_aggregation_starts_exactly_at_the_fifth_completion_in_all_120_orders() -> None:
    """With duplicates of each, and with none to four come before anybody waits (and all five)."""

    async def all_orders() -> int:
        count = 0
        for order, early in product(permutations(FIVE), range(6)):
            started, got = await aggregated(order, early)
            assert started == [5], (order, early)
            assert got == list(order), (order, early)
            count += 1
        return count

    assert run(all_orders()) == 120 * 6


def test_what_met_a_wait_is_frozen_at_that_event() -> None:
    """What comes in the same instant after it is not part of it."""

    async def story() -> Received:
        inbox = Inbox("p")
        waiting = asyncio.ensure_future(inbox.wait(named("bid", times=2), deadline=None))
        await settled()
        for id in "abc":
            inbox.take(event("bid", id))
        return await waiting

    assert [a.event.id for a in run(story()).events] == ["a", "b"]


# ---- conditions ----------------------------------------------------------------------------

TABLE: list[tuple[Wanted, str, bool]] = [
    (named("a"), "", False),
    (named("a"), "b", False),
    (named("a"), "a", True),
    (named("a") & named("b"), "a", False),
    (named("a") & named("b"), "ab", True),
    (named("a") | named("b"), "b", True),
    (named("a") & (named("b") | named("c")), "bc", False),
    (named("a") & (named("b") | named("c")), "ca", True),
    (k_of(2, "a", "b", "c"), "c", False),
    (k_of(2, "a", "b", "c"), "ca", True),
    (all_of("a", "b", "c"), "ab", False),
    (all_of("a", "b", "c"), "cba", True),
    (any_of("a", "b"), "c", False),
    (any_of("a", "b"), "cb", True),
    (k_of(2, named("a") & named("b"), "c", "d"), "ac", False),
    (k_of(2, named("a") & named("b"), "c", "d"), "abc", True),
]


@pytest.mark.parametrize(("wanted", "came", "met"), TABLE, ids=lambda v: str(v) or "nothing")
def test_a_condition_is_met_by_what_it_says(wanted: Wanted, came: str, met: bool) -> None:
    async def story() -> Received:
        inbox = Inbox("p")
        for name in came:
            inbox.take(event(name, name))
        return await inbox.wait(wanted, deadline=seconds(5))

    received = run(story())
    assert received.complete is met
    assert bool(received.missing) is not met


def test_times_and_sender_narrow_a_name() -> None:
    async def story() -> tuple[Received, Received]:
        inbox = Inbox("p")
        for id, sender in (("1", "x"), ("2", "x"), ("1", "y")):
            inbox.take(event("done", id, sender))
        by = await inbox.wait(named("done", times=2, by="y"), deadline=seconds(1))
        return by, await inbox.wait(named("done", times=3), deadline=seconds(1))

    by_y, any_three = run(story())
    assert (by_y.complete, by_y.missing) == (False, ("done by y (1 more)",))
    assert [a.event.sender for a in any_three.events] == ["x", "x", "y"]


def test_chains_of_one_kind_are_one_condition() -> None:
    chain = named("a") & named("b") & named("c") & (named("d") | named("e") | named("f"))
    assert str(chain) == "(a & b & c & (d | e | f))"


NAMES = "abcd"
conditions: st.SearchStrategy[Wanted] = st.recursive(
    st.builds(named, st.sampled_from(NAMES), times=st.integers(1, 2)),
    lambda inner: st.lists(inner, min_size=1, max_size=3, unique=True).flatmap(
        lambda parts: st.integers(1, len(parts)).map(lambda k: k_of(k, *parts))
    ),
    max_leaves=6,
)


@given(conditions, st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 2)), max_size=12))
@settings(max_examples=150, deadline=None, print_blob=True)
def test_a_wait_ends_at_the_first_event_that_meets_it(
    wanted: Wanted, said: list[tuple[str, int]]
) -> None:
    """Against an oracle that counts names; never earlier, never later, never by a duplicate."""

    def oracle(part: Wanted, counts: dict[str, int]) -> bool:
        if isinstance(part, Some):
            return sum(oracle(p, counts) for p in part.parts) >= part.count
        assert isinstance(part, Named)
        return counts.get(part.name, 0) >= part.times

    async def story() -> None:
        inbox = Inbox("p")
        waiting = asyncio.ensure_future(inbox.wait(wanted, deadline=None))
        distinct: dict[tuple[str, int], None] = {}
        for name, id in said:
            await settled()
            met = oracle(wanted, counted(distinct))
            assert waiting.done() is met
            distinct[name, id] = None
            inbox.take(event(name, f"{name}{id}"))
        await settled()
        assert waiting.done() is oracle(wanted, counted(distinct))
        waiting.cancel()
        if not waiting.cancelled() and waiting.done():
            assert waiting.result().missing == ()

    run(story())


def counted(distinct: dict[tuple[str, int], None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, _ in distinct:
        counts[name] = counts.get(name, 0) + 1
    return counts


# ---- time, several waits, forgetting -------------------------------------------------------


def test_at_the_deadline_what_came_is_kept_with_time_and_sender() -> None:
    async def story() -> tuple[Received, float]:
        inbox = Inbox("p")
        loop = asyncio.get_running_loop()
        loop.call_later(10, inbox.take, event("paid", "7", "bank"))
        loop.call_later(2 * DAY, inbox.take, event("shipped", "8", "carrier"))
        received = await inbox.wait(named("paid") & named("shipped"), deadline=timedelta(days=1))
        return received, elapsed()

    received, ended = run(story())
    assert ended == DAY
    assert (received.complete, received.missing) == (False, ("shipped",))
    (paid,) = received.of("paid")
    assert (paid.event.sender, paid.at.timestamp()) == ("bank", 10.0)


def test_an_event_at_the_very_deadline_counts() -> None:
    async def story() -> bool:
        inbox = Inbox("p")
        asyncio.get_running_loop().call_later(5, inbox.take, event("paid"))
        return (await inbox.wait("paid", deadline=seconds(5))).complete

    assert run(story())


def test_several_waits_see_the_same_event_and_one_that_is_cancelled_leaves_no_trace() -> None:
    async def story() -> tuple[bool, bool]:
        inbox = Inbox("p", bound=3)
        waits = [asyncio.ensure_future(inbox.wait("paid", deadline=None)) for _ in range(3)]
        await settled()
        waits.pop().cancel()
        await settled()
        waits.append(asyncio.ensure_future(inbox.wait("paid", deadline=None)))  # room for it
        await settled()
        inbox.take(event("paid"))
        one, two, _ = await asyncio.gather(*waits)
        return one.complete, two.complete

    assert run(story()) == (True, True)


def test_forgotten_events_meet_no_later_wait_and_stay_duplicates() -> None:
    async def story() -> list[bool]:
        inbox = Inbox("p")
        inbox.take(event("order", "1"))
        first = await inbox.wait("order", deadline=seconds(1))
        inbox.forget(*first.events)
        again = inbox.take(event("order", "1"))
        second = await inbox.wait("order", deadline=seconds(1))
        inbox.take(event("order", "2"))
        third = await inbox.wait("order", deadline=seconds(1))
        return [first.complete, again, second.complete, third.complete]

    assert run(story()) == [True, False, False, True]


def test_one_id_of_two_senders_or_names_is_two_events() -> None:
    async def story() -> InboxState:
        inbox = Inbox("p")
        for name, sender in (("paid", "x"), ("paid", "y"), ("shipped", "x"), ("paid", "x")):
            inbox.take(event(name, "order-17", sender))
        return inbox.state()

    state = run(story())
    came = [(a.event.name, a.event.sender) for a in state.arrivals]
    assert came == [("paid", "x"), ("paid", "y"), ("shipped", "x")]
    assert state.duplicates == 1


# ---- bounds --------------------------------------------------------------------------------


def test_a_full_inbox_drops_the_oldest_nobody_waits_for_and_says_so() -> None:
    async def story() -> tuple[Received, InboxState]:
        inbox = Inbox("p", bound=4)
        inbox.take(event("paid"))
        waiting = asyncio.ensure_future(inbox.wait(named("paid") & named("shipped"), deadline=None))
        await settled()
        for n in range(10):
            inbox.take(event("noise", str(n)))
        inbox.take(event("shipped"))
        return await waiting, inbox.state()

    received, state = run(story())
    assert [a.event.name for a in received.events] == ["paid", "shipped"]
    assert len(state.arrivals) == 4
    assert [a.event.id for a in state.arrivals if a.event.name == "noise"] == ["8", "9"]
    assert (state.dropped, state.dropped_by_name) == (8, {"noise": 8})


def test_what_is_known_by_id_is_bounded_too() -> None:
    async def story() -> InboxState:
        inbox = Inbox("p", bound=5)
        for n in range(1_000):
            inbox.take(event("noise", str(n)))
        return inbox.state()

    state = run(story())
    assert (len(state.arrivals), len(state.known)) == (5, 20)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=60))
@settings(max_examples=60, deadline=None, print_blob=True)
def test_noise_never_costs_a_waiter_its_event(said: list[tuple[str, int]]) -> None:
    """Whatever comes besides, three events waited for are there when the third has come."""

    async def story() -> None:
        inbox = Inbox("p", bound=3)
        waiting = asyncio.ensure_future(inbox.wait(named("a", times=3), deadline=None))
        await settled()
        for name, n in said:
            inbox.take(event(name, f"{name}{n}"))
            assert len(inbox.arrivals) <= 3
        await settled()
        assert waiting.done() is (len({n for name, n in said if name == "a"}) >= 3)
        waiting.cancel()

    # An id may be forgotten after 12 others, and then counts anew: keep to distinct ones.
    said = list(dict.fromkeys(said))
    run(story())


# ---- the next run --------------------------------------------------------------------------


def test_the_state_survives_into_the_next_run() -> None:
    """As JSON and back; what the new run was told before it restored is kept, behind."""

    async def story() -> tuple[Received, InboxState, Event, Event]:
        old = Inbox("p", bound=5)
        for n in range(6):
            old.take(event("early", str(n)))
        first = old.event("mine")
        state = InboxState.model_validate_json(old.state().model_dump_json())
        new = Inbox("p", bound=5)
        new.take(event("early", "5"))
        new.take(event("late", "1"))
        waiting = asyncio.ensure_future(new.wait(all_of("early", "late"), deadline=seconds(1)))
        await settled()
        new.restore(state)
        assert not new.take(event("early", "0")), "dropped, but known"
        return await waiting, new.state(), first, new.event("mine")

    received, state, first, second = run(story())
    assert received.complete
    assert [a.event.id for a in state.arrivals] == ["2", "3", "4", "5", "1"]
    assert (state.dropped, state.duplicates) == (2, 2)
    assert first.id != second.id


# ---- misuse --------------------------------------------------------------------------------

MISUSE: list[tuple[Callable[[], object], str]] = [
    (lambda: k_of(4, "a", "b", "c"), r"4 of 3 events can never be met: give 1 to 3"),
    (lambda: k_of(0, "a"), r"0 of 1 events can be no wait: give 1 to 1"),
    (lambda: all_of(), r"0 of 0 events can be no wait"),
    (lambda: k_of(2, "a", "a"), r"event a stands there twice .* named\(\.\.\., times=2\)"),
    (lambda: named("a") & named("a"), r"event a stands there twice"),
    (
        lambda: named("Order Shipped"),
        r"'Order Shipped' can never come: names are as order\.shipped",
    ),
    (lambda: named("a", times=0), r"times is 0; wait for 1 or more"),
    (lambda: Inbox("p", bound=0), r"bound is 0, so it can remember nothing"),
    (lambda: Inbox("p").event("Not A Name"), r"event 'Not A Name': name: "),
]


@pytest.mark.parametrize(("build", "said"), MISUSE, ids=[said[:24] for _, said in MISUSE])
def test_what_can_never_come_is_refused_when_built(build: Callable[[], object], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        build()


WAITS: list[tuple[Callable[[Inbox], Awaitable[object]], str]] = [
    (lambda i: i.wait(named("a", times=6), deadline=None), "6 events .* remembers 5; make it with"),
    (lambda i: i.wait("a", deadline=timedelta(0)), "deadline is 0:00:00; give a positive one"),
]


@pytest.mark.parametrize(("wait", "said"), WAITS, ids=["too many", "no time"])
def test_a_wait_that_cannot_end_well_is_refused(
    wait: Callable[[Inbox], Awaitable[object]], said: str
) -> None:
    async def story() -> None:
        await wait(Inbox("p", bound=5))

    with pytest.raises(Misuse, match=said):
        run(story())


def test_two_waits_that_together_want_more_than_is_remembered_are_refused() -> None:
    async def story() -> None:
        inbox = Inbox("p", bound=5)
        first = asyncio.ensure_future(inbox.wait(named("a", times=3), deadline=None))
        await settled()
        try:
            await inbox.wait(named("b", times=3), deadline=None)
        finally:
            first.cancel()

    with pytest.raises(Misuse, match="up to 6 events are waited for"):
        run(story())


def test_a_fused_step_cannot_wait_for_events() -> None:
    async def story() -> None:
        with open_door(nobody, refuse=lambda what: NotInStep(f"{what} in a fused step")):
            await Inbox("p").wait(named("paid") | named("cancelled"), deadline=None)

    with pytest.raises(NotInStep, match=r"the wait for events \(paid \| cancelled\)"):
        run(story())


async def nobody(_call: object, _request: Record) -> Record:
    raise AssertionError("no Call is made here")


def test_an_arrival_travels_as_plain_json() -> None:
    async def story() -> Arrival:
        inbox = Inbox("p")
        inbox.take(Event(name="paid", id="1", body={"amount": "12.50", "parts": [1, None]}))
        return inbox.arrivals[0]

    arrival = run(story())
    assert Arrival.model_validate_json(arrival.model_dump_json()) == arrival


def test_a_name_is_a_condition_wherever_one_is_taken() -> None:
    assert named("paid") & "shipped" == all_of("paid", "shipped")
    assert named("paid") | "shipped" == any_of("paid", "shipped")


@pytest.mark.parametrize("wrong", [7, None, ["paid"], named])
def test_what_is_no_condition_is_refused_when_built(wrong: Any) -> None:
    for build in (lambda: named("paid") & wrong, lambda: k_of(1, wrong)):
        with pytest.raises(Misuse, match=r"is no event to wait for; give a name or named"):
            build()
