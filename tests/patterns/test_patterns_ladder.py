"""Ladders on virtual time: how far they are climbed, and what each rung said."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.joining import broken, seconds
from tests.patterns.virtual import Trail, elapsed, run
from workflows.errors import Misuse, Unresolved, Unusable
from workflows.patterns.ladder import Climbed, Ladder, Rung, ladder
from workflows.patterns.otherwise import Unmet, give_up, instead, take, take_best

HOUR = timedelta(hours=1)


def gives(value: Any, after: float = 1) -> Callable[[], Awaitable[Any]]:
    async def work() -> Any:
        await asyncio.sleep(after)
        if isinstance(value, Exception):
            raise value
        return value

    return work


def rung(name: str, value: Any, **more: Any) -> Rung[float]:
    """Give a rung whose value will do from 0.5 on."""
    more.setdefault("accept", lambda v: v >= 0.5)
    more.setdefault("timeout", HOUR)
    return Rung(name, gives(value, more.pop("after", 1)), **more)


def test_the_first_value_that_will_do_ends_it() -> None:
    trail = Trail()

    def tried(name: str, good: bool) -> Rung[str]:
        return Rung(name, trail.work(name, 2), lambda _: good, HOUR)

    rungs = [tried("rules", False), tried("small", True), tried("large", True)]
    found = run(ladder("address", rungs, otherwise=give_up()))
    assert (found.value, found.via) == ("SMALL", "small")
    assert [(s.rung, s.state) for s in found.said] == [("rules", "rejected"), ("small", "accepted")]
    assert "large starts" not in trail.words


def test_failing_slow_and_poor_rungs_are_gone_past_and_say_why() -> None:
    rungs = [
        rung("down", broken("no answer")),
        rung("slow", 0.9, after=1000, timeout=seconds(10)),
        rung("poor", 0.1, score=float),
        rung("good", 0.7, timeout=None),
    ]

    async def story() -> tuple[Climbed[float], float]:
        return await ladder("address", rungs, otherwise=give_up()), elapsed()

    found, at = run(story())
    assert (found.value, at) == (0.7, 13)
    assert [(s.rung, s.state) for s in found.said] == [
        ("down", "failed"),
        ("slow", "timed_out"),
        ("poor", "rejected"),
        ("good", "accepted"),
    ]
    down, slow, poor, _ = found.said
    assert down.why == "Broken: no answer"
    assert "took longer than 0:00:10" in slow.why
    assert (poor.value, poor.score, poor.why) == (0.1, 0.1, "")
    assert (slow.ended - slow.started) == seconds(10)


def test_without_success_the_declared_way_is_gone() -> None:
    rungs = [
        rung("a", 0.2, score=float),
        rung("b", 0.4, score=float),
        rung("c", 0.3, score=float),
        rung("d", broken()),
    ]

    async def path(unmet: Unmet[float]) -> float:
        assert (unmet.best, unmet.score) == (0.4, 0.4)
        assert unmet.why == "a rejected; b rejected; c rejected; d Broken: no luck"
        return -1.0

    best = run(ladder("x", rungs, otherwise=take_best()))
    assert (best.value, best.via, len(best.said)) == (0.4, "best so far", 4)
    assert run(ladder("x", rungs, otherwise=take(9.0))).value == 9.0
    assert run(ladder("x", rungs, otherwise=instead("by hand", path))).via == "by hand"
    with pytest.raises(Unresolved, match="x ended without success: a rejected; b rejected"):
        run(ladder("x", rungs, otherwise=give_up()))


def test_best_by_score_of_nothing_is_an_error() -> None:
    with pytest.raises(Unresolved, match="x gave no value: a Broken: no luck"):
        run(ladder("x", [rung("a", broken(), score=float)], otherwise=take_best()))


@settings(max_examples=80, deadline=None, print_blob=True)
@given(
    st.lists(
        st.one_of(st.just("fails"), st.just("hangs"), st.integers(0, 9)), min_size=1, max_size=6
    )
)
def test_it_ends_where_the_oracle_says(kinds: list[Any]) -> None:
    def made(number: int, kind: Any) -> Rung[float]:
        name = f"rung-{number}"
        if kind == "fails":
            return rung(name, broken(), score=float)
        if kind == "hangs":
            return rung(name, 0.9, after=1000, timeout=seconds(5), score=float)
        return rung(name, kind / 10, score=float)

    worth = [None if isinstance(k, str) else k / 10 for k in kinds]
    first = next((n for n, w in enumerate(worth) if w is not None and w >= 0.5), None)
    best = max((w for w in worth if w is not None), default=-1.0)
    rungs = [made(*pair) for pair in enumerate(kinds)]

    async def path(unmet: Unmet[float]) -> float:
        return unmet.best if unmet.best is not None else -1.0

    found = run(ladder("x", rungs, otherwise=instead("rest", path)))
    if first is None:
        assert (found.value, len(found.said)) == (best, len(kinds))
    else:
        assert (found.value, found.via) == (worth[first], f"rung-{first}")
        assert len(found.said) == first + 1


def test_cancelling_stops_the_climb() -> None:
    trail = Trail()

    async def story() -> None:
        steps = [Rung(n, trail.work(n, 5), lambda _: False, HOUR) for n in "ab"]
        task = asyncio.ensure_future(ladder("x", steps, otherwise=give_up()))
        await asyncio.sleep(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())
    assert trail.words == ["a starts", "a cancelled"]


def test_it_can_be_looked_at_while_it_is_climbed() -> None:
    async def story() -> list[str]:
        loop = Ladder("x", [rung("a", 0.1), rung("b", 0.9)], otherwise=give_up())
        task = asyncio.ensure_future(loop.climb())
        await asyncio.sleep(1.5)
        seen = [s.rung for s in loop.said]
        await task
        return seen

    assert run(story()) == ["a"]


async def judged_later(_value: float) -> bool:
    return True


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        ({"accept": lambda v: v["x"]}, "rung 'a': its accept or score failed: TypeError"),
        ({"accept": judged_later}, "accept gave <coroutine .* plain function to True or False"),
        ({"accept": lambda _: "yes"}, "accept gave 'yes'"),
        ({"score": lambda _: float("nan")}, "score nan"),
        ({"score": lambda _: "0.9"}, "score '0.9'; accept is a plain function"),
        ({"score": lambda v: v["x"]}, "its accept or score failed"),
    ],
)
def test_a_judgement_that_is_none_fails_the_ladder(judge: Any, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        run(ladder("x", [rung("a", 0.1, **judge)], otherwise=take(1.0)), collect=True)


def test_misuse_inside_a_rung_is_not_gone_past() -> None:
    with pytest.raises(Misuse, match="wrongly"):
        run(ladder("x", [rung("a", Misuse("wrongly")), rung("b", 0.9)], otherwise=give_up()))


def test_work_that_is_no_async_function_is_not_gone_past() -> None:
    at_once: Any = lambda: 0.9  # noqa: E731 - the mistake
    rungs = [Rung("a", at_once, bool, HOUR), rung("b", 0.9)]
    with pytest.raises(Misuse, match="rung 'a': its work gave a float at once; make it an `async"):
        run(ladder("x", rungs, otherwise=give_up()))


WORK: Any = gives(1.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: rung("a", 1, timeout=timedelta(0)), "rung 'a' has no time at all: timeout="),
        (lambda: rung("a", 1, timeout=5), "rung 'a' has no time at all: timeout=5; use a positive"),
        (lambda: rung("a", 1, accept=True), "accept of rung 'a' is of type bool; give a function"),
        (lambda: rung("a", 1, score=0.5), "score of rung 'a' is of type float; give a function"),
        (lambda: Rung("a", None, bool, HOUR), "work of rung 'a' is of type NoneType"),  # type: ignore[arg-type]
        (lambda: Rung("", WORK, bool, HOUR), "a rung needs a name"),
        (lambda: Rung(1, WORK, bool, HOUR), "the name of rung 1 is of type int; use text"),  # type: ignore[arg-type]
        (
            lambda: Ladder("x", [rung("a", 1)], otherwise=give_up),  # type: ignore[arg-type]
            r"ladder 'x': otherwise is of type function; call one, as give_up\(\)",
        ),
        (
            lambda: Ladder("x", [WORK], otherwise=give_up()),
            r"one of ladder 'x': rungs is of type function; give a list of Rung\(",
        ),
        (
            lambda: Ladder("x", rung("a", 1), otherwise=give_up()),  # type: ignore[arg-type]
            "ladder 'x': rungs is of type Rung; give a list",
        ),
    ],
)
def test_a_wrong_kind_is_refused_when_built(build: Callable[[], object], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        build()


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ([], "ladder 'x' has no rung"),
        ([rung("a", 1), rung("a", 1)], "rungs a, a must differ in name"),
        ([rung("a", 1)], "takes the best of values without a score"),
    ],
)
def test_misuse_is_refused_when_built(rungs: list[Rung[float]], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        Ladder("x", rungs, otherwise=take_best())


def test_a_ladder_is_climbed_once() -> None:
    async def story() -> None:
        once = Ladder("x", [rung("a", 1.0)], otherwise=give_up())
        await once.climb()
        await once.climb()

    with pytest.raises(Misuse, match="was climbed before; make another"):
        run(story())
