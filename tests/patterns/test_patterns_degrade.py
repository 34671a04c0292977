"""Degrade: which measure when, once, why, and in what order; policies that make no sense."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.gating import DAY, spec
from tests.patterns.virtual import run
from workflows.data.common import CostView, Decision, Verdict
from workflows.data.degrade import Left, MeasureKind, Remaining, Shortage, Taken
from workflows.errors import Misuse
from workflows.patterns.degrade import (
    Degrade,
    Degrading,
    Measure,
    Rule,
    ask_people,
    below,
    cheaper_role,
    go_on,
    money_left,
    skip_branch,
    time_left,
)
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec

BUDGET, LIMIT, DEADLINE = Shortage
CHEAPER = cheaper_role("reviewer", use="analyst")
SKIP = skip_branch("media")
FILINGS = below(LIMIT, skip_branch("filings"), share=0.2)
ASK = ask_people(spec("anybody", name="spend", proposal="approve"))
MINUTE = timedelta(minutes=1)


def left(budget: str = "", limit: str = "", deadline: str = "") -> Remaining:
    """Build what is left from words as 3/10."""

    def one(text: str) -> Left | None:
        amount, _, of = text.partition("/")
        return Left(left=Decimal(amount), of=Decimal(of)) if text else None

    return Remaining(budget=one(budget), limit=one(limit), deadline=one(deadline))


def policy(*rules: Rule) -> Degrade:
    return Degrade("research", rules)


async def nobody(_: GateSpec) -> GateResult:
    raise AssertionError("nobody is asked")


def answers(*ends: GateResult) -> tuple[Callable[[GateSpec], Awaitable[GateResult]], list[str]]:
    """Give people who answer in order, and the gates they were asked at."""
    asked: list[str] = []

    async def open_gate(given: GateSpec) -> GateResult:
        asked.append(given.name)
        await asyncio.sleep(1)
        return ends[len(asked) - 1]

    return open_gate, asked


def said(verdict: Verdict) -> GateResult:
    return GateResult((Decision(verdict=verdict, by="ann", gate="spend"),))


LADDER = policy(
    below(BUDGET, CHEAPER, share=0.5),
    below(LIMIT, SKIP, amount=Decimal(10)),
    below(DEADLINE, go_on(), time=MINUTE),
    below(BUDGET, skip_branch("filings"), amount=Decimal("0.10")),
)


@pytest.mark.parametrize(
    ("remaining", "rules"),
    [
        (left(), ()),
        (left(budget="5/10", limit="10/60", deadline="60/600"), ()),
        (left(budget="4.99/10"), (1,)),
        (left(limit="9/60"), (2,)),
        (left(budget="0.09/10"), (1, 4)),
        (left(budget="-3/10"), (1, 4)),
        (left(deadline="59.9/600"), (3,)),
        (left(deadline="-1/600"), (3,)),
        (left(budget="0.09/10", deadline="59/600"), (1, 3)),
        (left(budget="0.09/10", limit="0/60", deadline="0/600"), (1, 2, 3)),
    ],
)
def test_rules_that_hold_are_taken_in_order_until_one_goes_on(
    remaining: Remaining, rules: tuple[int, ...]
) -> None:
    """A bound itself is not below it; what is not known is not short."""
    assert LADDER.due(remaining) == rules


def test_a_measure_is_taken_once_with_what_when_why_and_figures() -> None:
    async def work() -> None:
        kept = Degrading(LADDER)
        await asyncio.sleep(90)
        taken = await kept.heed(left(budget="0.04/0.50", limit="3/60"))
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=90)
        assert [(t.rule, t.kind, t.subject, t.instead, t.at) for t in taken] == [
            (1, MeasureKind.ROLE, "reviewer", "analyst", start),
            (2, MeasureKind.SKIP, "media", "", start),
            (4, MeasureKind.SKIP, "filings", "", start),
        ]
        assert [t.why for t in taken] == [
            "budget: 0.04 of 0.50 US$ left, which is below 50%",
            "limit: 3 of 60 left, which is below 10",
            "budget: 0.04 of 0.50 US$ left, which is below 0.10 US$",
        ]
        assert taken[0].figures == Left(left=Decimal("0.04"), of=Decimal("0.50"))
        assert await kept.heed(left(budget="0.01/0.50", limit="0/60")) == ()
        assert kept.taken == taken

    run(work())


def test_what_was_taken_is_what_the_process_goes_by() -> None:
    async def work() -> None:
        kept = Degrading(LADDER)
        assert (kept.role("reviewer"), kept.skips("media")) == ("reviewer", False)
        await kept.heed(left(budget="4/10", limit="1/60"))
        assert (kept.role("reviewer"), kept.role("triage")) == ("analyst", "triage")
        assert (kept.skips("media"), kept.skips("filings")) == (True, False)

    run(work())


def test_of_two_cheaper_roles_the_later_counts_and_replacements_are_followed() -> None:
    rules = policy(
        below(BUDGET, CHEAPER, share=0.5),
        below(BUDGET, cheaper_role("analyst", use="triage"), share=0.2),
        below(DEADLINE, cheaper_role("reviewer", use="triage"), share=0.1),
    )

    async def work(*remaining: Remaining) -> str:
        kept = Degrading(rules)
        for each in remaining:
            await kept.heed(each)
        return kept.role("reviewer")

    assert run(work(left(budget="4/10"))) == "analyst"
    assert run(work(left(budget="1/10"))) == "triage"
    assert run(work(left(budget="4/10"), left(deadline="0/10"))) == "triage"


def test_going_on_is_recorded_once_and_holds_back_what_stands_below_it_each_time() -> None:
    async def work() -> None:
        kept = Degrading(LADDER)
        both = left(budget="0.01/10", deadline="1/600")
        assert [t.rule for t in await kept.heed(both)] == [1, 3]
        assert await kept.heed(both) == ()
        assert [t.rule for t in await kept.heed(left(budget="0.01/10"))] == [4]

    run(work())


def test_people_are_asked_once_and_what_they_said_is_kept() -> None:
    rules = policy(below(BUDGET, ASK, share=0.2), below(BUDGET, SKIP, share=0.2), FILINGS)
    open_gate, asked = answers(said(Verdict.DECLINE))

    async def work() -> None:
        kept = Degrading(rules, open_gate)
        task = asyncio.ensure_future(kept.heed(left(budget="1/10")))
        await asyncio.sleep(0.5)
        assert kept.taken[0].unanswered
        assert kept.skips("media"), "other measures do not wait for the people"
        assert await kept.heed(left(budget="1/10")) == ()
        (third,) = await kept.heed(left(budget="1/10", limit="1/10"))
        assert third.subject == "filings"
        first, second = await task  # what was taken meanwhile is another look's
        assert (first.subject, first.unanswered) == ("spend", False)
        assert [d.verdict for d in first.decisions] == [Verdict.DECLINE]
        assert not second.unanswered
        assert await kept.heed(left(budget="0/10")) == ()

    run(work())
    assert asked == ["spend"]


def test_people_are_asked_again_where_that_is_declared_and_never_twice_at_once() -> None:
    again = ask_people(spec("anybody", name="spend"), again=True)
    open_gate, asked = answers(said(Verdict.APPROVE), GateResult((), timed_out=True))

    async def work() -> None:
        kept = Degrading(policy(below(BUDGET, again, share=0.2)), open_gate)
        short = left(budget="1/10")
        both = await asyncio.gather(kept.heed(short), kept.heed(short))
        assert [len(taken) for taken in both] == [1, 0]
        assert [t.timed_out for t in await kept.heed(short)] == [True]
        assert len(kept.taken) == 2
        assert await kept.heed(left(budget="9/10")) == ()

    run(work())
    assert asked == ["spend", "spend"]


def test_a_question_left_open_is_asked_again_by_the_next_run() -> None:
    """With the desk it goes on at the same gate; other measures stay taken."""
    rules = policy(below(BUDGET, CHEAPER, share=0.5), below(BUDGET, ASK, share=0.2))

    async def work() -> None:
        desk = Desk()
        kept = Degrading(rules, desk.open)
        task = asyncio.ensure_future(kept.heed(left(budget="1/10")))
        await asyncio.sleep(DAY.total_seconds() / 2)
        state = desk.state()
        carried = [Taken.model_validate_json(t.model_dump_json()) for t in kept.taken]
        task.cancel()
        desk = Desk(state)
        kept = Degrading(rules, desk.open, carried)
        assert kept.role("reviewer") == "analyst"
        task = asyncio.ensure_future(kept.heed(left(budget="9/10")))
        await asyncio.sleep(0)
        assert desk.views()[0].opened == datetime(1970, 1, 1, tzinfo=UTC)
        desk.take(Decision(verdict=Verdict.APPROVE, by="eve", gate="spend"))
        assert await task == (), "nothing new was taken"
        assert [d.by for d in kept.taken[1].decisions] == ["eve"]

    run(work())


def test_a_question_given_up_may_be_asked_again() -> None:
    open_gate, asked = answers(said(Verdict.APPROVE), said(Verdict.APPROVE))

    async def work() -> None:
        kept = Degrading(policy(below(BUDGET, ASK, share=0.2)), open_gate)
        task = asyncio.ensure_future(kept.heed(left(budget="1/10")))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await kept.heed(left(budget="1/10"))
        assert not kept.taken[0].unanswered

    run(work())
    assert asked == ["spend", "spend"]


def test_what_is_left_is_reckoned_from_cost_and_start() -> None:
    assert money_left(CostView(usd=Decimal("0.30")), Decimal("0.50")) == Left(
        left=Decimal("0.20"), of=Decimal("0.50")
    )

    async def work() -> Left:
        began = datetime(1970, 1, 1, tzinfo=UTC)
        await asyncio.sleep(90.5)
        return time_left(began, 2 * MINUTE)

    assert run(work()) == Left(left=Decimal("29.5"), of=Decimal(120))
    assert Left(left=Decimal(-1), of=Decimal(2)).share == 0


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: policy(), "'research' takes no measure; give at least one rule"),
        (lambda: below(BUDGET, SKIP), "about the budget takes one of share and amount"),
        (lambda: below(BUDGET, SKIP, share=0.1, amount=Decimal(1)), "takes one of share and amou"),
        (lambda: below(BUDGET, SKIP, time=MINUTE), "about the budget takes one of share and amou"),
        (lambda: below(DEADLINE, SKIP, amount=Decimal(1)), "about the deadline takes one of share"),
        (lambda: below(LIMIT, SKIP, share=0), "about the limit holds below 0.*above zero"),
        (lambda: below(LIMIT, SKIP, share=1.01), "holds below 1.01; .*at most 1"),
        (lambda: below(LIMIT, SKIP, share=float("nan")), "holds below NaN"),
        (lambda: below(LIMIT, SKIP, amount=Decimal(-1)), "holds below -1"),
        (lambda: below(DEADLINE, SKIP, time=timedelta(0)), "holds below 0"),
        (lambda: cheaper_role("a", use="a"), "role 'a' cannot stand in for itself"),
        (lambda: ask_people(spec("anybody", {})), "gate 'review' can never be settled"),
        (
            lambda: policy(below(BUDGET, go_on(), share=0.5), below(BUDGET, SKIP, share=0.5)),
            "rule 2 can never matter: rule 1 goes on before it is looked at",
        ),
        (
            lambda: policy(
                below(LIMIT, CHEAPER, share=0.9),
                below(DEADLINE, go_on(), time=2 * MINUTE),
                below(DEADLINE, SKIP, time=MINUTE),
            ),
            "rule 3 can never matter: rule 2 goes on",
        ),
        (
            lambda: policy(below(BUDGET, SKIP, share=0.2), below(BUDGET, SKIP, share=0.5)),
            "rule 2 can never matter: rule 1 takes the same measure",
        ),
        (
            lambda: policy(
                below(BUDGET, CHEAPER, share=0.5),
                below(LIMIT, cheaper_role("analyst", use="triage"), share=0.5),
                below(DEADLINE, cheaper_role("triage", use="reviewer"), share=0.5),
            ),
            "cheaper roles of 'reviewer' lead back to it",
        ),
        (lambda: Degrading(policy(below(BUDGET, ASK, share=0.1))), "asks people; say how a gate"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_when_built(
    make: Callable[[], object], why: str
) -> None:
    with pytest.raises(Misuse, match=why):
        make()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: below(DEADLINE, SKIP, time=60), "time=60 is of type int; use a timedelta"),  # type: ignore[arg-type]
        (lambda: below(BUDGET, SKIP, amount=5.0), r"amount=5.0 is of type float; use Decimal"),  # type: ignore[arg-type]
        (lambda: below(BUDGET, SKIP, share="0.5"), "share='0.5' is no number; use one up to 1"),  # type: ignore[arg-type]
        (lambda: below(BUDGET, go_on, share=0.5), "measure is of type function; call one, as"),  # type: ignore[arg-type]
        (lambda: below("money", SKIP, share=0.5), "the shortage of a rule is of type str"),  # type: ignore[arg-type]
        (lambda: ask_people("review"), r"ask_people is of type str; use GateSpec"),  # type: ignore[arg-type]
        (lambda: policy(SKIP), r"one of degrade 'research': when is of type Measure; list rules"),  # type: ignore[arg-type]
        (lambda: Degrade("one", FILINGS), "degrade 'one': when is of type Rule; list rules"),  # type: ignore[arg-type]
        (lambda: Degrading(FILINGS), r"policy of Degrading is of type Rule; use Degrade\("),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_kind_is_refused_when_built(make: Callable[[], object], why: str) -> None:
    with pytest.raises(Misuse, match=why):
        make()


@pytest.mark.parametrize(
    "rules",
    [
        (below(BUDGET, go_on(), share=0.1), below(BUDGET, SKIP, share=0.5)),
        (below(BUDGET, go_on(), share=0.5), below(LIMIT, SKIP, share=0.1)),
        (below(BUDGET, SKIP, share=0.5), below(DEADLINE, SKIP, share=0.5)),
        (below(BUDGET, SKIP, share=0.5), below(BUDGET, SKIP, amount=Decimal(1))),
        (below(BUDGET, go_on(), share=0.5), below(BUDGET, SKIP, amount=Decimal(1))),
    ],
)
def test_rules_that_may_both_matter_are_taken(rules: Sequence[Rule]) -> None:
    assert policy(*rules)


def test_measures_of_another_policy_are_refused() -> None:
    async def some() -> tuple[Taken, ...]:
        return await Degrading(LADDER).heed(left(budget="0/10"))

    taken = run(some())
    with pytest.raises(Misuse, match="'other' was given measures of another policy"):
        Degrading(Degrade("other", LADDER.when), taken=taken)
    with pytest.raises(Misuse, match="'research' was given measures of another policy"):
        Degrading(policy(LADDER.when[0]), taken=taken)


# ---- against an oracle ---------------------------------------------------------------------

measures = st.sampled_from([CHEAPER, SKIP, skip_branch("x"), ASK, go_on()])
shares = st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])
rules_of = st.lists(
    st.builds(lambda s, m, x: Rule(s, m, share=x), st.sampled_from(Shortage), measures, shares),
    min_size=1,
    max_size=5,
)
amounts = st.lists(st.tuples(*[st.integers(-1, 10)] * 3), min_size=1, max_size=4)


def same(a: Measure, b: Measure) -> bool:
    return (a.kind, a.subject, a.instead) == (b.kind, b.subject, b.instead)


@settings(print_blob=True, deadline=None, max_examples=200)
@given(rules_of, amounts)
def test_whatever_runs_short_the_measures_are_those_of_the_rules_read_aloud(
    rules: list[Rule], amounts: list[Any]
) -> None:
    """Ten lines that say the same: each look, each rule in order, each measure once."""
    try:
        made = policy(*rules)
    except Misuse:
        return
    wanted: list[int] = []

    async def work() -> list[int]:
        async def at_once(_: GateSpec) -> GateResult:
            return said(Verdict.APPROVE)

        kept = Degrading(made, at_once)
        for each in amounts:
            await kept.heed(left(*(f"{n}/10" for n in each)))
            for number, rule in enumerate(rules, 1):
                if each[list(Shortage).index(rule.shortage)] / 10 >= (rule.share or 0):
                    continue
                if rule.measure.kind is MeasureKind.GO_ON:
                    wanted.extend([number] if number not in wanted else [])
                    break
                if not any(same(rules[n - 1].measure, rule.measure) for n in wanted):
                    wanted.append(number)
        return [t.rule for t in kept.taken]

    assert run(work()) == wanted
