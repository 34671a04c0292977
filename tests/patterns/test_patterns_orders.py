"""Joins in every order and under random circumstances, against plain oracles."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import DAY, Trail, elapsed, run
from workflows.errors import JoinFailed
from workflows.patterns.failure import Policy, default, fail, fallback, skip, tolerate
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

Answer = tuple[str, dict[str, str]]
SLOW = [HealthCheck.too_slow]  # a busy machine is no defect
UNTILS: dict[str, Until] = {
    "all": all_succeed(),
    "settled": all_settled(),
    "first": first_settled(),
    "success": first_success(),
    "two": at_least(2),
    "two or c": at_least(2) | outcome(lambda o: o.name == "c"),
    "one failure": all_settled().tolerate(count=1),
}


def broken(name: str) -> ApplicationError:
    return ApplicationError(name, type="Broken")


def answer(joined: Joined) -> Answer:
    return joined.reason, joined.summary()


async def answered(branches: list[Branch[str]], until: Until) -> Answer:
    try:
        return answer(await join(branches, until=until))
    except JoinFailed as error:
        return error.message, dict(error.details[0])


# ---- interleavings -------------------------------------------------------------------------


def ranks(count: int) -> Iterator[tuple[int, ...]]:
    """Give every order in which so many branches can settle, ties included."""
    for places in product(range(count), repeat=count):
        if set(places) == set(range(max(places) + 1)):
            yield places


def expected(places: tuple[int, ...], failing: str, kind: str) -> Answer:
    """Walk through the instants; give the answer at the first one at which the join ends."""
    names = "abcd"[: len(places)]
    for instant in range(len(names)):
        status = {
            n: ("failed" if n in failing else "succeeded") if at <= instant else "cancelled"
            for n, at in zip(names, places, strict=True)
        }
        good, bad, left = (
            [n for n in names if status[n] == s] for s in ("succeeded", "failed", "cancelled")
        )
        if kind == "all" and bad:
            return f"branch {bad[0]!r} failed: Broken: {bad[0]}", status
        if kind in ("two", "two or c") and len(good) >= 2:
            return "enough", status
        if kind == "two or c" and "c" in good + bad:
            return "outcome", status
        if (kind == "success" and good) or (kind == "first" and good + bad):
            return "enough", status
        if kind == "one failure" and len(bad) > 1:
            return "too_many_failures", status
        if kind in ("all", "settled", "one failure") and not left:
            return "complete", status
        wanted = {"success": 1, "two": 2}.get(kind, 0)
        if kind == "two or c":
            wanted = 2 if "c" not in left else 0
        if len(good) + len(left) < wanted:
            return "impossible", status
    raise AssertionError(f"{kind} never ends with {places}")


def built(places: tuple[int, ...], failing: str, unit: float, detour: int) -> list[Branch[str]]:
    """Give branches that settle in this order, whatever the unit of time and the way there."""

    async def settle(name: str, at: float) -> str:
        for _ in range(detour):
            await asyncio.sleep(0)
        await asyncio.sleep(at)
        for _ in range(ord(name) * detour % 5):
            await asyncio.sleep(0)
        if name in failing:
            raise broken(name)
        return name

    def branch(name: str, at: float) -> Branch[str]:
        return Branch(name, lambda: settle(name, at))

    return [branch(n, (at + 1) * unit) for n, at in zip("abcd", places, strict=False)]


@pytest.mark.parametrize(
    ("kind", "count"), [(k, n) for n in (2, 3, 4) for k in UNTILS if n > 2 or k != "two or c"]
)
def test_every_order_of_completion_has_one_answer(kind: str, count: int) -> None:
    orders = list(ranks(count))
    assert len(orders) == {2: 3, 3: 13, 4: 75}[count]
    assert set(permutations(range(count))) <= set(orders)

    async def every() -> None:
        for places in orders:
            for failing in ("", "b", "bc"[: count - 1]):
                wanted = expected(places, failing, kind)
                for unit, detour in ((1.0, 0), (DAY, 3)):
                    branches = built(places, failing, unit, detour)
                    assert await answered(branches, UNTILS[kind]) == wanted, (places, failing)

    run(every())


# ---- random circumstances ------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """One branch of a random join: seconds of work, whether it fails, its policy and timeout."""

    seconds: int
    good: bool
    policy: str = "tolerate"
    timeout: int | None = None

    @property
    def length(self) -> int:
        return self.seconds if self.timeout is None else min(self.seconds, self.timeout)

    @property
    def end(self) -> str:
        if self.good and self.seconds == self.length:
            return "succeeded"
        return {"skip": "skipped", "default": "defaulted"}.get(self.policy, "failed")


POLICIES: dict[str, Policy] = {
    "tolerate": tolerate(),
    "skip": skip(),
    "default": default("stand-in"),
    "fail": fail(),
}


@dataclass(frozen=True)
class Case:
    """A random join. `tolerated` None means any number of failures."""

    plans: tuple[Plan, ...]
    kind: str
    wanted: int
    tolerated: int | None
    limit: int | None
    deadline: int | None

    @property
    def until(self) -> Until:
        made = {
            "settled": all_settled(),
            "first": first_settled(),
            "success": at_least(self.wanted),
        }[self.kind]
        return made if self.tolerated is None else made.tolerate(count=self.tolerated)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    # What timed out leaves its slot a moment later, which only work that takes no time can tell.
    limited = draw(st.booleans())
    plan = st.builds(
        Plan,
        st.integers(int(limited), 6),
        st.booleans(),
        st.sampled_from(["tolerate"] * 4 + ["skip", "default", "fail"]),
        st.none() | st.integers(1, 6) if limited else st.none(),
    )
    plans = draw(st.lists(plan, min_size=1, max_size=7))
    return Case(
        plans=tuple(plans),
        kind=draw(st.sampled_from(["settled", "first", "success", "success"])),
        wanted=draw(st.integers(1, len(plans))),
        tolerated=draw(st.none() | st.integers(0, len(plans))),
        limit=draw(st.none() | st.integers(1, 4)),
        deadline=draw(st.none() | st.integers(0, 12)),
    )


def oracle(case: Case) -> tuple[str, list[str], int]:
    """Give reason, statuses and end, instant by instant."""
    ends: dict[int, int] = {}
    now = 0
    while True:
        done = [p.end if ends.get(n, 99) <= now else "" for n, p in enumerate(case.plans)]
        if reason := _reason(case, done, now):
            left = ["cancelled" if n in ends else "not_started" for n in range(len(done))]
            return reason, [d or r for d, r in zip(done, left, strict=True)], now
        slots = (case.limit or 99) - sum(end > now for end in ends.values())
        new = [n for n in range(len(done)) if n not in ends][:slots]
        ends |= {n: now + case.plans[n].length for n in new}
        if all(case.plans[n].length for n in new):
            coming = [end for end in ends.values() if end > now]
            now = min([*coming, 99 if case.deadline is None else case.deadline])


def _reason(case: Case, done: list[str], now: int) -> str | None:
    good = sum(d in ("succeeded", "defaulted") for d in done)
    bad, left = done.count("failed"), done.count("")
    too_many = case.tolerated is not None and bad > case.tolerated
    if any(d == "failed" and p.policy == "fail" for d, p in zip(done, case.plans, strict=True)):
        return "raised"
    if case.kind == "settled" and not left and not too_many:
        return "complete"
    if case.kind == "first" and left < len(done):
        return "enough"
    if case.kind == "success" and good >= case.wanted:
        return "enough"
    if too_many:
        return "too_many_failures"
    if case.kind == "success" and good + left < case.wanted:
        return "impossible"
    return "deadline" if case.deadline is not None and now >= case.deadline else None


async def real(case: Case, trail: Trail) -> tuple[str, list[str], int]:
    branches = []
    for n, plan in enumerate(case.plans):
        work = trail.work(str(n), plan.seconds, error=None if plan.good else broken(str(n)))
        timeout = None if plan.timeout is None else timedelta(seconds=plan.timeout)
        branches.append(Branch(str(n), work, POLICIES[plan.policy], timeout))
    try:
        joined = await join(
            branches,
            until=case.until,
            limit=case.limit,
            deadline=None if case.deadline is None else timedelta(seconds=case.deadline),
        )
    except JoinFailed as error:
        return "raised", list(error.details[0].values()), round(elapsed())
    return joined.reason, list(joined.summary().values()), round(elapsed())


@settings(max_examples=300, deadline=None, print_blob=True, suppress_health_check=SLOW)
@given(cases())
def test_random_joins_agree_with_the_oracle(case: Case) -> None:
    trail = Trail()
    assert run(real(case, trail)) == oracle(case)
    assert trail.most <= (case.limit or len(case.plans))
    assert trail.running == 0


@settings(max_examples=60, deadline=None, print_blob=True, suppress_health_check=SLOW)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1))
def test_fallbacks_take_over_after_their_branch(plans: list[tuple[int, int, bool]]) -> None:
    async def case() -> Joined:
        branches = []
        for n, (first, second, good) in enumerate(plans):
            error = None if good else broken(str(n))
            spare = fallback("spare", Trail().work(f"s{n}", second, error=error))
            failing = Trail().work(str(n), first, error=broken("first"))
            branches.append(Branch(str(n), failing, spare))
        return await join(branches, until=all_settled())

    joined = run(case())
    for (first, second, good), found in zip(plans, joined.branches.values(), strict=True):
        assert (found.status, found.via) == (("succeeded", "spare") if good else ("failed", ""))
        assert found.started is not None
        assert found.ended is not None
        assert (found.ended - found.started).total_seconds() == first + second
