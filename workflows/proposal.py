"""Proposal: a simple one goes out at once, a complex one is reviewed and refined; then verified."""

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.llm import RoleQuery
from workflows.data.proposal import (
    ActionPlan,
    ProposalCase,
    ProposalDraft,
    ProposalOutcome,
    ProposalPath,
    ProposalResult,
)
from workflows.errors import Unresolved
from workflows.patterns.process import Process
from workflows.patterns.reminders import by_chat
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.patterns.tier import tier
from workflows.prompts import proposal as prompts
from workflows.rules import proposal as rules
from workflows.steps.proposal.actions import Actions
from workflows.steps.proposal.offer import Offer

ROLES = ("triage", "drafter", "analyst", "reviewer", "judge")


@workflow.defn(name="proposal")
class Proposal(Process):
    """One customer's request, from its assessment to an offer that is sent and verified."""

    @workflow.init
    def __init__(self, case: ProposalCase) -> None:
        super().__init__("proposal", case.case, keys=case.keys)
        self.case, self.routes = case, RouteLog()
        self.offer = Offer(self, case)
        owners = {name: frozenset({"owner"}) for name in case.owners}
        tasks = Tasks(self.desk.open, owners, remind=by_chat(f"proposal {case.case}"))
        self.actions = Actions(case, workflow.info().workflow_id, tasks)

    @workflow.run
    async def run(self, case: ProposalCase) -> ProposalResult:
        """Assess; the fast path if it will do, else the full one; then act and verify."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=ROLES))
        if case.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.models.budget_usd))
        role = await self.assess()
        try:
            offer = await self.quick(role) or await self.thorough(role)
        except Unresolved as no:
            return await self.end(ProposalOutcome.DECLINED, no.message)
        await self.act(offer)
        failed = self.actions.failed
        outcome = ProposalOutcome.FAILED if failed else ProposalOutcome.SENT
        return await self.end(outcome, failed)

    async def assess(self) -> str:
        """Say which path, and which role writes."""
        self.enter("assessment")
        role = await self.routes.take(tier("writer", rules.TIERS, self.case.request))
        path = await self.routes.take(rules.path(self.case, role))
        self.offer.know(path=path)
        return role

    async def quick(self, role: str) -> ProposalDraft | None:
        """Draft once; None if that is not the path, or the draft will not do."""
        if self.offer.known.path is not ProposalPath.FAST:
            return None
        self.enter("drafting")
        draft = await self.offer.drafted(role)
        if draft is None:
            path = await self.routes.take(rules.path(self.case, role, missed=True))
            self.offer.know(path=path)
        return draft

    async def thorough(self, role: str) -> ProposalDraft:
        """Review, clear, write and refine. Raises Unresolved if people let it not go out."""
        self.enter("reviews")
        await self.offer.reviewed()
        await self.offer.cleared()
        self.enter("refinement")
        return await self.offer.refined(role)

    async def act(self, offer: ProposalDraft) -> None:
        """Plan the actions, do them in order, read back what was done."""
        self.enter("actions")
        asked = prompts.plan(self.case, offer)
        plan = rules.planned(await self.offer.consulted("plan", "triage", asked, ActionPlan))
        self.offer.know(plan=plan)
        await self.actions.act(plan, offer)

    async def end(self, outcome: ProposalOutcome, why: str = "") -> ProposalResult:
        """Close with what is known."""
        self.offer.know(outcome=outcome, why=why)
        self.enter("closed", outcome)
        await self.finish()
        return self.so_far()

    def so_far(self) -> ProposalResult:
        """Give path, reviews, draft and actions as they become known."""
        names = ("done", "undone", "told", "verified", "by_hand")
        done = {name: getattr(self.actions, name) for name in names}
        return self.offer.known.model_copy(update={**done, "usd": self.cost().usd})
