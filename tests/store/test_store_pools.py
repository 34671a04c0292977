"""The arithmetic of pools and of fairness: windows, pacing, cuts, shares."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.fairness import AGING, Asking, Shares, level
from store.pools import FLOOR, RECOVERY, Pool
from workflows.data.limits import Limits

NOW = 1_000.0


def pool(**limits: float) -> Pool:
    return Pool("openai", "", Limits.model_validate(limits))


def sent(one: Pool, moments: int, tokens: int = 0, now: float = NOW) -> list[float]:
    """Take so many slots, as long as there are any."""
    found: list[float] = []
    while len(found) < moments and (at := one.slot(tokens, now)) < inf:
        one.take(tokens, at, now)
        found.append(at - now)
    return found


def test_sends_are_paced_after_a_small_burst() -> None:
    assert sent(pool(requests=50, per=1.0), 8) == pytest.approx(
        [0, 0, 0, 0, 0, 0.02, 0.04, 0.06], abs=1e-6
    )
    assert sent(pool(requests=6, per=60.0), 3) == pytest.approx([0, 10, 20])


def test_no_more_than_the_limit_occupy_the_window() -> None:
    full = pool(requests=3, per=1.0)
    assert len(sent(full, 9)) == 3
    full.frees = [(NOW + 0.1, 0), (NOW + 1.5, 0)]
    assert full.slot(0, NOW) == full.next_at  # the pacing comes later than the first that leaves
    full.take(0, full.slot(0, NOW), NOW)
    assert full.slot(0, NOW) == NOW + 1.5


def test_tokens_are_paced_and_counted() -> None:
    by_tokens = pool(tokens=1_000, per=10.0)
    assert sent(by_tokens, 9, tokens=400) == pytest.approx([0, 3])  # a burst of 1 s, then 4 s each
    by_tokens.frees = [(NOW + 9, 400)]
    assert by_tokens.slot(500, NOW) == NOW + 9


def test_what_is_larger_than_the_limit_goes_alone() -> None:
    by_tokens = pool(tokens=100, per=10.0)
    assert by_tokens.slot(500, NOW) == NOW
    by_tokens.take(500, NOW, NOW)
    assert by_tokens.slot(1, NOW) == inf


def test_a_place_is_taken_until_it_is_given_back() -> None:
    places = pool(concurrency=2)
    assert sent(places, 9) == [0, 0]
    places.flying -= 1
    assert places.slot(0, NOW) == NOW


@pytest.mark.parametrize("kind", ["requests", "tokens", "concurrency"])
def test_a_limit_of_zero_stops(kind: str) -> None:
    assert pool(**{kind: 0}).slot(0, NOW) == inf


def test_without_limits_nothing_is_heeded_but_a_pause() -> None:
    free = pool()
    assert not free.heeded(NOW)
    assert not free.cut(NOW, NOW, 3.0)
    assert free.heeded(NOW)
    assert free.slot(0, NOW) == NOW + 3
    assert free.factor(NOW) == 1


def test_a_429_cuts_once_pauses_and_is_recovered_from_slowly() -> None:
    hurt = pool(requests=100, per=1.0)
    hurt.used = 101
    assert hurt.cut(NOW, NOW - 0.1, 2.0)
    assert hurt.factor(NOW) == pytest.approx(0.7)
    hurt.used = 0
    assert hurt.slot(0, NOW) == NOW + 2
    assert not hurt.cut(NOW + 0.1, NOW - 0.05, 5.0)  # it was sent before the cut
    assert hurt.paused_until == NOW + 5.1
    assert not hurt.cut(NOW + 5.6, NOW + 0.9, None)  # the vendor still counts what was before it
    assert hurt.paused_until == NOW + 11.2
    share = [hurt.factor(NOW + t * RECOVERY) for t in (0.5, 1.0, 1.5, 3.0)]
    assert share == pytest.approx([0.9625, 1.0, 1.0, 1.0])


def test_the_pace_is_careful_where_it_was_hurt() -> None:
    hurt = pool(requests=100, per=1.0)
    hurt.used = 101
    for at, factor in ((0, 0.7), (2, 0.51), (32, 0.63)):  # the last after a long while: a little
        assert hurt.cut(NOW + at, NOW + at, None)
        assert hurt.factor(NOW + at) == pytest.approx(factor, abs=0.01)
    assert hurt.factor(NOW + 32 + RECOVERY) == pytest.approx(hurt.ceiling)
    assert hurt.ceiling < hurt.factor(NOW + 32 + 1.5 * RECOVERY) < 1.02 * hurt.ceiling
    assert hurt.factor(NOW + 32 + 6 * RECOVERY) == 1


def test_what_the_window_held_says_what_the_vendor_allows() -> None:
    hurt = pool(requests=100, per=1.0)
    hurt.used = 61
    assert hurt.cut(NOW, NOW, None)
    assert hurt.ceiling == pytest.approx(0.6)
    assert hurt.factor(NOW) == pytest.approx(0.54)


@given(st.lists(st.floats(0, 300), max_size=40))
def test_the_factor_stays_within_bounds(gaps: list[float]) -> None:
    hurt, now = pool(requests=100, per=1.0), NOW
    for gap in gaps:
        now += gap
        hurt.cut(now, now, None)
        assert FLOOR <= hurt.factor(now) <= 1


# ---- fairness --------------------------------------------------------------------------------


def asking(tenant: str, weight: float = 1.0, since: float = NOW, priority: int = 3) -> Asking:
    return Asking("", "w", "openai", "", tenant, weight, priority, 0, since)


def served(weights: dict[str, float], rounds: int, shares: Shares, one: Pool) -> dict[str, int]:
    """Let tenants that always wait be served so many times."""
    count = dict.fromkeys(weights, 0)
    for _ in range(rounds):
        waiting = [asking(tenant, weight) for tenant, weight in weights.items()]
        first = min(waiting, key=lambda w: shares.ahead(w, [one]))
        shares.charge(first, [one], first.weight)
        count[first.tenant] += 1
    return count


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0.1, 10), min_size=1))
def test_tenants_are_served_by_weight(weights: dict[str, float]) -> None:
    rounds, whole = 300, sum(weights.values())
    count = served(weights, rounds, Shares({}), pool(requests=10))
    for tenant, weight in weights.items():
        assert abs(count[tenant] - rounds * weight / whole) <= len(weights)


def test_who_was_away_has_saved_nothing_up() -> None:
    one, shares = pool(requests=10), Shares({})
    served({"a": 1}, 100, shares, one)
    assert served({"a": 1, "b": 1}, 40, shares, one) == {"a": 20, "b": 20}


def test_waiting_lifts_a_request_to_the_first_level() -> None:
    low = asking("a", priority=5)
    assert [level(low, NOW + n * AGING) for n in (0, 1, 2, 9)] == [5, 4, 3, 1]
