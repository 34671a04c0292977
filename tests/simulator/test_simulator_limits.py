"""Enforced limits: exact counting of buckets and windows, and what a change keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulator.limits import Bucket, Doorkeeper, Limit, LimitKind, Window

GAPS = st.lists(st.floats(0, 0.4), min_size=1, max_size=120)


def accepted(limit: Limit, gaps: list[float]) -> list[float]:
    """Knock after each gap and give the times of those let in."""
    keeper, now, times = Doorkeeper((limit,)), 0.0, []
    for gap in gaps:
        now += gap
        if not keeper.enter(limit.service, "m", 1, now):
            times.append(now)
    return times


@given(GAPS)
def test_a_window_never_lets_in_more_than_its_limit_in_any_stretch(gaps: list[float]) -> None:
    limit = Limit(service="openai", requests=5, per=1, kind=LimitKind.WINDOW)
    times = accepted(limit, gaps)
    for first, sixth in zip(times, times[5:], strict=False):
        assert sixth - first >= 1 - 1e-9


@given(GAPS)
def test_a_bucket_lets_in_its_burst_and_its_rate(gaps: list[float]) -> None:
    times = accepted(Limit(service="openai", requests=5, per=1), gaps)
    for start in range(len(times)):
        for end in range(start, len(times)):
            assert end - start + 1 <= 5 + 5 * (times[end] - times[start]) + 1e-6


@given(GAPS)
def test_traffic_that_keeps_to_a_window_never_meets_the_bucket_of_the_same_size(
    gaps: list[float],
) -> None:
    times = accepted(Limit(service="openai", requests=5, per=1, kind=LimitKind.WINDOW), gaps)
    bucket = Bucket(5, 1)
    for now in times:
        assert not bucket.wait(now, 1)
        bucket.take(now, 1)


@pytest.mark.parametrize("meter", [Bucket(2, 10), Window(2, 10)])
def test_the_wait_is_exact(meter: Bucket | Window) -> None:
    for now in (0.0, 1.0):
        assert meter.wait(now, 1) == 0
        meter.take(now, 1)
    wait = meter.wait(1.0, 1)
    assert wait == pytest.approx(4.0 if isinstance(meter, Bucket) else 9.0)
    assert meter.wait(1.0 + wait - 0.01, 1) > 0
    assert meter.wait(1.0 + wait, 1) == 0


def test_tokens_are_counted_beside_requests_and_too_large_is_never_let_in() -> None:
    keeper = Doorkeeper((Limit(service="openai", requests=100, tokens=1000, per=60),))
    assert not keeper.enter("openai", "m", 900, 0.0)
    assert keeper.enter("openai", "m", 200, 0.0) == pytest.approx(6.0)
    assert not keeper.enter("openai", "m", 200, 6.1)
    assert keeper.enter("openai", "m", 1001, 600.0) == 60.0


def test_a_model_has_its_own_limit_below_that_of_its_service() -> None:
    limits = (
        Limit(service="openai", requests=3, per=60),
        Limit(service="openai", model="small", requests=1, per=60),
    )
    keeper = Doorkeeper(limits)
    assert not keeper.enter("openai", "small", 0, 0.0)
    assert keeper.enter("openai", "small", 0, 0.0)
    assert not keeper.enter("openai", "large", 0, 0.0), "a refused request uses nothing up"
    assert not keeper.enter("openai", "large", 0, 0.0)
    assert keeper.enter("openai", "large", 0, 0.0)
    assert not keeper.enter("gemini", "small", 0, 0.0)


def test_requests_at_once_are_counted_until_they_leave() -> None:
    keeper = Doorkeeper((Limit(service="openai", concurrency=1),))
    assert not keeper.enter("openai", "a", 0, 0.0)
    assert keeper.enter("openai", "b", 0, 0.0)
    keeper.leave("openai", "a")
    assert not keeper.enter("openai", "b", 0, 0.0)


def test_nothing_enters_at_zero() -> None:
    keeper = Doorkeeper((Limit(service="openai", requests=0, per=7),))
    assert keeper.enter("openai", "m", 0, 0.0) == 7.0


@pytest.mark.parametrize("kind", LimitKind)
def test_a_halved_limit_keeps_what_was_counted(kind: LimitKind) -> None:
    keeper = Doorkeeper((Limit(service="openai", requests=4, per=8, kind=kind),))
    for _ in range(3):
        assert not keeper.enter("openai", "m", 0, 0.0)
    keeper.put((Limit(service="openai", requests=2, per=8, kind=kind),))
    assert bool(keeper.enter("openai", "m", 0, 0.0)) is (kind is LimitKind.WINDOW)
    assert keeper.enter("openai", "m", 0, 0.1), "no fresh burst by the change"
    assert not keeper.enter("openai", "m", 0, 8.1)


def test_a_limit_that_limits_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="limits nothing"):
        Limit(service="openai")
