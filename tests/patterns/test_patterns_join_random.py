"""Joins under random circumstances, against plain oracles. BRAID_SOAK=1 makes ten times as many."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.patterns.joining import broken, states
from tests.patterns.virtual import Trail, elapsed, run
from workflows.errors import JoinFailed
from workflows.patterns.branch import Branch
from workflows.patterns.failure import (
    Policy,
    default,
    fail,
    fallback,
    finish_then_undo,
    hold,
    retry,
    skip,
    tolerate,
)
from workflows.patterns.join import Late, join
from workflows.patterns.outcome import Joined
from workflows.patterns.saga import current_saga
from workflows.patterns.until import Until, all_settled, at_least, first_settled

T = TypeVar("T")
MORE = 10 if os.environ.get("BRAID_SOAK") else 1
SLOW = [HealthCheck.too_slow]  # a busy machine is no defect
FAR = 99
ENDS = {"skip": "skipped", "default": "defaulted"}


@dataclass(frozen=True)
class Plan:
    """One branch: its attempts (seconds, whether it works), and what its failure means."""

    attempts: tuple[tuple[int, bool], ...]
    then: str = "tolerate"
    backoff: int = 0
    timeout: int = FAR
    holds: bool = False

    def ends(self, number: int) -> tuple[int, bool]:
        """Give the length of an attempt and whether it works."""
        seconds, good = self.attempts[number]
        return min(seconds, self.timeout), good and seconds <= self.timeout

    @property
    def policy(self) -> Policy:
        made = {"tolerate": tolerate(), "skip": skip(), "default": default("-"), "fail": fail()}
        made["undo"] = finish_then_undo()
        last, times = made[self.then], len(self.attempts) - 1
        if not times:
            return last
        again = retry(times, timedelta(seconds=self.backoff), last)
        return hold(again) if self.holds else again


@dataclass(frozen=True)
class Case:
    """A random join; FAR means never, or any number."""

    plans: tuple[Plan, ...]
    kind: str
    wanted: int
    tolerated: int = FAR
    limit: int = FAR
    deadline: int = FAR
    cancelled: int = FAR
    late: Late = "cancel"

    @property
    def until(self) -> Until:
        made = {"settled": all_settled(), "first": first_settled()}
        until = made.get(self.kind) or at_least(self.wanted)
        return until if self.tolerated == FAR else until.tolerate(count=self.tolerated)


@dataclass
class Answer:
    """What became of a join: statuses and attempts by branch, when, and what came late."""

    reason: str
    states: list[str]
    attempts: list[int]
    at: int
    late: list[str]


class Dice:
    """Makes choices of bytes: one draw for a whole case, and zeros shrink it."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def pick(self, *options: T) -> T:
        return options[next(self._data, 0) % len(options)]

    def number(self, least: int, most: int) -> int:
        return least + next(self._data, 0) % (most - least + 1)


def plan(dice: Dice, timed: bool) -> Plan:
    """Work without time and with a timeout ends at one instant in several looks: not both."""
    count = dice.pick(1, 1, 2, 3)
    return Plan(
        attempts=tuple((dice.number(int(timed), 5), dice.pick(True, False)) for _ in range(count)),
        then=dice.pick("tolerate", "tolerate", "tolerate", "skip", "default", "fail", "undo"),
        backoff=dice.number(0, 2),
        timeout=dice.pick(FAR, FAR, 1, 3) if timed else FAR,
        holds=dice.pick(False, False, True),
    )


def case_of(data: bytes) -> Case:
    dice = Dice(data)
    timed, count = dice.pick(False, True), dice.number(1, 6)
    return Case(
        kind=dice.pick("settled", "first", "success", "success"),
        wanted=dice.number(1, count),
        tolerated=dice.pick(FAR, FAR, dice.number(0, count)),
        limit=dice.pick(FAR, dice.number(1, 4)),
        deadline=dice.pick(FAR, dice.number(0, 12)),
        cancelled=dice.pick(*[FAR] * 8, 1, 2, 3, 5),
        late=dice.pick("cancel", "cancel", "finish"),
        plans=tuple(plan(dice, timed) for _ in range(count)),
    )


