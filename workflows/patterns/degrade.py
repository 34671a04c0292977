"""Degrade: what a process does when a budget, a limit or a deadline runs short.

`Degrade` is the policy, declared once: ordered rules, judged by a pure function. `Degrading` is
what came of it in one process: the measures taken, each with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations

from workflows.data.common import CostView
from workflows.data.degrade import Left, MeasureKind, Remaining, Shortage, Taken, seconds
from workflows.errors import Misuse
from workflows.patterns.checks import is_number, listed, must_be
from workflows.patterns.clock import now
from workflows.patterns.gate import GateSpec, OpenGate
from workflows.scope import log, told


@dataclass(frozen=True)
class Measure:
    """What is done. Build it with the functions below."""

    kind: MeasureKind
    subject: str = ""
    instead: str = ""
    gate: GateSpec | None = None
    again: bool = False


def cheaper_role(role: str, *, use: str) -> Measure:
    """Ask another role's models in place of `role`'s; of two for one role the last one counts."""
    if role == use:
        raise Misuse(f"role {role!r} cannot stand in for itself; name a cheaper one in `use`")
    return Measure(MeasureKind.ROLE, role, use)


def skip_branch(name: str) -> Measure:
    """Leave an optional branch out."""
    return Measure(MeasureKind.SKIP, name)


def ask_people(gate: GateSpec, *, again: bool = False) -> Measure:
    """Ask people; what their decision means is the process's affair.

    `again` asks at every look at which the rule holds; else once.
    """
    must_be(GateSpec, gate, "the gate of ask_people", "use GateSpec(...)")
    return Measure(MeasureKind.ASK, gate.name, gate=gate, again=again)


def go_on() -> Measure:
    """Go on as it is: rules further down are not looked at."""
    return Measure(MeasureKind.GO_ON)


@dataclass(frozen=True)
class Rule:
    """Take `measure` once less is left than `share` (above 0, at most 1), `amount` or `time`."""

    shortage: Shortage
    measure: Measure
    share: float | None = None
    amount: Decimal | None = None
    time: timedelta | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        allowed = ("share", "time") if self.shortage is Shortage.DEADLINE else ("share", "amount")
        given = [n for n in ("share", "amount", "time") if getattr(self, n) is not None]
        if len(given) != 1 or given[0] not in allowed:
            raise Misuse(f"a rule about the {self.shortage} takes one of {' and '.join(allowed)}")
        sound = self.bound.is_finite() and self.bound > 0
        if not sound or (self.share is not None and self.share > 1):
            raise Misuse(
                f"a rule about the {self.shortage} holds below {self.bound}; give an amount or"
                " time above zero, or a share above 0 and at most 1"
            )

    def _check_kinds(self) -> None:
        must_be(Shortage, self.shortage, "the shortage of a rule", "use one, as Shortage.BUDGET")
        rule = f"a rule about the {self.shortage}"
        must_be(Measure, self.measure, f"{rule}: measure", "call one, as skip_branch('media')")
        if self.share is not None and not is_number(self.share):
            raise Misuse(f"{rule}: share={self.share!r} is no number; use one up to 1, as 0.25")
        if self.amount is not None:
            must_be(Decimal, self.amount, f"{rule}: amount={self.amount!r}", "use Decimal('5')")
        if self.time is not None:
            must_be(timedelta, self.time, f"{rule}: time={self.time!r}", "use a timedelta")

    @property
    def bound(self) -> Decimal:
        """The share, the amount, or the time in seconds below which this rule holds."""
        if self.share is not None:
            return Decimal(str(self.share))
        return seconds(self.time) if self.time is not None else self.amount or Decimal(0)

    def holds(self, remaining: Remaining) -> bool:
        """Say whether so little is left. What is not known is not short."""
        left = remaining.of(self.shortage)
        if left is None:
            return False
        return (left.left if self.share is None else left.share) < self.bound

    @property
    def does(self) -> tuple[str, ...]:
        """What tells its measure from others."""
        measure = self.measure
        last = self.shortage if measure.kind is MeasureKind.GO_ON else measure.instead
        return (measure.kind, measure.subject, last)

    def why(self, left: Left) -> str:
        """Say in words why this rule holds."""
        unit = {Shortage.BUDGET: " US$", Shortage.DEADLINE: " s"}.get(self.shortage, "")
        under = f"{self.bound:%}" if self.share is not None else f"{self.bound:f}{unit}"
        return f"{self.shortage}: {left.left:f} of {left.of:f}{unit} left, which is below {under}"


def below(
    shortage: Shortage,
    measure: Measure,
    *,
    share: float | None = None,
    amount: Decimal | None = None,
    time: timedelta | None = None,
) -> Rule:
    """Take a measure when less is left than a share (0 to 1), an amount or, of a deadline, a time.

    Raises Misuse unless exactly one of them is given and fits the shortage.
    """
    return Rule(shortage, measure, share, amount, time)


@dataclass(frozen=True)
class Degrade:
    """A policy: rules in order of priority. Raises Misuse if one of them could never matter."""

    name: str
    when: Sequence[Rule]

    def __post_init__(self) -> None:
        rules = listed(self.when, Rule, f"degrade {self.name!r}: when", "list rules of below(...)")
        object.__setattr__(self, "when", tuple(rules))
        if not self.when:
            raise Misuse(f"degrade {self.name!r} takes no measure; give at least one rule")
        for (i, first), (j, second) in combinations(enumerate(self.when, 1), 2):
            if (why := _shadows(first, second)) is not None:
                raise Misuse(f"degrade {self.name!r}: rule {j} can never matter: rule {i} {why}")
        _check_roles(self.name, self.when)

    def due(self, remaining: Remaining, taken: Sequence[Taken] = ()) -> tuple[int, ...]:
        """Give the numbers (from 1) of the rules whose measures are to be taken now. Pure.

        In declared order; a measure in `taken` is not taken again unless declared so.
        """
        before = {_did(t): t.unanswered for t in taken}
        numbers: list[int] = []
        for number, rule in enumerate(self.when, 1):
            if not rule.holds(remaining):
                continue
            asked_again = rule.measure.again and not before.get(rule.does)
            if rule.does not in before or asked_again:
                numbers.append(number)
                before[rule.does] = True
            if rule.measure.kind is MeasureKind.GO_ON:
                break
        return tuple(numbers)


class Degrading:
    """The measures a policy led to in one process; `taken` goes into its next run.

    `open_gate` (as `Desk.open`) is needed if the policy asks people. Raises Misuse without it, or
    if `taken` is of another policy.
    """

    def __init__(
        self, policy: Degrade, open_gate: OpenGate | None = None, taken: Sequence[Taken] = ()
    ) -> None:
        must_be(Degrade, policy, "the policy of Degrading", "use Degrade(name, rules)")
        self.policy = policy
        self._open_gate = open_gate
        self._taken = list(taken)
        self._asking: set[int] = set()
        if open_gate is None and any(r.measure.gate for r in policy.when):
            raise Misuse(f"degrade {policy.name!r} asks people; say how a gate is opened")
        if any(t.policy != policy.name or t.rule > len(policy.when) for t in taken):
            raise Misuse(f"degrade {policy.name!r} was given measures of another policy")

    @property
    def taken(self) -> tuple[Taken, ...]:
        """Every measure taken so far, in order."""
        return tuple(self._taken)

    async def heed(self, remaining: Remaining) -> tuple[Taken, ...]:
        """Take the measures that are due and give them; waits for the people it asks.

        `remaining` must be the same on replay: from an activity, or from what the process holds.
        """
        first = len(self._taken)
        for number in self.policy.due(remaining, self._taken):
            self._take(number, remaining)
        count = len(self._taken)
        for place, taken in enumerate(self._taken[:count]):
            if taken.unanswered and place not in self._asking:
                await self._ask(place, taken)
        return tuple(self._taken[first:count])

    def role(self, name: str) -> str:
        """Give the role to ask in place of `name`; itself if no measure replaced it."""
        swaps = {t.subject: t.instead for t in self._taken if t.kind is MeasureKind.ROLE}
        while name in swaps:
            name = swaps[name]
        return name

    def skips(self, branch: str) -> bool:
        """Say whether this branch is to be left out."""
        return any(t.kind is MeasureKind.SKIP and t.subject == branch for t in self._taken)

    def _take(self, number: int, remaining: Remaining) -> None:
        rule = self.policy.when[number - 1]
        left = remaining.of(rule.shortage)
        assert left is not None  # noqa: S101 - the rule holds
        taken = Taken(
            policy=self.policy.name,
            rule=number,
            kind=rule.measure.kind,
            subject=rule.measure.subject,
            instead=rule.measure.instead,
            shortage=rule.shortage,
            figures=left,
            why=rule.why(left),
            at=now(),
        )
        self._taken.append(taken)
        log.info("degraded", extra=told(measure=taken.kind, shortage=taken.shortage))

    async def _ask(self, place: int, taken: Taken) -> None:
        gate = self.policy.when[taken.rule - 1].measure.gate
        assert gate is not None  # noqa: S101 - __init__ looked
        assert self._open_gate is not None  # noqa: S101 - __init__ looked
        self._asking.add(place)
        try:
            ended = await self._open_gate(gate)
        finally:
            self._asking.discard(place)
        answer = {"decisions": ended.decisions, "timed_out": ended.timed_out}
        self._taken[place] = taken.model_copy(update=answer)


def money_left(cost: CostView, budget: Decimal) -> Left:
    """Give what is left of a budget in US dollars after what the process has spent."""
    return Left(left=budget - cost.usd, of=budget)


def time_left(began: datetime, within: timedelta) -> Left:
    """Give what is left by now of the time a process has since it began."""
    return Left.time(began + within - now(), within)


def _did(taken: Taken) -> tuple[str, ...]:
    last = taken.shortage if taken.kind is MeasureKind.GO_ON else taken.instead
    return (taken.kind, taken.subject, last)


def _shadows(first: Rule, second: Rule) -> str | None:
    """Say why the second rule could never matter beside the first; None if it can."""
    same_unit = (first.share is None) is (second.share is None)
    if first.shortage is not second.shortage or not same_unit:
        return None
    if first.does == second.does:
        return "takes the same measure on the same shortage; drop one of them"
    if first.measure.kind is MeasureKind.GO_ON and first.bound >= second.bound:
        return "goes on before it is looked at; put it further down or lower its bound"
    return None


def _check_roles(name: str, rules: Sequence[Rule]) -> None:
    """Raise Misuse if following the replacements of roles could come back to a role."""
    swaps = [r.measure for r in rules if r.measure.kind is MeasureKind.ROLE]
    for start in swaps:
        reached = [start.instead]
        for role in reached:
            reached += [s.instead for s in swaps if s.subject == role and s.instead not in reached]
        if start.subject in reached:
            raise Misuse(f"degrade {name!r}: cheaper roles of {start.subject!r} lead back to it")
