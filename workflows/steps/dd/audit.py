"""Due diligence: the audit of a case. Says in rows what happened, as it happens."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from workflows.data.audit import Action, Actor, ActorKind
from workflows.data.case_file import CaseFile, Party
from workflows.data.due_diligence import CaseOutcome, Narrative, Tier
from workflows.data.effects import EffectReceipt
from workflows.data.findings import CheckResult
from workflows.data.hits import ReviewedHit
from workflows.patterns.trail import Trail, person

MOST_ROWS = 10_000
"""From here on only what people and the case itself do is told; a row says so."""
_DETAILS = frozenset(
    {Action.CHECK_ENDED, Action.PARTY_DISCOVERED, Action.FINDING, Action.GAP, Action.HIT_DISPOSED}
)


class CaseAudit(Trail):
    """The chain of one case. `now` is the workflow's clock."""

    def __init__(self, case: CaseFile, now: Callable[[], datetime]) -> None:
        roles = {r.name: tuple(map(str, r.roles)) for r in case.review.everybody()}
        super().__init__("due-diligence", now, roles)
        self.case = case
        self._outcomes: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()
        self._tier: str | None = None
        self._parties = 0
        self._full = False
        opened = f"{case.subject.name}, {case.product.kind}"
        self.add(Action.CASE_OPENED, case.case, actor=person(case.author), after=opened)

    # ---- checks and parties ----------------------------------------------------------------

    def check_ended(self, result: CheckResult) -> None:
        """Tell what a check came to, and each finding and gap that is new."""
        name = str(result.check)
        name = name if result.party_id == "subject" else f"{name}.{result.party_id}"
        before = self._outcomes.get(name)
        self._outcomes[name] = result.outcome
        why = f"fallback {result.fallback}" if result.fallback else ""
        self.add(Action.CHECK_ENDED, name, before=before, after=result.outcome, reason=why)
        seen = {e.id: e.source for e in result.evidence}
        for found in result.findings:
            source = next((seen[i] for i in found.evidence if i in seen), "")
            actor = Actor(type=ActorKind.CONNECTOR, id=source) if source else None
            self._once(Action.FINDING, found.id, f"{found.code}: {found.summary}", actor)
        for gap in result.gaps:
            self._once(Action.GAP, gap.id, gap.reason, None)

    def parties_known(self, parties: Sequence[Party]) -> None:
        """Tell of each party the case file does not name, once."""
        for party in parties[self._parties :]:
            if party not in self.case.parties:
                about = f"{party.kind}, {party.role}: {party.name}"
                self.add(Action.PARTY_DISCOVERED, party.party_id, after=about)
        self._parties = max(self._parties, len(parties))

    def hit_disposed(self, hit: ReviewedHit) -> None:
        """Tell what people made of a hit; by nobody if it stays open, or is remembered."""
        told = {
            "after": hit.disposition,
            "reason": ", ".join(r.reason for r in hit.reviews) or hit.note,
        }
        actor = person(hit.by[-1]) if hit.by else None
        self.add(Action.HIT_DISPOSED, hit.finding, actor=actor, **told)

    # ---- assessment ------------------------------------------------------------------------

    def assessed(self, by_rules: Tier, tier: Tier, narrative: Narrative) -> None:
        """Tell of the summary, of the tier the rules set, and of a model that raised it."""
        kept, dropped = len(narrative.claims), len(narrative.dropped)
        actor = _model(narrative.model)
        told = f"{kept} claims kept, {dropped} dropped, proposes {narrative.proposed}"
        self.add(Action.NARRATIVE, self.case.case, actor=actor, after=told)
        self._set_tier(Action.TIER_SET, by_rules, None)
        if tier is not by_rules:
            self._set_tier(Action.TIER_RAISED, tier, actor)

    def _set_tier(self, action: Action, tier: Tier, actor: Actor | None) -> None:
        if tier != self._tier:
            self.add(action, self.case.case, actor=actor, before=self._tier, after=tier)
        self._tier = tier

    # ---- the end ---------------------------------------------------------------------------

    def decided(self, proposal: CaseOutcome, outcome: CaseOutcome, timed_out: bool) -> None:
        """Tell what becomes of the customer, and whether that is what the rules proposed."""
        last = next((s for s in reversed(self.signed) if s.gate == "review"), None)
        actor = person(last.user) if last and not timed_out else None
        why = "as proposed" if proposal is outcome else "otherwise than proposed"
        why = "the review was not finished by its deadline" if timed_out else why
        told = {"before": proposal, "after": outcome, "reason": why}
        self.add(Action.DECISION, self.case.case, actor=actor, **told)

    def effect(self, what: str, receipt: EffectReceipt, service: str) -> None:
        """Tell of a change outside, by its reference there."""
        actor = Actor(type=ActorKind.CONNECTOR, id=service)
        told = {"after": receipt.reference or receipt.state, "reason": receipt.key[:16]}
        self.add(Action.EFFECT, what, actor=actor, **told)

    def task_opened(self, name: str, about: str) -> None:
        """Tell of a task left to people when the case ends."""
        self.add(Action.TASK_OPENED, name, after=about)

    def closed(self, outcome: CaseOutcome) -> None:
        """Tell the end of the case."""
        self.add(Action.CASE_CLOSED, self.case.case, after=outcome)

    # ---- inside ----------------------------------------------------------------------------

    def _once(self, action: Action, target: str, told: str, actor: Actor | None) -> None:
        if (target, told) not in self._told:
            self._told.add((target, told))
            self.add(action, target, actor=actor, after=told)

    def add(self, action: Action, target: str, *, actor: Actor | None = None, **told: Any) -> None:
        """Tell something; details no longer once there are very many."""
        if action in _DETAILS and len(self.rows) >= MOST_ROWS:
            if self._full:
                return
            self._full = True
            action, target, actor = Action.LEFT_OUT, self.case.case, None
            told = {"reason": "more details stand in the record and the history of the case"}
        super().add(action, target, actor=actor, **told)


def _model(name: str) -> Actor | None:
    return Actor(type=ActorKind.MODEL, id=name) if name else None
