"""Regulatory submission: analysis, writing, review, bundle; each signed by people, then locked.

Inside a phase all work runs at once. A phase is signed by its hash, names its sources by theirs,
and cannot change; an amendment lets it fall, with every phase made from it, and all is kept.
"""

from functools import partial

from temporalio import workflow

from workflows.calls import CHAT, RESOLVE_ROLES, ask
from workflows.data.audit import Action, AuditPage
from workflows.data.budget import BudgetOrder
from workflows.data.common import Record, Verdict
from workflows.data.effects import ChatOrder
from workflows.data.llm import RoleQuery
from workflows.data.phases import PhaseVersion
from workflows.data.submission import (
    Amended,
    Amendment,
    Phase,
    SubmissionCase,
    SubmissionOutcome,
    SubmissionRecord,
    SubmissionSoFar,
)
from workflows.patterns.gate import GateResult, Reminder, value_as
from workflows.patterns.phases import Phases
from workflows.patterns.process import Process
from workflows.patterns.trail import Trail, person
from workflows.rules import submission as rules
from workflows.steps.submission.work import PhaseWork


@workflow.defn(name="regulatory-submission")
class RegulatorySubmission(Process):
    """One submission, from its data sets to the locked bundle."""

    @workflow.init
    def __init__(self, case: SubmissionCase) -> None:
        super().__init__("regulatory-submission", case.case)
        self.case = case
        self.phases = Phases(rules.PLAN)
        self.work = PhaseWork(self, case, self.phases)
        self.amendments: list[Amended] = []
        self.missing: dict[str, tuple[str, ...]] = {}
        roles = {s.name: tuple(map(str, s.roles)) for s in case.signers}
        self.trail = self.desk.watcher = Trail("regulatory-submission", workflow.now, roles)
        self.trail.add(Action.CASE_OPENED, case.case, actor=person(case.author), after=case.product)

    @workflow.run
    async def run(self, case: SubmissionCase) -> SubmissionRecord:
        """Do phase after phase, until all are locked or people end it."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=("analyst", "drafter", "reviewer")))
        if case.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.models.budget_usd))
        outcome = SubmissionOutcome.READY
        while (phase := self.phases.due()) is not None:
            self.enter(phase)
            output = await self.work.of(Phase(phase), self.notes(Phase(phase)), self.gaps())
            self.missing[phase] = rules.gaps(output)
            decided = await self.signed(self.sealed(phase, output))
            if decided.asks_more:
                self.amend(Phase(phase), decided)
            elif not self.locked(phase, decided):
                timed_out = decided.timed_out
                outcome = SubmissionOutcome.EXPIRED if timed_out else SubmissionOutcome.REFUSED
                break
        record = self.record(outcome)
        self.enter("closed", outcome)
        await self.finish()
        return record

    # ---- signing ---------------------------------------------------------------------------

    def sealed(self, phase: str, output: Record) -> PhaseVersion:
        """Put what a phase came to under its hash."""
        version = self.phases.seal(phase, output)
        why = f"version {version.version}"
        self.trail.add(Action.PHASE_SEALED, phase, after=version.hash, reason=why)
        return version

    async def signed(self, version: PhaseVersion) -> GateResult:
        """Let the people of a phase sign its hash, send it back, or refuse it."""
        left = self.case.amendments - len(self.amendments)
        spec = rules.sign_off(self.case, version, self.missing[version.phase], left)
        return await self.gate(spec, partial(self.remind, spec.question))

    async def remind(self, question: str, reminder: Reminder) -> Record:
        """Tell the signers' channel."""
        text = f"submission {self.case.case}: {question} Waits for {', '.join(reminder.to)}."
        return await ask(CHAT, ChatOrder(template=reminder.gate, number=reminder.number, text=text))

    def locked(self, phase: str, decided: GateResult) -> bool:
        """Lock a phase that everybody signed; say whether it is."""
        if decided.timed_out or any(d.verdict is not Verdict.APPROVE for d in decided.decisions):
            return False
        gate = decided.decisions[0].gate
        version = self.phases.lock(phase, [s for s in self.trail.signed if s.gate == gate])
        self.trail.add(Action.PHASE_LOCKED, phase, after=version.hash)
        return True

    def amend(self, phase: Phase, decided: GateResult) -> None:
        """Reopen what a signer wants done again, this phase at least, and keep the trace."""
        wish = decided.decisions[-1]
        reason, first = wish.comment or "sent back", phase
        if wish.value is not None:
            asked = value_as(Amendment, wish.value)
            order = list(rules.PLAN)
            reason, first = asked.reason, min(phase, asked.phase, key=order.index)
        fallen = self.phases.reopen(first, reason)
        for version in fallen:
            self.missing.pop(version.phase)
            told = {"before": version.hash, "reason": reason}
            self.trail.add(Action.PHASE_FELL, version.phase, actor=person(wish.by), **told)
        fell = tuple(f"{v.phase} {v.version}" for v in fallen)
        self.amendments.append(Amended(phase=first, by=wish.by, reason=reason, fell=fell))

    def notes(self, phase: Phase) -> tuple[str, ...]:
        """Give the reasons for which a phase was opened again."""
        return tuple(a.reason for a in self.amendments if a.phase is phase)

    def gaps(self) -> tuple[str, ...]:
        """Give the gaps of all phases that stand, each once."""
        return tuple(dict.fromkeys(g for found in self.missing.values() for g in found))

    # ---- what others read ------------------------------------------------------------------

    def record(self, outcome: SubmissionOutcome) -> SubmissionRecord:
        """Write the submission down, and close its audit."""
        bundle, head = self.phases.standing(Phase.BUNDLE), self.trail.head
        self.trail.add(Action.CASE_CLOSED, self.case.case, after=outcome)
        return SubmissionRecord(
            case=self.case.case,
            outcome=outcome,
            bundle=bundle.hash if bundle and bundle.signed else None,
            gaps=self.gaps(),
            audit_head=head,
            cost_usd=self.cost().usd,
            versions=self.phases.versions,
            amendments=tuple(self.amendments),
        )

    @workflow.query
    def audit(self, after: int = 0) -> AuditPage:
        """The audit's rows that follow number `after`, a page of them, and how many there are."""
        return self.trail.page(after)

    def so_far(self) -> SubmissionSoFar:
        """Give every version of every phase by now."""
        return SubmissionSoFar(versions=self.phases.versions, amendments=tuple(self.amendments))
