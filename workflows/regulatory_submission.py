"""Regulatory submission: analysis, writing, review, bundle; each signed by people, then locked.

Inside a phase all work runs at once. A phase is signed by its hash, names its sources by theirs,
and cannot change; an amendment lets it fall, with every phase made from it, and all is kept.
"""

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.audit import Action, AuditPage
from workflows.data.budget import BudgetOrder
from workflows.data.llm import RoleQuery
from workflows.data.submission import (
    Phase,
    SubmissionCase,
    SubmissionOutcome,
    SubmissionRecord,
    SubmissionSoFar,
)
from workflows.patterns.process import Process
from workflows.steps.submission.signing import Signing
from workflows.steps.submission.work import PhaseWork


@workflow.defn(name="regulatory-submission")
class RegulatorySubmission(Process):
    """One submission, from its data sets to the locked bundle."""

    @workflow.init
    def __init__(self, case: SubmissionCase) -> None:
        super().__init__("regulatory-submission", case.case, keys=case.keys)
        self.case = case
        self.signing = Signing(self, case, workflow.now)
        self.phases = self.signing.phases
        self.work = PhaseWork(self, case, self.phases)

    @workflow.run
    async def run(self, case: SubmissionCase) -> SubmissionRecord:
        """Do phase after phase, until all are locked or people end it."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=("analyst", "drafter", "reviewer")))
        if case.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.models.budget_usd))
        outcome = SubmissionOutcome.READY
        while (due := self.phases.due()) is not None:
            phase = Phase(due)
            self.enter(phase)
            output = await self.work.of(phase, self.signing.notes(phase), self.signing.gaps())
            decided = await self.signing.sign(phase, output)
            if decided.asks_more:
                self.signing.amend(phase, decided)
            elif not self.signing.locked(phase, decided):
                timed_out = decided.timed_out
                outcome = SubmissionOutcome.EXPIRED if timed_out else SubmissionOutcome.REFUSED
                break
        record = self.record(outcome)
        self.enter("closed", outcome)
        await self.finish()
        return record

    def record(self, outcome: SubmissionOutcome) -> SubmissionRecord:
        """Write the submission down, and close its audit."""
        bundle, trail = self.phases.standing(Phase.BUNDLE), self.signing.trail
        head = trail.head
        trail.add(Action.CASE_CLOSED, self.case.case, after=outcome)
        return SubmissionRecord(
            case=self.case.case,
            outcome=outcome,
            bundle=bundle.hash if bundle and bundle.signed else None,
            gaps=self.signing.gaps(),
            audit_head=head,
            cost_usd=self.cost().usd,
            versions=self.phases.versions,
            amendments=self.signing.amendments,
        )

    @workflow.query
    def audit(self, after: int = 0) -> AuditPage:
        """The audit's rows that follow number `after`, a page of them, and how many there are."""
        return self.signing.trail.page(after)

    def so_far(self) -> SubmissionSoFar:
        """Give every version of every phase by now."""
        return SubmissionSoFar(versions=self.phases.versions, amendments=self.signing.amendments)
