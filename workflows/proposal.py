"""Proposal: a simple one goes out at once, a complex one is reviewed and refined; then verified."""

from dataclasses import replace
from functools import partial
from typing import TypeVar

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.common import Record, Verdict
from workflows.data.llm import Prompt, RoleQuery
from workflows.data.proposal import (
    ActionPlan,
    DraftScore,
    ProposalCase,
    ProposalDraft,
    ProposalOutcome,
    ProposalPath,
    ProposalResult,
    ProposalReview,
)
from workflows.errors import BudgetSpent, ModelUnavailable, Unresolved
from workflows.patterns.bounds import Bounds
from workflows.patterns.gate import ANYBODY, GateSpec
from workflows.patterns.otherwise import ask_person
from workflows.patterns.process import Process
from workflows.patterns.refine import refine
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.patterns.tier import tier
from workflows.patterns.together import gather
from workflows.prompts import proposal as prompts
from workflows.rules import proposal as rules
from workflows.steps.proposal import Actions

R = TypeVar("R", bound=Record)
ROLES = ("triage", "drafter", "analyst", "reviewer", "judge")


@workflow.defn(name="proposal")
class Proposal(Process):
    """One customer's request, from its assessment to an offer that is sent and verified."""

    @workflow.init
    def __init__(self, case: ProposalCase) -> None:
        super().__init__("proposal", case.case)
        self.case, self.routes = case, RouteLog()
        self.known = ProposalResult(case=case.case)
        owners = {name: frozenset({"owner"}) for name in case.owners}
        tasks = Tasks(self.desk.open, owners)
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
        hard, large = role != rules.SIMPLE, self.case.value >= rules.LARGE
        chosen = rules.PATHS.choose(hard=hard, large=large, regulated=self.case.regulated)
        path = await self.routes.take(chosen)
        self.know(path=path)
        return role

    async def quick(self, role: str) -> ProposalDraft | None:
        """Draft once; None if that is not the path, or the draft will not do by the rules."""
        if self.known.path is not ProposalPath.FAST:
            return None
        self.enter("drafting")
        found = await self.consulted(
            "draft", role, prompts.draft(self.case, {}, None, ""), ProposalDraft
        )
        if found is None or (score := rules.rated(self.case, found, None)).value < rules.GOOD:
            self.know(path=ProposalPath.FULL)
            return None
        self.know(draft=found, score=score.value, rounds=1, stopped="quality")
        return found

    async def thorough(self, role: str) -> ProposalDraft:
        """Have it reviewed at once by three, cleared by people where needed, written and refined.

        Raises Unresolved if people let it not go out.
        """
        self.enter("reviews")
        found = await gather(
            *(self.branch(name, partial(self.review, name)) for name in rules.REVIEWERS)
        )
        reviews = {n: r for n, r in zip(rules.REVIEWERS, found, strict=True) if r is not None}
        self.know(reviews=reviews)
        for name, why in rules.to_clear(reviews).items():
            await self.cleared(name, why)
        self.enter("refinement")
        bounds = Bounds(rounds=self.case.rounds, deadline=self.case.within, quality=rules.GOOD)
        gate = self.asking("quality", "Send this offer, or write it?", self.case.owners)
        verdicts = (*gate.verdicts, Verdict.SUPPLY)
        gate = replace(gate, verdicts=verdicts, supplies=ProposalDraft)
        people = ask_person(self.gate, gate)
        best = await refine("offer", partial(self.write, role), self.rate, bounds, otherwise=people)
        score = best.best.score if best.best else None
        known = {"score": score, "rounds": len(best.rounds), "stopped": best.stopped}
        offer: ProposalDraft = best.value
        self.know(draft=offer, **known)
        return offer

    async def review(self, name: str) -> ProposalReview | None:
        """Ask one reviewer; None is a gap, never a pass."""
        role = "reviewer" if name == "compliance" else "analyst"
        asked = prompts.review(name, self.case)
        return await self.consulted(f"{name} review", role, asked, ProposalReview)

    async def cleared(self, name: str, why: str) -> None:
        """Let people close what a review stopped or left open."""
        people = self.case.compliance if name == "compliance" else self.case.owners
        said = (await self.gate(self.asking(f"clear {name}", f"{why}. Go on?", people))).last
        if said is None or said.verdict is Verdict.DECLINE:
            raise Unresolved(
                f"{why}; {f'{said.by} declined' if said else 'nobody decided in time'}"
            )
        self.know(cleared=(*self.known.cleared, f"{name}: {said.by}"))

    async def write(self, role: str, turn: Turn[ProposalDraft]) -> Draft[ProposalDraft]:
        """Write the synthesis of the reviews, or improve the draft by what it lacks."""
        before = turn.previous
        why = before.reason if before else ""
        asked = prompts.draft(self.case, self.known.reviews, before.value if before else None, why)
        found = await self.consult(role, asked, ProposalDraft, sample=turn.round)
        return Draft(found.value, found.usd)

    async def rate(self, draft: ProposalDraft) -> Score:
        """Score by the rules and a judge; without the judge, by the rules."""
        said = await self.consulted("score", "judge", prompts.score(self.case, draft), DraftScore)
        return rules.rated(self.case, draft, said)

    async def act(self, offer: ProposalDraft) -> None:
        """Plan the actions, do them in order, read back what was done."""
        self.enter("actions")
        plan = await self.consulted("plan", "triage", prompts.plan(self.case), ActionPlan)
        self.know(plan=rules.planned(plan))
        await self.actions.act(self.known.plan, offer)

    async def consulted(self, what: str, role: str, asked: Prompt, record: type[R]) -> R | None:
        """Ask a role; without an answer None, and a gap that says what is missing."""
        try:
            return (await self.consult(role, asked, record)).value
        except (ModelUnavailable, BudgetSpent) as error:
            self.know(gaps=(*self.known.gaps, f"no {what}: {error.message}"))
            return None

    def asking(self, name: str, question: str, people: tuple[str, ...]) -> GateSpec:
        """Make the gate at which any of these people lets it go on or not."""
        return GateSpec(
            name=name,
            question=question,
            proposal=str(Verdict.DECLINE),
            people={who: frozenset({"person"}) for who in people},
            needs=(ANYBODY,),
            deadline=self.case.answer_within,
            remind_every=self.case.answer_within / 2,
            verdicts=(Verdict.APPROVE, Verdict.DECLINE),
        )

    async def end(self, outcome: ProposalOutcome, why: str = "") -> ProposalResult:
        """Close with what is known."""
        self.know(outcome=outcome, why=why)
        self.enter("closed", outcome)
        await self.finish()
        return self.so_far()

    def know(self, **more: object) -> None:
        """Note what is known now."""
        self.known = self.known.model_copy(update=more)

    def so_far(self) -> ProposalResult:
        """Give path, reviews, draft and actions as they become known."""
        names = ("done", "undone", "told", "verified", "by_hand")
        return self.known.model_copy(update={name: getattr(self.actions, name) for name in names})
