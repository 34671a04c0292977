"""Gate: what people are asked, who may decide, until when, and what came of it.

A `Desk` opens it: `workflows/patterns/desk.py`.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeAlias, TypeVar

from workflows.data.common import JSON, Condition, Decision, Escalated, Record, Verdict
from workflows.errors import Misuse
from workflows.patterns.seats import ANYBODY as ANYBODY
from workflows.patterns.seats import Panel, check_names, check_names_of, check_times

R = TypeVar("R", bound=Record)

ABOUT_CASE = (Verdict.APPROVE, Verdict.DECLINE, Verdict.REFER, Verdict.MORE)
ABOUT_STEP = (Verdict.RETRY, Verdict.SKIP)

People: TypeAlias = Mapping[str, frozenset[str]]
"""Names and the roles they have at a gate."""


@dataclass(frozen=True)
class Level:
    """A step of the escalation chain: `after` this time these people may decide too.

    Raises Misuse if their roles are no sets of names.
    """

    after: timedelta
    people: People

    def __post_init__(self) -> None:
        check_times("an escalation level", after=self.after)
        check_names_of("an escalation level", people=self.people)


@dataclass(frozen=True)
class Reminder:
    """What `remind` is told: whom to tell, and the how-many-th message of this gate it is.

    `level` is 0 for a reminder, else the escalation level that was just reached.
    """

    gate: str
    number: int
    to: tuple[str, ...]
    level: int = 0


@dataclass(frozen=True)
class GateSpec:
    """A gate before it is opened. Raises Misuse if it could never be settled, or not as written.

    `people` maps names to roles; `needs` lists the roles wanted, one person each, no person
    twice; `excluded` may not decide (the author); `barred` maps verdicts that cannot be given to
    the reason; `verdicts` are those offered. A SUPPLY decision's `value` must fit `supplies`, that
    of a MORE `asks`; `suggests` is a first draft of one of them.
    A verdict of `reasoned` counts only with a `comment`. `misfit` says of a value that fits its
    record why it cannot be taken all the same; None if it can.
    `escalation` lists the groups asked besides, by time since the opening; `deputies` maps people
    to those who may decide in their seat; `conditions` go with a proposal to approve.
    """

    name: str
    question: str
    proposal: str
    people: People
    needs: tuple[str, ...]
    deadline: timedelta
    remind_every: timedelta
    excluded: frozenset[str] = frozenset()
    barred: Mapping[Verdict, str] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ABOUT_CASE
    supplies: type[Record] | None = None
    suggests: Record | None = None
    asks: type[Record] | None = None
    escalation: tuple[Level, ...] = ()
    deputies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    reasoned: frozenset[Verdict] = frozenset()
    misfit: Callable[[Any], str | None] | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        if not self.needs:
            raise Misuse(f"gate {self.name!r} needs nobody; name at least one role")
        if min(self.deadline, self.remind_every) <= timedelta(0):
            raise Misuse(f"gate {self.name!r}: deadline and remind_every must be positive")
        self._check_verdicts()
        self._check_deputies()
        if not self.panel(0).can_settle():
            raise Misuse(
                f"gate {self.name!r} can never be settled: nobody allowed can fill"
                f" {', '.join(self.needs)}; add people with these roles"
            )
        for number in range(1, len(self.escalation) + 1):
            self._check_level(number)

    def panel(self, level: int) -> Panel:
        """Give everybody asked once `level` of the escalation is reached (0: none yet)."""
        people = dict(self.people)
        for step in self.escalation[:level]:
            for name, roles in step.people.items():
                people[name] = frozenset(people.get(name, ())) | frozenset(roles)
        return Panel(self.needs, people, self.deputies, self.excluded)

    def takes(self, verdict: Verdict) -> type[Record] | None:
        """Give the record a verdict's `value` must fit; None if it takes none."""
        return {Verdict.SUPPLY: self.supplies, Verdict.MORE: self.asks}.get(verdict)

    def supplied(self, value: JSON | None) -> Record | None:
        """Read a supplied value as its record; None if this gate takes none.

        Raises pydantic's ValidationError if it does not fit.
        """
        return value_as(self.supplies, value) if self.supplies else None

    def _check_kinds(self) -> None:
        """Refuse a text in place of names above all: each of its letters would be a name."""
        if not isinstance(self.name, str) or not self.name.strip():
            raise Misuse("a gate needs a name; decisions say by it which gate they are for")
        where = f"gate {self.name!r}"
        check_names(where, needs=self.needs, excluded=self.excluded)
        check_names_of(where, people=self.people, deputies=self.deputies)
        check_times(where, deadline=self.deadline, remind_every=self.remind_every)
        for level in self.escalation:
            if not isinstance(level, Level):
                raise Misuse(f"{where}: {level!r} is no escalation level; use Level(after, people)")

    def _check_verdicts(self) -> None:
        for what, given in (
            ("verdicts", self.verdicts),
            ("barred", self.barred),
            ("reasoned", self.reasoned),
        ):
            if isinstance(given, str) or not isinstance(given, Collection):
                raise Misuse(f"gate {self.name!r}: {what}={given!r}; give members of Verdict")
            if strange := [v for v in given if not isinstance(v, Verdict)]:
                raise Misuse(f"gate {self.name!r}: {what} has {strange[0]!r}, no member of Verdict")
        if not [v for v in self.verdicts if v not in self.barred]:
            raise Misuse(f"gate {self.name!r} has no verdict left; offer one that is not barred")
        if (Verdict.SUPPLY in self.verdicts) is (self.supplies is None):
            raise Misuse(
                f"gate {self.name!r}: the verdict 'supply' and the record `supplies` go together;"
                " give both or neither"
            )
        taken = (type(None), self.supplies, self.asks)
        if type(self.suggests) not in taken:
            raise Misuse(
                f"gate {self.name!r} suggests a {type(self.suggests).__name__}, but takes another"
                " record; suggest one of `supplies` or `asks`"
            )
        if self.asks is not None and Verdict.MORE not in self.verdicts:
            raise Misuse(f"gate {self.name!r}: `asks` goes with the verdict 'more'; offer it")
        if self.misfit is not None and self.supplies is self.asks is None:
            raise Misuse(f"gate {self.name!r} takes no value `misfit` could judge; give its record")

    def _check_deputies(self) -> None:
        known = self.panel(len(self.escalation)).people
        for name, deputies in self.deputies.items():
            if name not in known:
                raise Misuse(
                    f"gate {self.name!r}: {name!r} has deputies but no seat here; add {name!r} to"
                    " the people or drop the deputies"
                )
            if not deputies or name in deputies:
                raise Misuse(f"gate {self.name!r}: name somebody else as deputy of {name!r}")

    def _check_level(self, number: int) -> None:
        after = self.escalation[number - 1].after
        before = self.escalation[number - 2].after if number > 1 else timedelta(0)
        if not before < after < self.deadline:
            raise Misuse(
                f"gate {self.name!r}: escalation level {number} comes after {after}; let it come"
                f" later than {before} and before the deadline of {self.deadline}"
            )
        if self.panel(number).able() == self.panel(number - 1).able():
            raise Misuse(
                f"gate {self.name!r}: escalation level {number} asks nobody new who may decide;"
                f" name other people who can fill {', '.join(self.needs)}"
            )


