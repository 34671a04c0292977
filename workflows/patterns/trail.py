"""Trail: the audit of a case, rows chained by hashes, told as things happen.

It watches a desk (`desk.watcher = trail`), so every gate of the case is in it; a process adds what
else it does with `add`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from workflows.data.audit import FIRST, Action, Actor, ActorKind, AuditPage, AuditRow
from workflows.data.common import Decision
from workflows.data.deciders import claims_in
from workflows.data.decision import Signed
from workflows.patterns.gate import GateResult, GateSpec, Reminder

PAGE = 1_000
"""Rows of one answer to a query: more would not fit a message."""


def person(name: str) -> Actor:
    """Name a person who acts."""
    return Actor(type=ActorKind.PERSON, id=name)


class Trail:
    """The chain of one case. `now` is the workflow's clock, `roles` are those of the people who
    may decide; `signed` are their decisions, in time.
    """

    def __init__(
        self, process: str, now: Callable[[], datetime], roles: Mapping[str, Sequence[str]]
    ) -> None:
        self.process = Actor(type=ActorKind.WORKFLOW, id=process)
        self.now, self.roles = now, roles
        self.rows: list[AuditRow] = []
        self.signed: list[Signed] = []

    @property
    def head(self) -> str:
        """The hash of the last row."""
        return self.rows[-1].hash if self.rows else FIRST

    def page(self, after: int = 0) -> AuditPage:
        """Give the rows that follow number `after`, at most PAGE of them."""
        return AuditPage(rows=tuple(self.rows[after : after + PAGE]), total=len(self.rows))

    def add(self, action: Action, target: str, *, actor: Actor | None = None, **told: Any) -> None:
        """Tell something; of whom nothing else is said, the process did it."""
        last = self.rows[-1] if self.rows else None
        by = actor or self.process
        self.rows.append(AuditRow.after_row(last, self.now(), by, action, target=target, **told))

    # ---- people: what a desk tells whoever watches it --------------------------------------

    def gate_opened(self, spec: GateSpec) -> None:
        """Tell which question is asked, and who is needed."""
        self.add(Action.GATE_OPENED, spec.name, after=spec.proposal, reason=", ".join(spec.needs))

    def gate_decided(self, said: Decision) -> None:
        """Tell what a person decided, and keep it with its time. A token was checked before."""
        self.signed.append(
            Signed(
                user=said.by,
                roles=tuple(self.roles.get(said.by, ())),
                gate=said.gate,
                verdict=said.verdict,
                at=self.now(),
                comment=said.comment,
                stands_for=said.stands_for,
            )
        )
        proof = f"signed, {claims_in(said.token).jti}: " if said.token else ""
        seat = f"for {said.stands_for}: " if said.stands_for else ""
        conditions = "".join(f" {c.code}={c.value}" for c in said.conditions)
        self.add(
            Action.GATE_DECIDED,
            said.gate,
            actor=person(said.by),
            after=f"{said.verdict}{conditions}",
            reason=proof + seat + said.comment,
        )

    def gate_reminded(self, reminder: Reminder) -> None:
        """Tell of a reminder, or of the people asked besides at a level of the escalation."""
        action = Action.GATE_ESCALATED if reminder.level else Action.GATE_REMINDED
        self.add(action, reminder.gate, after=", ".join(reminder.to))

    def gate_ended(self, name: str, result: GateResult) -> None:
        """Tell of a deadline that passed; what settles a gate was told already."""
        if result.timed_out:
            self.add(Action.GATE_EXPIRED, name, after="nobody finished it by its deadline")