# ---- the oracle ----------------------------------------------------------------------------


@dataclass(eq=False)
class Course:
    """Where a branch is: waiting, running or pausing until a time, queued, or how it ended."""

    plan: Plan
    state: str = "waiting"
    until: int = 0
    attempt: int = -1

    @property
    def is_doomed(self) -> bool:
        return self.state == "failed" and self.plan.then == "undo"

    @property
    def is_holding(self) -> bool:
        repeats = self.attempt > 0 or self.state in ("pausing", "queued")
        return self.plan.holds and repeats and self.state in OPEN

    def start(self, now: int) -> None:
        self.attempt += 1
        self.state, self.until = "running", now + self.plan.ends(self.attempt)[0]

    def pass_by(self, now: int) -> None:
        """Do what happens at an instant without anybody looking."""
        if self.state == "running" and self.until <= now:
            if self.plan.ends(self.attempt)[1]:
                self.state = "succeeded"
            elif self.attempt + 1 < len(self.plan.attempts):
                pause = self.plan.backoff * 2**self.attempt
                self.state, self.until = "pausing", now + pause
            else:
                self.state = ENDS.get(self.plan.then, "failed")
        if self.state == "pausing" and self.until <= now:
            self.state = "queued"


OPEN = ("waiting", "running", "pausing", "queued")


def oracle(case: Case) -> Answer:
    """Go from instant to instant: what happens, one look, what starts."""
    courses, now, queue = [Course(p) for p in case.plans], 0, list[Course]()
    answer: Answer | None = None
    while True:
        for course in courses:
            course.pass_by(now)
            if course.state == "queued" and course not in queue:
                queue.append(course)
        if answer is None and (reason := judged(case, courses, now)):
            goes_on = case.late == "finish" and reason not in ("raised", "cancelled")
            answer = ended(courses, reason, now, "late" if goes_on else "cancelled")
            courses = [c for c in courses if goes_on and c.state in OPEN[1:]]
        if answer is not None and all(c.state not in OPEN for c in courses):
            answer.late = [c.state for c in courses]
            return answer
        free = case.limit - sum(c.state == "running" for c in courses)
        fresh = [c for c in courses if c.state == "waiting"]
        if any(c.is_doomed or c.is_holding for c in courses):
            fresh = []
        for course in [*queue, *fresh][:free]:
            course.start(now)
            queue = [c for c in queue if c is not course]
        coming = [c.until for c in courses if c.state in ("running", "pausing")]
        now = min([*coming, *(t for t in (case.deadline, case.cancelled) if t > now)])


def ended(courses: list[Course], reason: str, now: int, open_: str) -> Answer:
    states = [
        c.state if c.state not in OPEN else "not_started" if c.state == "waiting" else open_
        for c in courses
    ]
    return Answer(reason, states, [c.attempt + 1 for c in courses], now, [])


def judged(case: Case, courses: list[Course], now: int) -> str | None:
    done = [c.state for c in courses]
    good = sum(d in ("succeeded", "defaulted") for d in done)
    bad, left = done.count("failed"), sum(d in OPEN for d in done)
    too_many = bad > case.tolerated
    if case.cancelled <= now:
        return "cancelled"
    if any(c.state == "failed" and c.plan.then == "fail" for c in courses):
        return "raised"
    if any(c.is_doomed for c in courses):
        still = any(c.state in OPEN[1:] for c in courses) and now < case.deadline
        return None if still else "raised"
    if case.kind == "settled" and not left and not too_many:
        return "complete"
    wanted, settled = (1, good + bad) if case.kind == "first" else (case.wanted, good)
    if case.kind != "settled" and settled >= wanted:
        return "enough"
    if too_many:
        return "too_many_failures"
    if case.kind != "settled" and settled + left < wanted:
        return "impossible"
    return "deadline" if now >= case.deadline else None


# ---- the real thing ------------------------------------------------------------------------


