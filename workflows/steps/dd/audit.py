"""Due diligence: the audit of a case. Says in rows what happened, as it happens."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from workflows.data.audit import FIRST, Action, Actor, ActorKind, AuditPage, AuditRow
from workflows.data.case_file import CaseFile, Party
from workflows.data.common import Decision
from workflows.data.decision import Signed
from workflows.data.due_diligence import CaseOutcome, Narrative, Tier
from workflows.data.effects import EffectReceipt
from workflows.data.findings import CheckResult
from workflows.data.hits import ReviewedHit
from workflows.patterns.gate import GateResult, GateSpec, Reminder

MOST_ROWS = 10_000
"""From here on only what people and the case itself do is told; a row says so."""
PAGE = 1_000
"""Rows of one answer to a query: more would not fit a message."""
_DETAILS = frozenset(
    {Action.CHECK_ENDED, Action.PARTY_DISCOVERED, Action.FINDING, Action.GAP, Action.HIT_DISPOSED}
)
PROCESS = Actor(type=ActorKind.WORKFLOW, id="due-diligence")


class CaseAudit:
    """The chain of one case. `now` is the workflow's clock; `signed` are the decisions, in time.

    It watches the desk, so every gate of the case is in it.
    """

    def __init__(self, case: CaseFile, now: Callable[[], datetime]) -> None:
        self.case, self.now = case, now
        self.rows: list[AuditRow] = []
        self.signed: list[Signed] = []
        self._outcomes: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()
        self._tier: str | None = None
        self._parties = 0
        self._full = False
        opened = f"{case.subject.name}, {case.product.kind}"
        self._add(Action.CASE_OPENED, case.case, actor=_person(case.author), after=opened)

    @property
    def head(self) -> str:
        """The hash of the last row."""
        return self.rows[-1].hash if self.rows else FIRST

    def page(self, after: int = 0) -> AuditPage:
        """Give the rows that follow number `after`, at most PAGE of them."""
        return AuditPage(rows=tuple(self.rows[after : after + PAGE]), total=len(self.rows))

    # ---- checks and parties ----------------------------------------------------------------

    def check_ended(self, result: CheckResult) -> None:
        """Tell what a check came to, and each finding and gap that is new."""
        name = str(result.check)
        name = name if result.party_id == "subject" else f"{name}.{result.party_id}"
        before = self._outcomes.get(name)
        self._outcomes[name] = result.outcome
        why = f"fallback {result.fallback}" if result.fallback else ""
        self._add(Action.CHECK_ENDED, name, before=before, after=result.outcome, reason=why)
        seen = {e.id: e.source for e in result.evidence}
        for found in result.findings:
            source = next((seen[i] for i in found.evidence if i in seen), "")
            actor = Actor(type=ActorKind.CONNECTOR, id=source) if source else PROCESS
            self._once(Action.FINDING, found.id, f"{found.code}: {found.summary}", actor)
        for gap in result.gaps:
            self._once(Action.GAP, gap.id, gap.reason, PROCESS)

    def parties_known(self, parties: Sequence[Party]) -> None:
        """Tell of each party the case file does not name, once."""
        for party in parties[self._parties :]:
            if party not in self.case.parties:
                about = f"{party.kind}, {party.role}: {party.name}"
                self._add(Action.PARTY_DISCOVERED, party.party_id, after=about)
        self._parties = max(self._parties, len(parties))

    def hit_disposed(self, hit: ReviewedHit) -> None:
        """Tell what people made of a hit; by nobody if it stays open, or is remembered."""
        told = {
            "after": hit.disposition,
            "reason": ", ".join(r.reason for r in hit.reviews) or hit.note,
        }
        actor = _person(hit.by[-1]) if hit.by else PROCESS
        self._add(Action.HIT_DISPOSED, hit.finding, actor=actor, **told)

    # ---- assessment ------------------------------------------------------------------------

    def assessed(self, by_rules: Tier, tier: Tier, narrative: Narrative) -> None:
        """Tell of the summary, of the tier the rules set, and of a model that raised it."""
        kept, dropped = len(narrative.claims), len(narrative.dropped)
        actor = _model(narrative.model)
        told = f"{kept} claims kept, {dropped} dropped, proposes {narrative.proposed}"
        self._add(Action.NARRATIVE, self.case.case, actor=actor, after=told)
        self._set_tier(Action.TIER_SET, by_rules, PROCESS)
        if tier is not by_rules:
            self._set_tier(Action.TIER_RAISED, tier, actor)

    def _set_tier(self, action: Action, tier: Tier, actor: Actor) -> None:
        if tier != self._tier:
            self._add(action, self.case.case, actor=actor, before=self._tier, after=tier)
        self._tier = tier

    # ---- people: what a desk tells whoever watches it --------------------------------------

    def gate_opened(self, spec: GateSpec) -> None:
        """Tell which question is asked, and who is needed."""
        self._add(Action.GATE_OPENED, spec.name, after=spec.proposal, reason=", ".join(spec.needs))

    def gate_decided(self, said: Decision) -> None:
        """Tell what a person decided, and keep it with its time."""
        roles = {r.name: r.roles for r in self.case.review.everybody()}.get(said.by, ())
        self.signed.append(
            Signed(
                user=said.by,
                roles=tuple(map(str, roles)),
                gate=said.gate,
                verdict=said.verdict,
                at=self.now(),
                comment=said.comment,
                stands_for=said.stands_for,
            )
        )
        seat = f"for {said.stands_for}: " if said.stands_for else ""
        conditions = "".join(f" {c.code}={c.value}" for c in said.conditions)
        self._add(
            Action.GATE_DECIDED,
            said.gate,
            actor=_person(said.by),
            after=f"{said.verdict}{conditions}",
            reason=seat + said.comment,
        )

    def gate_reminded(self, reminder: Reminder) -> None:
        """Tell of a reminder, or of the people asked besides at a level of the escalation."""
        action = Action.GATE_ESCALATED if reminder.level else Action.GATE_REMINDED
        self._add(action, reminder.gate, after=", ".join(reminder.to))

    def gate_ended(self, name: str, result: GateResult) -> None:
        """Tell of a deadline that passed; what settles a gate was told already."""
        if result.timed_out:
            self._add(Action.GATE_EXPIRED, name, after="nobody finished it by its deadline")

    # ---- the end ---------------------------------------------------------------------------

    def decided(self, proposal: CaseOutcome, outcome: CaseOutcome, timed_out: bool) -> None:
        """Tell what becomes of the customer, and whether that is what the rules proposed."""
        last = next((s for s in reversed(self.signed) if s.gate == "review"), None)
        actor = _person(last.user) if last and not timed_out else PROCESS
        why = "as proposed" if proposal is outcome else "otherwise than proposed"
        why = "the review was not finished by its deadline" if timed_out else why
        told = {"before": proposal, "after": outcome, "reason": why}
        self._add(Action.DECISION, self.case.case, actor=actor, **told)

    def effect(self, what: str, receipt: EffectReceipt, service: str) -> None:
        """Tell of a change outside, by its reference there."""
        actor = Actor(type=ActorKind.CONNECTOR, id=service)
        told = {"after": receipt.reference or receipt.state, "reason": receipt.key[:16]}
        self._add(Action.EFFECT, what, actor=actor, **told)

    def task_opened(self, name: str, about: str) -> None:
        """Tell of a task left to people when the case ends."""
        self._add(Action.TASK_OPENED, name, after=about)

    def closed(self, outcome: CaseOutcome) -> None:
        """Tell the end of the case."""
        self._add(Action.CASE_CLOSED, self.case.case, after=outcome)

    # ---- inside ----------------------------------------------------------------------------

    def _once(self, action: Action, target: str, told: str, actor: Actor) -> None:
        if (target, told) not in self._told:
            self._told.add((target, told))
            self._add(action, target, actor=actor, after=told)

    def _add(self, action: Action, target: str, *, actor: Actor = PROCESS, **told: Any) -> None:
        if action in _DETAILS and len(self.rows) >= MOST_ROWS:
            if self._full:
                return
            self._full = True
            action, target, actor = Action.LEFT_OUT, self.case.case, PROCESS
            told = {"reason": "more details stand in the record and the history of the case"}
        last = self.rows[-1] if self.rows else None
        row = AuditRow.after_row(last, self.now(), actor, action, target=target, **told)
        self.rows.append(row)


def _person(name: str) -> Actor:
    return Actor(type=ActorKind.PERSON, id=name)


def _model(name: str) -> Actor:
    return Actor(type=ActorKind.MODEL, id=name) if name else PROCESS
