"""Refine on virtual time: every bound, what is fed to whom, and what it costs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mypy import api

from runtime.settings import ROOT
from tests.patterns.joining import broken, seconds
from tests.patterns.virtual import elapsed, run
from workflows.data.common import Decision, Record, Verdict
from workflows.data.refine import RefineView
from workflows.errors import Misuse, Unresolved
from workflows.patterns.bounds import Bounds, Budget, Stall
from workflows.patterns.gate import GateResult, GateSpec
from workflows.patterns.otherwise import (
    Otherwise,
    Unmet,
    ask_person,
    give_up,
    instead,
    take,
    take_best,
)
from workflows.patterns.purse import Purse
from workflows.patterns.refine import Refined, Refinement, refine
from workflows.patterns.rounds import MERGED, Draft, Score, Scored, Turn, Writer

Worth = tuple[float, ...]


def by_round(*worth: float, cost: str = "0", takes: float = 1) -> Callable[[Turn[float]], Any]:
    """Give a writer whose draft of round n is worth the n-th number, the last one ever after."""

    async def write(turn: Turn[float]) -> Draft[float]:
        await asyncio.sleep(takes)
        return Draft(worth[min(turn.round, len(worth)) - 1], Decimal(cost))

    return write


def dimes(total: str) -> Budget:
    return Budget(Decimal(total), Decimal("0.10"))


def as_worth(value: float) -> Score:
    return Score(value, f"worth {value}")


def looped(*worth: float, bounds: Bounds, otherwise: Otherwise[float] | None = None) -> Any:
    write = by_round(*worth, cost="0.10")
    return refine("letter", write, as_worth, bounds, otherwise=otherwise or take_best())


# ---- why it stops --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worth", "bounds", "stopped", "rounds", "best"),
    [
        ((0.2, 0.5, 0.9, 1.0), Bounds(rounds=9, quality=0.9), "quality", 3, 0.9),
        ((0.2, 0.5, 0.4), Bounds(rounds=3), "rounds", 3, 0.5),
        ((0.1,), Bounds(rounds=9, deadline=seconds(2.5)), "deadline", 3, 0.1),
        ((0.1,), Bounds(rounds=9, deadline=seconds(2)), "deadline", 2, 0.1),
        (
            (0.1,),
            Bounds(rounds=9, budget=Budget(Decimal("0.35"), Decimal("0.1"))),
            "budget",
            3,
            0.1,
        ),
        ((0.5, 0.54, 0.58, 0.6), Bounds(rounds=9, stall=Stall(2, 0.1)), "stall", 3, 0.58),
        ((0.5, 0.54, 0.62, 0.64, 0.66), Bounds(rounds=9, stall=Stall(2, 0.1)), "stall", 5, 0.66),
        ((0.1, 0.2, 0.3), Bounds(rounds=9, stall=Stall(2, 0.1)), "stall", 5, 0.3),
    ],
    ids=["quality", "rounds", "deadline", "deadline between", "budget", "stall", "creep", "floats"],
)
def test_a_bound_stops_it_and_the_best_so_far_stays(
    worth: Worth, bounds: Bounds, stopped: str, rounds: int, best: float
) -> None:
    found = run(looped(*worth, bounds=bounds))
    assert (found.stopped, len(found.rounds), found.value) == (stopped, rounds, best)
    assert found.best.score == max(a.score for r in found.rounds for a in r.attempts if a.score)


def test_the_best_is_the_earliest_of_equals_and_may_be_an_old_one() -> None:
    found = run(looped(0.3, 0.8, 0.8, 0.1, bounds=Bounds(rounds=4)))
    assert (found.best.name, found.via) == ("2/draft", "2/draft")


def test_the_deadline_cuts_a_round_short_and_what_it_cost_is_kept_aside() -> None:
    bounds = Bounds(rounds=9, deadline=seconds(2.5), budget=Budget(Decimal(1), Decimal("0.3")))

    async def story() -> tuple[Refined[float], float]:
        return await looped(0.1, bounds=bounds), elapsed()

    found, at = run(story())
    assert at == 2.5
    assert [a.state for r in found.rounds for a in r.attempts] == ["scored", "scored", "cancelled"]
    assert found.spent == Decimal("0.20")


def test_cancelling_tells_why_and_keeps_the_best_for_who_asks() -> None:
    async def story() -> tuple[Refinement[float], Decimal | None]:
        purse = Purse(Budget(Decimal(1), Decimal("0.25")))
        loop = Refinement(
            "letter",
            by_round(0.4, cost="0.10"),
            as_worth,
            Bounds(rounds=9),
            otherwise=give_up(),
            purse=purse,
        )
        task = asyncio.ensure_future(loop.run())
        await asyncio.sleep(1.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return loop, purse.left

    loop, left = run(story())
    assert loop.best is not None
    assert (loop.stopped, loop.best.score) == ("cancelled", 0.4)
    states = [a.state for r in loop.view().rounds for a in r.attempts]
    assert states == ["scored", "cancelled"]
    assert (loop.spent, loop.unclear, left) == (Decimal("0.10"), Decimal("0.25"), Decimal("0.65"))


# ---- without success -----------------------------------------------------------------------

POOR = Bounds(rounds=2, quality=0.9)


def test_without_success_the_declared_way_is_gone() -> None:
    async def path(unmet: Unmet[float]) -> float:
        assert (unmet.found, unmet.best, unmet.score) == (True, 0.5, 0.5)
        assert unmet.why == "stopped by rounds after 2 rounds"
        return -1.0

    ways = {
        "best so far": (take_best(), 0.5),
        "given value": (take(7.0), 7.0),
        "rules": (instead("rules", path), -1.0),
    }
    for via, (way, value) in ways.items():
        found = run(looped(0.2, 0.5, bounds=POOR, otherwise=way))
        assert (found.value, found.via, found.stopped) == (value, via, "rounds")
        assert found.best.score == 0.5


def test_giving_up_says_why() -> None:
    with pytest.raises(Unresolved, match="letter ended without success: stopped by rounds after 2"):
        run(looped(0.2, 0.5, bounds=POOR, otherwise=give_up()))


def test_the_way_out_is_not_gone_after_success() -> None:
    assert run(looped(0.2, 0.9, bounds=POOR, otherwise=give_up())).value == 0.9
    assert run(looped(0.2, bounds=Bounds(rounds=1), otherwise=give_up())).value == 0.2


async def no_luck(_turn: Turn[float]) -> Draft[float]:
    raise broken("the model is down")


def test_a_round_in_which_everybody_failed_ends_it() -> None:
    with pytest.raises(Unresolved, match=r"gave no value: stopped by failed.*Broken: the model"):
        run(refine("letter", no_luck, as_worth, Bounds(rounds=5), otherwise=take_best()))


def test_a_score_that_is_no_number_fails_its_draft() -> None:
    async def story() -> RefineView:
        loop = Refinement(
            "letter",
            by_round(1.0),
            lambda _: Score(float("nan")),
            Bounds(rounds=2),
            otherwise=take(0.0),
        )
        await loop.run()
        return loop.view()

    (round_,) = run(story()).rounds
    assert [a.state for a in round_.attempts] == ["failed"]
    assert "scored nan, which is no number" in round_.attempts[0].reason


def test_a_negative_cost_fails_its_draft() -> None:
    found = run(
        refine("x", by_round(1.0, cost="-1"), as_worth, Bounds(rounds=1), otherwise=take(0.0))
    )
    assert "reports a cost of -1" in found.rounds[0].attempts[0].reason
    assert found.spent == 0


def test_misuse_inside_a_writer_is_not_taken_for_a_poor_draft() -> None:
    async def wrong(_turn: Turn[float]) -> Draft[float]:
        raise Misuse("put together wrongly")

    with pytest.raises(Misuse, match="put together wrongly"):
        run(refine("letter", wrong, as_worth, Bounds(rounds=5), otherwise=take(0.0)))


# ---- people --------------------------------------------------------------------------------


class Text(Record):
    """What a person may supply."""

    text: str


def person(*verdicts: Verdict) -> GateSpec:
    return GateSpec(
        name="letter",
        question="Which letter goes out?",
        proposal="",
        people={"anna": frozenset({"editor"})},
        needs=("editor",),
        deadline=timedelta(days=1),
        remind_every=timedelta(hours=1),
        verdicts=verdicts or (Verdict.APPROVE, Verdict.SUPPLY, Verdict.DECLINE),
        supplies=Text if not verdicts or Verdict.SUPPLY in verdicts else None,
    )


class Desk:
    """Answers a gate at once with what it was told, and keeps the question."""

    def __init__(self, *said: Decision) -> None:
        self.said, self.asked = said, list[GateSpec]()

    async def open(self, spec: GateSpec) -> GateResult:
        self.asked.append(spec)
        return GateResult(self.said, timed_out=not self.said)


def decided(verdict: Verdict, **more: Any) -> Decision:
    return Decision(verdict=verdict, by="anna", gate="letter", **more)


async def draft_text(turn: Turn[Text]) -> Draft[Text]:
    return Draft(Text(text=f"draft {turn.round}"))


def asking(desk: Desk, write: Any = draft_text) -> Any:
    way = ask_person(desk.open, person())
    return refine("letter", write, lambda _: Score(0.1), POOR, otherwise=way)


def test_a_person_approves_the_best_or_supplies_a_value() -> None:
    desk = Desk(decided(Verdict.APPROVE))
    found = run(asking(desk))
    assert (found.value, found.via) == (Text(text="draft 1"), "gate letter")
    assert desk.asked[0].proposal == (
        "letter: stopped by rounds after 2 rounds; best so far scored 0.1"
    )
    supplied = run(asking(Desk(decided(Verdict.SUPPLY, value={"text": "by hand"}))))
    assert supplied.value == Text(text="by hand")


def test_a_person_declines_or_nobody_answers() -> None:
    with pytest.raises(Unresolved, match="gate 'letter': declined"):
        run(asking(Desk(decided(Verdict.DECLINE))))
    with pytest.raises(Unresolved, match="gate 'letter': nobody decided in time"):
        run(asking(Desk()))


def test_nothing_can_be_approved_where_nothing_was_made() -> None:
    desk = Desk(decided(Verdict.SUPPLY, value={"text": "by hand"}))
    assert run(asking(desk, no_luck)).value == Text(text="by hand")
    assert desk.asked[0].barred[Verdict.APPROVE] == "there is nothing yet to approve"


def test_a_gate_whose_verdicts_mean_nothing_here_is_refused_when_built() -> None:
    with pytest.raises(Misuse, match="gate 'letter' offers approve, retry; after a loop"):
        ask_person(Desk().open, person(Verdict.APPROVE, Verdict.RETRY))
    with pytest.raises(Misuse, match="gate 'letter' offers decline; after a loop"):
        ask_person(Desk().open, person(Verdict.DECLINE))


# ---- several writers at once ---------------------------------------------------------------


def team(*writers: Writer[float], **more: Any) -> Any:
    more.setdefault("otherwise", take_best())
    bounds = more.pop("bounds", Bounds(rounds=2))
    return Refinement("letter", writers, as_worth, bounds, **more)


def test_writers_draft_at_once_and_the_best_feeds_them_all() -> None:
    given: list[tuple[int, str, str]] = []

    def named(name: str, worth: float, takes: float) -> Writer[float]:
        async def write(turn: Turn[float]) -> Draft[float]:
            given.append((turn.round, name, turn.previous.name if turn.previous else ""))
            await asyncio.sleep(takes)
            return Draft(worth + turn.round / 10)

        return Writer(name, write)

    async def story() -> tuple[Refined[float], float]:
        return await team(named("a", 0.1, 3), named("b", 0.2, 5), bounds=Bounds(rounds=3)).run(), (
            elapsed()
        )

    found, at = run(story())
    assert at == 15
    assert given == [
        (1, "a", ""),
        (1, "b", ""),
        (2, "a", "1/b"),
        (2, "b", "1/b"),
        (3, "a", "2/b"),
        (3, "b", "2/b"),
    ]
    assert [r.given for r in found.rounds] == ["", "1/b", "2/b"]


def test_one_failing_writer_does_not_cost_the_round() -> None:
    found = run(team(Writer("a", no_luck), Writer("b", by_round(0.3))).run())
    assert (found.stopped, found.value) == ("rounds", 0.3)
    assert [a.state for a in found.rounds[1].attempts] == ["failed", "scored"]
    assert found.rounds[1].attempts[0].reason == "Broken: the model is down"


def test_a_writer_that_hangs_costs_only_its_timeout() -> None:
    async def story() -> tuple[Refined[float], float]:
        slow = Writer("a", by_round(0.9, takes=1000), timeout=seconds(4))
        return await team(slow, Writer("b", by_round(0.3))).run(), elapsed()

    found, at = run(story())
    assert (found.value, at) == (0.3, 8)


def test_a_draft_good_enough_ends_the_round_for_all() -> None:
    async def story() -> tuple[Refined[float], float]:
        bounds = Bounds(rounds=5, quality=0.9)
        slow = Writer("a", by_round(0.95, takes=100))
        return await team(slow, Writer("b", by_round(0.9, takes=2)), bounds=bounds).run(), elapsed()

    found, at = run(story())
    assert (found.value, found.stopped, at) == (0.9, "quality", 2)
    assert [a.state for a in found.rounds[0].attempts] == ["cancelled", "scored"]


async def summed(drafts: Sequence[Scored[float]]) -> Draft[float]:
    return Draft(sum(d.value for d in drafts), Decimal("0.01"))


def test_what_is_merged_is_scored_and_feeds_the_next_round() -> None:
    given: list[float | None] = []

    async def write(turn: Turn[float]) -> Draft[float]:
        given.append(turn.previous.value if turn.previous else None)
        return Draft((turn.previous.value if turn.previous else 0.0) + 0.1, Decimal("0.10"))

    found = run(team(Writer("a", write), Writer("b", write), merge=summed).run())
    assert given == pytest.approx([None, None, 0.2, 0.2])
    assert (found.best.name, found.value) == (f"2/{MERGED}", pytest.approx(0.6))
    assert found.spent == Decimal("0.42")


def test_a_merged_draft_feeds_the_next_round_even_if_it_is_not_the_best() -> None:
    async def worst(drafts: Sequence[Scored[float]]) -> Draft[float]:
        return Draft(min(d.value for d in drafts) / 2)

    found = run(team(Writer("a", by_round(0.4)), Writer("b", by_round(0.2)), merge=worst).run())
    assert [r.given for r in found.rounds] == ["", f"1/{MERGED}"]
    assert found.best.name == "1/a"


def test_a_failed_merge_leaves_the_best_to_feed_the_next_round() -> None:
    async def torn(_drafts: Sequence[Scored[float]]) -> Draft[float]:
        raise broken("no sum")

    found = run(team(Writer("a", by_round(0.4)), Writer("b", by_round(0.2)), merge=torn).run())
    assert [r.given for r in found.rounds] == ["", "1/a"]


def test_nothing_is_merged_once_a_draft_is_good_enough() -> None:
    pair = Writer("a", by_round(0.4)), Writer("b", by_round(0.9, takes=2))
    found = run(team(*pair, merge=summed, bounds=Bounds(rounds=3, quality=0.9)).run())
    assert (found.stopped, found.best.name) == ("quality", "1/b")
    assert [a.writer for a in found.rounds[0].attempts] == ["a", "b"]


def test_one_draft_alone_is_not_merged_and_its_share_is_given_back() -> None:
    async def story() -> tuple[Refined[float], Decimal | None]:
        purse = Purse(dimes("1.00"))
        loop = team(
            Writer("a", no_luck),
            Writer("b", by_round(0.2, cost="0.1")),
            merge=summed,
            purse=purse,
            bounds=Bounds(rounds=1),
        )
        return await loop.run(), purse.left

    found, left = run(story())
    assert [a.writer for a in found.rounds[0].attempts] == ["a", "b"]
    assert left == Decimal("0.8")  # b's cost, and a's share: nobody knows what it cost


# ---- money ---------------------------------------------------------------------------------


def test_a_round_the_budget_cannot_bear_is_not_started() -> None:
    pair = Writer("a", by_round(0.1, cost="0.1")), Writer("b", by_round(0.2, cost="0.1"))
    bounds = Bounds(rounds=9, budget=dimes("0.50"))
    found = run(team(*pair, bounds=bounds).run())
    assert (found.stopped, len(found.rounds), found.spent) == ("budget", 2, Decimal("0.40"))


def test_an_attempt_dearer_than_declared_raises_the_price_of_the_next() -> None:
    bounds = Bounds(rounds=9, budget=dimes("1.00"))
    found = run(refine("x", by_round(0.1, cost="0.40"), as_worth, bounds, otherwise=take_best()))
    assert (found.stopped, len(found.rounds), found.spent) == ("budget", 2, Decimal("0.80"))


def test_the_cost_of_scoring_counts() -> None:
    async def rate(value: float) -> Score:
        return Score(value, "", Decimal("0.05"))

    found = run(
        refine("x", by_round(0.1, cost="0.1"), rate, Bounds(rounds=2), otherwise=take_best())
    )
    assert found.spent == Decimal("0.30")


def test_loops_that_share_a_purse_never_pass_it_together() -> None:
    async def story() -> tuple[list[Refined[float]], Purse]:
        purse = Purse(dimes("0.50"))
        loops = (
            refine(
                name,
                by_round(0.1, cost="0.10", takes=takes),
                as_worth,
                Bounds(rounds=9),
                otherwise=take_best(),
                purse=purse,
            )
            for name, takes in (("a", 1), ("b", 1.5))
        )
        return list(await asyncio.gather(*loops)), purse

    found, purse = run(story())
    assert [f.stopped for f in found] == ["budget", "budget"]
    assert (sum(f.spent for f in found), purse.left) == (Decimal("0.50"), Decimal(0))


@pytest.mark.parametrize(
    ("total", "second"), [("0.45", "rounds"), ("0.44", "budget")], ids=["enough", "too little"]
)
def test_a_loop_waits_for_what_another_may_not_need(total: str, second: str) -> None:
    async def story() -> tuple[list[Refined[float]], float]:
        purse = Purse(Budget(Decimal(total), Decimal("0.30")))
        loops = (
            refine(
                name,
                by_round(0.1, cost="0.15", takes=5),
                as_worth,
                Bounds(rounds=1),
                otherwise=take(0.0),
                purse=purse,
            )
            for name in "ab"
        )
        return list(await asyncio.gather(*loops)), elapsed()

    found, at = run(story())
    assert [f.stopped for f in found] == ["rounds", second]
    assert at == (10 if second == "rounds" else 5)


@settings(max_examples=80, deadline=None, print_blob=True)
@given(
    costs=st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), min_size=1, max_size=3),
    takes=st.lists(st.integers(1, 7), min_size=3, max_size=3),
    total=st.integers(30, 120),
    fails=st.integers(0, 4),
)
def test_money_is_never_passed_and_the_books_agree(
    costs: list[list[int]], takes: list[int], total: int, fails: int
) -> None:
    """Any costs up to the price, any timing, several loops on one purse."""

    def writer(number: int) -> Callable[[Turn[float]], Awaitable[Draft[float]]]:
        mine = costs[number]

        async def write(turn: Turn[float]) -> Draft[float]:
            await asyncio.sleep(takes[number])
            if (turn.round + number) % 5 == fails:
                raise broken()
            return Draft(float(turn.round), Decimal(mine[turn.round % len(mine)]))

        return write

    async def story() -> tuple[list[Refined[float]], list[Refinement[float]], Purse]:
        purse = Purse(Budget(Decimal(total), Decimal(30)))
        loops = [
            Refinement(
                f"loop-{n}",
                writer(n),
                as_worth,
                Bounds(rounds=6),
                otherwise=take(0.0),
                purse=purse,
            )
            for n in range(len(costs))
        ]
        return list(await asyncio.gather(*(loop.run() for loop in loops))), loops, purse

    found, loops, purse = run(story())
    assert purse.set_aside == 0
    assert purse.left is not None
    assert purse.left >= 0
    assert purse.spent == sum(f.spent for f in found)
    assert purse.unclear == sum(loop.unclear for loop in loops)
    for loop in loops:
        assert loop.stopped in ("rounds", "budget", "failed")
        assert len(loop.rounds) <= 6


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    worth=st.lists(st.integers(0, 10), min_size=1, max_size=8),
    rounds=st.integers(2, 8),
    quality=st.none() | st.integers(0, 10),
    stall=st.none() | st.tuples(st.integers(1, 7), st.integers(1, 4)),
    deadline=st.none() | st.integers(1, 9),
)
def test_it_stops_as_the_oracle_says(
    worth: list[int],
    rounds: int,
    quality: int | None,
    stall: tuple[int, int] | None,
    deadline: int | None,
) -> None:
    """Each round takes one second; the oracle looks at the list of scores alone."""

    def oracle() -> tuple[str, int]:
        best: list[int] = []
        for n in range(1, rounds + 1):
            best.append(max([*best, worth[min(n, len(worth)) - 1]]))
            if quality is not None and best[-1] >= quality:
                return "quality", n
            if deadline is not None and n >= deadline:
                return "deadline", n
            if stall and dry(best, stall[1]) >= stall[0]:
                return "stall", n
        return "rounds", rounds

    def dry(best: list[int], gain: int) -> int:
        mark, since = best[0], 0
        for _, value in pairwise(best):
            mark, since = (value, 0) if value >= mark + gain else (mark, since + 1)
        return since

    if stall is not None and stall[0] >= rounds:
        stall = None
    bounds = Bounds(
        rounds=rounds,
        quality=quality,
        stall=Stall(*stall) if stall else None,
        deadline=seconds(deadline) if deadline else None,
    )
    found = run(looped(*map(float, worth), bounds=bounds))
    assert (found.stopped, len(found.rounds)) == oracle()


# ---- what can be seen ----------------------------------------------------------------------


def test_every_round_shows_its_input_score_cost_and_reason() -> None:
    found = run(looped(0.3, 0.5, bounds=Bounds(rounds=2)))
    first, second = found.rounds
    assert (first.number, first.given, first.best, first.gain) == (1, "", 0.3, None)
    assert (second.given, second.best, second.gain) == ("1/draft", 0.5, pytest.approx(0.2))
    (attempt,) = second.attempts
    assert (attempt.value, attempt.score, attempt.cost) == (0.5, 0.5, Decimal("0.10"))
    assert attempt.reason == "worth 0.5"
    assert (second.ended - second.started).total_seconds() == 1


def test_it_can_be_looked_at_while_it_runs() -> None:
    async def story() -> tuple[RefineView, RefineView]:
        loop = Refinement(
            "letter", by_round(0.3, 0.5), as_worth, Bounds(rounds=2), otherwise=take_best()
        )
        task = asyncio.ensure_future(loop.run())
        await asyncio.sleep(1.5)
        early = loop.view()
        await task
        return early, loop.view()

    early, late = run(story())
    assert (len(early.rounds), early.stopped, early.best) == (1, None, "1/draft")
    assert (len(late.rounds), late.stopped, late.best) == (2, "rounds", "2/draft")
    assert RefineView.model_validate_json(late.model_dump_json()) == late


# ---- misuse --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Bounds(rounds=0), r"Bounds\(rounds=0\) does not bound a loop; use 1 to"),
        (lambda: Bounds(rounds=10**9), "does not bound a loop"),
        (lambda: Bounds(rounds=float("inf")), "does not bound a loop"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=None), "does not bound a loop"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, deadline=seconds(0)), "deadline must lie ahead"),
        (lambda: Bounds(rounds=2, quality=float("nan")), "can never be reached"),
        (lambda: Bounds(rounds=2, stall=Stall(2, 0.1)), "never seen within 2"),
        (lambda: Stall(0, 0.1), "never or always holds"),
        (lambda: Stall(1, 0.0), "never or always holds"),
        (lambda: Budget(Decimal("NaN"), Decimal(1)), "finite amount"),
        (lambda: Budget(Decimal(1), Decimal(2)), "bears no attempt at 2"),
        (lambda: Budget(Decimal(1), Decimal(0)), "bears no attempt at 0"),
        (lambda: team(), "no writer"),
        (lambda: team(Writer("a", no_luck), Writer("a", no_luck)), "must differ in name"),
        (lambda: team(Writer(MERGED, no_luck)), "none be called 'merged'"),
        (lambda: team(Writer("a", no_luck), merge=summed), "merges the drafts of one writer"),
        (lambda: team(Writer("a", no_luck), bounds=Bounds(rounds=2_001)), "2,001 attempts, more"),
        (
            lambda: team(
                Writer("a", no_luck),
                Writer("b", no_luck),
                bounds=Bounds(rounds=2, budget=Budget(Decimal(1), Decimal("0.6"))),
            ),
            "bears no single round of 2 attempts at 0.6",
        ),
        (
            lambda: team(
                Writer("a", no_luck),
                bounds=Bounds(rounds=2, budget=Budget(Decimal(1), Decimal(1))),
                purse=Purse(None),
            ),
            "has two budgets",
        ),
        (lambda: instead("", no_luck), "another path needs a name"),  # type: ignore[arg-type]
    ],
)
def test_misuse_is_refused_when_built(build: Callable[[], object], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        build()


W: Any = no_luck
ONE = Bounds(rounds=1)


def wrongly(**changed: Any) -> Any:
    """Build a loop with one thing of the wrong kind; nothing of it is ever awaited."""
    given = {"writers": W, "rate": as_worth, "bounds": ONE, "otherwise": take_best(), **changed}
    return Refinement("letter", given.pop("writers"), **given)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: wrongly(otherwise=take_best),
            r"loop 'letter': otherwise is of type function; call one, as take_best\(\)",
        ),
        (lambda: wrongly(bounds=5), r"bounds is of type int; use Bounds\(rounds=...\)"),
        (lambda: wrongly(writers=[W, W]), r"writers is of type function; .* Writer\(name, functio"),
        (lambda: wrongly(writers=Writer("a", W)), "writers is of type Writer; give .* a list"),
        (lambda: wrongly(writers=None), "writers is of type NoneType; give"),
        (lambda: wrongly(rate=0.9), "rate is of type float; give a function"),
        (lambda: wrongly(merge=5), "merge is of type int; give a function"),
        (lambda: wrongly(purse=dimes("1")), r"purse is of type Budget; use Purse\(Budget"),
        (lambda: Writer("a", W, timeout=5), "writer 'a': timeout=5 is no time"),  # type: ignore[arg-type]
        (lambda: Writer("a", Draft(1.0)), "writer 'a' is of type Draft; give a function"),  # type: ignore[arg-type]
        (lambda: Writer(" ", W), "a writer needs a name"),
        (lambda: Writer(1, W), "the name of writer 1 is of type int; use text"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, deadline=5), "deadline=5: .* use a positive timedelta"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, quality="0.9"), "quality='0.9' can never be reached"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, quality=Decimal(1)), "can never be reached; use a finite"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, budget=Decimal(1)), r"type Decimal; use Budget\(total"),  # type: ignore[arg-type]
        (lambda: Bounds(rounds=2, stall=2), r"stall is of type int; use Stall\(rounds"),  # type: ignore[arg-type]
        (lambda: Stall("2", 0.1), "never or always holds"),  # type: ignore[arg-type]
        (lambda: Stall(1.5, 0.1), "never or always holds"),  # type: ignore[arg-type]
        (lambda: Budget(0.35, Decimal(1)), r"0.35, is of type float; use Decimal\('0.35'\)"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_kind_is_refused_when_built(build: Callable[[], object], message: str) -> None:
    with pytest.raises(Misuse, match=message):
        build()


def drafting(made: Any) -> Any:
    async def write(_turn: Turn[Any]) -> Any:
        return made

    return write


@pytest.mark.parametrize(
    ("write", "rate", "message"),
    [
        (drafting("dear"), as_worth, r"what writer 'draft' of loop 'letter' gave is of type str"),
        (drafting(None), as_worth, r"type NoneType; return Draft\(value, cost\)"),
        (drafting(Draft(1.0, 0.05)), as_worth, r"cost 0.05 of the draft of writer.* use Decimal"),  # type: ignore[arg-type]
        (drafting(Draft(1.0, 1)), as_worth, r"the cost 1 .* is of type int"),  # type: ignore[arg-type]
        (lambda _: Draft(1.0), as_worth, "gave a Draft at once; make it an `async def`"),
        (W, lambda _: 0.9, r"what the rate of loop 'letter' gave .* return Score\(value, reason\)"),
        (W, drafting(0.9), r"what the rate of loop 'letter' gave is of type float"),
        (W, lambda _: Score("0.9"), "the rate of loop 'letter' scored '0.9', which is no number"),  # type: ignore[arg-type]
        (W, lambda _: Score(0.9, cost=0.1), "the cost 0.1 of the score of the rate of loop"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_draft_or_score_is_no_failure_that_otherwise_hides(
    write: Any, rate: Any, message: str
) -> None:
    if write is W:
        write = by_round(1.0)
    loop = Refinement("letter", write, rate, Bounds(rounds=3), otherwise=take(7.0))
    with pytest.raises(Misuse, match=message):
        run(loop.run())
    assert len(loop.rounds) == 1, "no further round was paid"


def test_a_merge_that_gives_no_draft_is_misuse() -> None:
    async def merge(_drafts: Sequence[Scored[float]]) -> Any:
        return 1.0

    loop = team(Writer("a", by_round(0.1)), Writer("b", by_round(0.2)), merge=merge)
    with pytest.raises(Misuse, match=r"what writer 'merged' of loop .* gave is of type float"):
        run(loop.run())


def test_a_loop_runs_once() -> None:
    async def story() -> None:
        loop = team(Writer("a", by_round(1.0)))
        await loop.run()
        await loop.run()

    with pytest.raises(Misuse, match="was run before; make another"):
        run(story())


def test_a_loop_without_a_hard_bound_is_a_type_error(tmp_path: Any) -> None:
    """Mypy refuses the loop without rounds, and nothing else in the file."""
    snippet = tmp_path / "unbounded.py"
    snippet.write_text(
        "from datetime import timedelta\n"
        "from workflows.patterns.bounds import Bounds\n"
        "Bounds(rounds=3, deadline=timedelta(days=1), quality=0.9)\n"
        "Bounds(deadline=timedelta(days=1), quality=0.9)\n"
        "Bounds(rounds=None)\n",
        encoding="utf-8",
    )
    bounds = str(ROOT / "workflows" / "patterns" / "bounds.py")
    options = ["--config-file=", "--strict", "--no-incremental", "--follow-imports=skip"]
    said, _, status = api.run([*options, bounds, str(snippet)])
    wrong = [line.split("unbounded.py:")[1] for line in said.splitlines() if "unbounded" in line]
    assert status == 1
    assert wrong == [
        '4: error: Missing positional argument "rounds" in call to "Bounds"  [call-arg]',
        '5: error: Argument "rounds" to "Bounds" has incompatible type "None"; expected "int"'
        "  [arg-type]",
    ]
