"""Breakers: when they open, whom they let through, and that every worker sees the same one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.breakers import BreakerRule, Breakers, BreakerState, Circuit, CircuitOpen, _read
from store.database import Store

START = datetime(2026, 11, 26, tzinfo=UTC)
RULE = BreakerRule(window=timedelta(seconds=30), at_least=4, share=0.5)


def second(n: float) -> datetime:
    return START + timedelta(seconds=n)


def noted(circuit: Circuit, said: str, start: float = 0) -> Circuit:
    """Note one call a second: `+` ended well, `-` did not."""
    for n, one in enumerate(said):
        circuit = circuit.noted(one == "+", second(start + n), RULE)
    return circuit


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("---", BreakerState.CLOSED),
        ("----", BreakerState.OPEN),
        ("++--", BreakerState.OPEN),
        ("+++--", BreakerState.CLOSED),
        ("--++", BreakerState.CLOSED),
    ],
)
def test_it_opens_at_a_share_of_enough_calls_and_at_a_failure(
    said: str, state: BreakerState
) -> None:
    assert noted(Circuit(), said).state(second(10)) is state


def test_calls_of_long_ago_do_not_count() -> None:
    old = noted(Circuit(), "---")
    assert noted(old, "-", 70).state(second(71)) is BreakerState.CLOSED
    assert noted(old, "-", 40).state(second(41)) is BreakerState.OPEN


def test_after_its_pause_one_good_probe_closes_it_and_a_bad_one_doubles_the_pause() -> None:
    circuit = noted(Circuit(), "----")
    assert circuit.open_until == second(3 + 15)
    assert circuit.state(second(17)) is BreakerState.OPEN
    assert circuit.state(second(18)) is BreakerState.HALF_OPEN
    worse = circuit.noted(False, second(20), RULE)
    assert worse.open_until == second(20 + 30)
    for _ in range(10):
        assert worse.open_until is not None
        worse = worse.noted(False, worse.open_until + timedelta(seconds=1), RULE)
    assert worse.open_until is not None
    closed = worse.noted(True, worse.open_until + timedelta(hours=1), RULE)
    assert (closed.state(second(0)), closed.calls, closed.opened) == (BreakerState.CLOSED, 0, 0)


def test_a_failure_of_a_call_sent_before_it_opened_changes_nothing() -> None:
    circuit = noted(Circuit(), "----")
    assert circuit.noted(False, second(5), RULE) == circuit


@given(st.lists(st.booleans(), max_size=60))
def test_it_is_never_open_without_enough_failures(said: list[bool]) -> None:
    circuit = Circuit()
    for n, good in enumerate(said):
        circuit = circuit.noted(good, second(n / 10), RULE)
        if circuit.open_until is not None:
            assert said[: n + 1].count(False) * 2 >= n + 1 >= RULE.at_least
            break


async def test_the_store_counts_as_the_rule_does(store: Store) -> None:
    """Good calls within a window are counted in one statement; all else as the rule says."""
    stored, circuit, now = Breakers(store, RULE), Circuit(), [START]
    store.clock = lambda: now[0]
    seen = set[int]()
    async with store.writing() as connection:
        for n, one in enumerate("++-++-+++++---+++--++"):
            now[0] = second(7 * n)
            await stored.note(connection, "openai", good=one == "+")
            circuit = circuit.noted(one == "+", now[0], RULE)
            seen.add(circuit.opened)
            assert await _read(connection, "openai") == circuit
    assert seen == {0, 1}, "it opened and closed"


@pytest.fixture
def rule() -> BreakerRule:
    # The store's clock of these tests moves a second at each look.
    return BreakerRule(
        window=timedelta(minutes=5), at_least=3, pause=timedelta(seconds=20),
        probe=timedelta(seconds=12),
    )  # fmt: skip


async def test_all_workers_share_it_and_one_probe_passes(store: Store, rule: BreakerRule) -> None:
    one, other = Breakers(store, rule), Breakers(store, rule)
    async with store.writing() as connection:
        for breakers in (one, other, one):
            assert await other.check(connection, "openai") is False
            await breakers.note(connection, "openai", good=False)
        with pytest.raises(CircuitOpen, match="openai kept failing"):
            await other.check(connection, "openai")
        assert await other.check(connection, "gemini") is False
    (view,) = await other.views()
    assert (view.service, view.state, view.calls, view.share) == ("openai", BreakerState.OPEN, 3, 1)
    for _ in range(20):
        store.clock()
    async with store.writing() as connection:
        assert await other.check(connection, "openai") is True
        await other.probe(connection, "openai")
        with pytest.raises(CircuitOpen):
            await one.check(connection, "openai")
        for _ in range(12):
            store.clock()
        assert await one.check(connection, "openai") is True, "a probe that died is given up"
        await one.note(connection, "openai", good=True)
        assert await one.check(connection, "openai") is False
