"""Gate: wait for people. Who may decide, who is still needed, reminders, and a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations

from temporalio import workflow

from workflows.calls import told
from workflows.data.common import Decision, DecisionAnswer, GateView, Verdict
from workflows.errors import Misuse
from workflows.patterns.clock import now

ANYBODY = "anybody"
"""A need that every person of the gate meets."""


@dataclass(frozen=True)
class GateSpec:
    """A gate before it is opened.

    `people` maps names to roles; `needs` lists the roles wanted, one person each, no person
    twice; `excluded` may not decide (the author); `barred` maps verdicts that cannot be given to
    the reason.
    """

    name: str
    question: str
    proposal: str
    people: Mapping[str, frozenset[str]]
    needs: tuple[str, ...]
    deadline: timedelta
    remind_every: timedelta
    excluded: frozenset[str] = frozenset()
    barred: Mapping[Verdict, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.needs:
            raise Misuse(f"gate {self.name!r} needs nobody; name at least one role")
        if min(self.deadline, self.remind_every) <= timedelta(0):
            raise Misuse(f"gate {self.name!r}: deadline and remind_every must be positive")
        if not _seats(self.needs, [r for n, r in self.people.items() if n not in self.excluded]):
            raise Misuse(
                f"gate {self.name!r} can never be settled: nobody allowed can fill"
                f" {', '.join(self.needs)}; add people with these roles"
            )


@dataclass(frozen=True)
class GateResult:
    """How a gate ended: the decisions in order, or that its deadline passed."""

    decisions: tuple[Decision, ...]
    timed_out: bool = False

    @property
    def asks_more(self) -> bool:
        """Whether somebody asked for more evidence."""
        return any(d.verdict is Verdict.MORE for d in self.decisions)


class Gate:
    """An open gate. `refuse` judges a decision without changing anything; `take` counts it."""

    def __init__(self, spec: GateSpec) -> None:
        self.spec = spec
        self.opened: datetime = now()
        self.decisions: list[Decision] = []
        self.reminders = 0
        self.closed = False

    def refuse(self, decision: Decision) -> str | None:
        """Say why this decision cannot count; None if it can."""
        spec, roles = self.spec, self.spec.people.get(decision.by)
        if self.closed:
            return f"too late: gate {spec.name!r} is settled"
        if decision.by in spec.excluded:
            return f"{decision.by} wrote the case and may not decide on it (four eyes)"
        if roles is None:
            return f"{decision.by} is not a reviewer of this case: {', '.join(self.may_decide())}"
        if any(d.by == decision.by for d in self.decisions):
            return f"{decision.by} has decided already; another person is needed"
        if decision.by not in self.may_decide():
            needed = " and ".join(self.still_needed())
            return f"{decision.by} has not the role needed here: {needed}"
        if decision.conditions and decision.verdict is not Verdict.APPROVE:
            return "conditions go with approve only"
        return spec.barred.get(decision.verdict)

    def take(self, decision: Decision) -> DecisionAnswer:
        """Count a decision that was not refused."""
        self.decisions.append(decision)
        needed = self.still_needed()
        self.closed = decision.verdict is Verdict.MORE or not needed
        return DecisionAnswer(
            gate=self.spec.name,
            accepted=True,
            settled=self.closed,
            still_needed=() if self.closed else needed,
        )

    def still_needed(self) -> tuple[str, ...]:
        """Give the roles no deciding person fills yet."""
        given = [self.spec.people[d.by] for d in self.decisions]
        return _unfilled(self.spec.needs, given)

    def may_decide(self) -> tuple[str, ...]:
        """Give the people whose decision would bring the gate nearer to its end."""
        decided = {d.by for d in self.decisions}
        given = [self.spec.people[d.by] for d in self.decisions]
        open_seats = len(self.still_needed())
        return tuple(
            name
            for name, roles in self.spec.people.items()
            if name not in decided
            and name not in self.spec.excluded
            and len(_unfilled(self.spec.needs, [*given, roles])) < open_seats
        )

    async def wait(self, remind: Callable[[int], Awaitable[object]]) -> GateResult:
        """Wait for the decisions; `remind(n)` is called at each interval, until the deadline."""
        end = self.opened + self.spec.deadline
        reminding: list[asyncio.Task[None]] = []
        try:
            while not self.closed:
                due = min(end, self.opened + self.spec.remind_every * (self.reminders + 1))
                try:
                    await workflow.wait_condition(
                        lambda: self.closed,
                        timeout=max(due - now(), timedelta(0)),
                        timeout_summary=f"{self.spec.name}: reminder or deadline",
                    )
                except TimeoutError:
                    if now() >= end:
                        self.closed = True
                        return GateResult(tuple(self.decisions), timed_out=True)
                    self.reminders += 1
                    reminding.append(asyncio.ensure_future(_quietly(remind, self.reminders)))
        finally:
            for task in reminding:
                task.cancel()
        return GateResult(tuple(self.decisions))

    def view(self) -> GateView:
        """Show the gate to queries."""
        return GateView(
            name=self.spec.name,
            question=self.spec.question,
            proposal=self.spec.proposal,
            needs=self.still_needed(),
            may_decide=self.may_decide(),
            decided=tuple(self.decisions),
            opened=self.opened,
            deadline=self.opened + self.spec.deadline,
            reminders=self.reminders,
        )


async def _quietly(remind: Callable[[int], Awaitable[object]], number: int) -> None:
    """Remind; a reminder that cannot be sent must not end the waiting."""
    try:
        await remind(number)
    except Exception as error:
        workflow.logger.warning("reminder not sent", extra=told(why=type(error).__name__))


def _fills(roles: frozenset[str], need: str) -> bool:
    return need == ANYBODY or need in roles


def _unfilled(needs: tuple[str, ...], people: list[frozenset[str]]) -> tuple[str, ...]:
    """Give the needs left open by the best seating of `people`, one need each.

    Best: fewest left, and among those the ones most people can fill.
    """

    def left(order: tuple[int, ...]) -> tuple[str, ...]:
        seated = {n for n, roles in zip(order, people, strict=False) if _fills(roles, needs[n])}
        return tuple(need for n, need in enumerate(needs) if n not in seated)

    seatings = permutations(range(len(needs)), min(len(people), len(needs)))
    return min(map(left, seatings), key=lambda n: (len(n), sum(x != ANYBODY for x in n)))


def _seats(needs: tuple[str, ...], people: list[frozenset[str]]) -> bool:
    """Say whether different people can fill every need (Hall's condition, needs are few)."""
    return any(
        all(_fills(roles, need) for roles, need in zip(order, needs, strict=True))
        for order in permutations(people, len(needs))
    )