def branch(name: str, plan: Plan, trail: Trail, alive: list[str]) -> Branch[str]:
    """Build a branch whose every attempt has an effect, which stands in `alive` until undone."""
    left = iter(plan.attempts)

    async def have() -> None:
        alive.append(name)

    async def lose() -> None:
        alive.remove(name)

    async def work() -> str:
        seconds, good = next(left)
        saga = current_saga()
        assert saga is not None
        await saga.step("effect", have, lose)
        return await trail.work(name, seconds, error=None if good else broken())()

    timeout = None if plan.timeout == FAR else timedelta(seconds=plan.timeout)
    return Branch(name, work, plan.policy, timeout)


async def real(case: Case, trail: Trail, alive: list[str]) -> Answer:
    branches = [branch(str(n), p, trail, alive) for n, p in enumerate(case.plans)]
    task = asyncio.ensure_future(
        join(
            branches,
            until=case.until,
            limit=None if case.limit == FAR else case.limit,
            deadline=None if case.deadline == FAR else timedelta(seconds=case.deadline),
            late=case.late,
        )
    )
    if case.cancelled != FAR:
        asyncio.get_running_loop().call_at(case.cancelled, task.cancel)
    try:
        joined = await task
    except JoinFailed as error:
        told = error.details[0].values()
        return Answer(
            "raised", list(states(error).values()), [t["attempts"] for t in told], at(), []
        )
    except asyncio.CancelledError:
        return Answer("cancelled", [], [], at(), [])
    return await answered(joined)


async def answered(joined: Joined) -> Answer:
    found, ended = list(joined.branches.values()), at()
    late = await joined.late()
    assert [o.status for o in joined.branches.values()] == [o.status for o in found]
    assert list(joined.values) == [o.name for o in found if o.is_success]
    return Answer(
        joined.reason,
        [o.status for o in found],
        [o.attempts for o in found],
        ended,
        [o.status for o in late],
    )


def at() -> int:
    return round(elapsed())


def kept(answer: Answer, attempts: list[int]) -> Counter[str]:
    """Give the effects that must still stand: those of branches that gave their own value."""
    good = {} if answer.reason in ("raised", "cancelled") else dict(enumerate(answer.states))
    late = iter(answer.late)
    ends = {n: next(late) if state == "late" else state for n, state in good.items()}
    return Counter({str(n): attempts[n] for n, end in ends.items() if end == "succeeded"})


@settings(max_examples=1_700 * MORE, deadline=None, print_blob=True, suppress_health_check=SLOW)
@given(st.binary(min_size=80, max_size=80).map(case_of))
def test_random_joins_agree_with_the_oracle(case: Case) -> None:
    trail, alive = Trail(), list[str]()
    answer, wanted = run(real(case, trail, alive)), oracle(case)
    if wanted.reason == "cancelled":
        assert (answer.reason, answer.at) == (wanted.reason, wanted.at)
    else:
        assert answer == wanted
    assert trail.most <= case.limit
    assert trail.running == 0
    attempts = Counter(what.split()[0] for what in trail.words if what.endswith("starts"))
    assert Counter(alive) == kept(wanted, [attempts[str(n)] for n in range(len(case.plans))])


@settings(max_examples=300 * MORE, deadline=None, print_blob=True, suppress_health_check=SLOW)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1))
def test_fallbacks_take_over_after_their_branch(plans: list[tuple[int, int, bool]]) -> None:
    async def case() -> Joined:
        branches = []
        for n, (first, second, good) in enumerate(plans):
            error = None if good else broken(str(n))
            spare = fallback(Branch("spare", Trail().work(f"s{n}", second, error=error)))
            failing = Trail().work(str(n), first, error=broken("first"))
            branches.append(Branch(str(n), failing, spare))
        return await join(branches, until=all_settled())

    joined = run(case())
    for (first, second, good), found in zip(plans, joined.branches.values(), strict=True):
        assert (found.status, found.via) == (("succeeded", "spare") if good else ("failed", ""))
        assert found.started is not None
        assert found.ended is not None
        assert (found.ended - found.started).total_seconds() == first + second