def value_as(record: type[R], value: JSON | None) -> R:
    """Read the `value` of a decision. Raises pydantic's ValidationError if it does not fit."""
    return record.model_validate_json(json.dumps(value))


@dataclass(frozen=True)
class GateResult:
    """How a gate ended: the decisions in order, or that its deadline passed."""

    decisions: tuple[Decision, ...]
    timed_out: bool = False
    escalations: tuple[Escalated, ...] = ()

    @property
    def asks_more(self) -> bool:
        """Whether somebody asked for more evidence."""
        return any(d.verdict is Verdict.MORE for d in self.decisions)

    @property
    def last(self) -> Decision | None:
        """The decision that settled the gate; None if its deadline passed."""
        return self.decisions[-1] if self.decisions and not self.timed_out else None


class Watcher(Protocol):
    """Who is told of every gate of a desk, as things happen; an audit is one."""

    def gate_opened(self, spec: GateSpec) -> None:
        """A question is asked."""

    def gate_decided(self, said: Decision) -> None:
        """A decision was counted; a deputy's says for whom."""

    def gate_reminded(self, reminder: Reminder) -> None:
        """A reminder is due, or a level of the escalation was reached."""

    def gate_ended(self, name: str, result: GateResult) -> None:
        """The gate is settled, or its deadline passed."""


Remind: TypeAlias = Callable[[Reminder], Awaitable[object]]
OpenGate: TypeAlias = Callable[[GateSpec], Awaitable[GateResult]]
"""What opens a gate and waits for its end, as `Desk.open` does."""


def task_gate(
    name: str,
    question: str,
    people: People,
    *,
    verdicts: tuple[Verdict, ...] = ABOUT_STEP,
    deadline: timedelta,
    remind_every: timedelta,
    supplies: type[Record] | None = None,
    escalation: tuple[Level, ...] = (),
) -> GateSpec:
    """Make a gate that asks any one person what becomes of a step; `supplies` offers SUPPLY."""
    if supplies is not None and Verdict.SUPPLY not in verdicts:
        verdicts = (*verdicts, Verdict.SUPPLY)
    return GateSpec(
        name=name,
        question=question,
        proposal=str(verdicts[0]) if verdicts else "",
        people=people,
        needs=(ANYBODY,),
        deadline=deadline,
        remind_every=remind_every,
        verdicts=verdicts,
        supplies=supplies,
        escalation=escalation,
    )
