"""Customer due diligence: all checks at once, a cited synthesis, people decide, onboarding."""

from functools import partial

from temporalio import workflow

from workflows.calls import CHAT, RESOLVE_ROLES, ask
from workflows.data.audit import AuditPage
from workflows.data.budget import BudgetOrder
from workflows.data.case_file import CaseFile
from workflows.data.common import Decision, Record
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.due_diligence import (
    CaseOutcome,
    Narrative,
    ReferenceReply,
    Route,
    Routing,
    Synthesis,
    Tier,
)
from workflows.data.findings import Check, CheckResult
from workflows.data.information import InformationReply, Wanted
from workflows.data.llm import RoleQuery
from workflows.errors import BudgetSpent, ModelUnavailable
from workflows.patterns.gate import GateResult, GateSpec, Reminder
from workflows.patterns.process import Process
from workflows.patterns.reminders import by_chat
from workflows.patterns.route import RouteLog
from workflows.patterns.tasks import Tasks
from workflows.prompts import due_diligence as prompts
from workflows.rules.dd import claims, limit
from workflows.rules.dd import routing as rules
from workflows.rules.dd.hits import open_hits
from workflows.rules.dd.information import enhanced, informed, might_tip_off
from workflows.rules.dd.seating import people_of, reminding, seated
from workflows.scope import told
from workflows.steps.dd.audit import CaseAudit
from workflows.steps.dd.closing import Closing
from workflows.steps.dd.gathering import Gathering
from workflows.steps.dd.hits import HitDesk
from workflows.steps.dd.information import InformationDesk
from workflows.steps.dd.money import ROLES, SHORT_OF_MONEY
from workflows.steps.dd.onboarding import Onboarder
from workflows.steps.dd.references import take_reply
from workflows.steps.dd.table import TIPPING_OFF


@workflow.defn(name="due-diligence")
class DueDiligence(Process):
    """One company's case, from case file to decision record."""

    @workflow.init
    def __init__(self, case: CaseFile) -> None:
        super().__init__("due-diligence", case.case, keys=case.keys)
        self.case = case
        self.known = CaseSoFar()
        self.gathering = Gathering(self, case, self.check_ended, self.no_outreach)
        self.trail = CaseAudit(case, workflow.now)
        self.desk.watcher = self.trail
        self.hits = HitDesk(case, workflow.info().workflow_id, self.gate, self.no_outreach)
        self.hits.told = self.trail.hit_disposed
        self.information = InformationDesk(case)
        self.routes = RouteLog()
        self.round = 0
        self.asked_more = 0
        self.earlier: tuple[Decision, ...] = ()

    @workflow.run
    async def run(self, case: CaseFile) -> DecisionRecord:
        """Check, summarise, let people decide, and act on what they decided."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=ROLES))
        if case.models.budget_usd is not None:
            order = BudgetOrder(name="models", usd=case.models.budget_usd)
            await self.pay_from(order, SHORT_OF_MONEY)
        await self.gather_evidence()
        routing = await self.assess()
        if routing.extra_round:
            await self.another_round()
            routing = await self.assess()
        decided = await self.review(routing)
        while decided.asks_more:
            self.asked_more += 1
            self.earlier += decided.decisions
            await self.ask_customer(decided)
            await self.another_round()
            routing = await self.assess()
            decided = await self.review(routing)
        record = await self.conclude(decided)
        await self.finish()
        return record

    async def gather_evidence(self) -> None:
        """Start all checks in one workflow task; each fails on its own terms."""
        self.enter("checks")
        await self.gathering.first()

    async def another_round(self) -> None:
        """Do again, once, the checks that came to nothing."""
        self.round += 1
        self.enter(f"evidence round {self.round}")
        await self.gathering.again()

    def check_ended(self, result: CheckResult) -> None:
        """Ask people about its hits, and tell the audit, as soon as a check of anybody ends."""
        self.hits.look(result, *self.gathering.parties)
        self.trail.parties_known(self.gathering.parties)
        self.trail.check_ended(result)

    def in_round(self, name: str) -> str:
        """Name a branch after the evidence round it runs in."""
        return f"{name}-round-{self.round}" if self.round else str(name)

    async def assess(self) -> Routing:
        """Summarise with citations, set the tier, choose the reviewers."""
        await self.hits.settled()
        filed = await self.information.filed()
        judged = informed(self.hits.judged(self.gathering.checks), filed)
        checks, parties = self.gathering.weighed(judged), self.gathering.parties
        update = {"checks": checks, "parties": parties, "information": filed}
        self.known = self.known.model_copy(update=update)
        self.enter("synthesis")
        by_rules = rules.tier_by_rules(checks)
        narrative = await self.branch(self.in_round("synthesis"), partial(self.synthesis, by_rules))
        tier = rules.raised(by_rules, narrative.model_tier)
        self.trail.assessed(by_rules, tier, narrative)
        proposal = rules.propose(checks)
        weighed = rules.Weighed(
            tier=tier,
            sure=rules.confidence(checks, narrative),
            gaps=sum(len(c.gaps) for c in checks),
            hits=open_hits(checks),
            agreed=narrative.proposed is proposal,
            special=rules.complex_or_pep(checks),
            straight=self.case.review.straight_through and proposal is CaseOutcome.APPROVE,
        )
        routing = rules.route(weighed)
        await self.routes.take(rules.choose(weighed))
        self.known = self.known.model_copy(
            update={"narrative": narrative, "routing": routing, "proposal": proposal}
        )
        return routing

    async def synthesis(self, tier: Tier) -> Narrative:
        """Ask a model for cited claims; without one, the rules' findings speak for themselves."""
        checks = self.known.checks
        prompt = prompts.synthesis(self.case, tier, checks)
        try:
            said = await self.consult("reviewer", prompt, Synthesis, sample=self.round)
        except (ModelUnavailable, BudgetSpent) as error:
            workflow.logger.warning("synthesis by rules", extra=told(why=error.message))
            return rules.narrative_by_rules(checks)
        kept, dropped = claims.checked(said.value.claims, checks, self.case)
        return Narrative(
            claims=kept,
            dropped=dropped,
            proposed=said.value.outcome,
            model_tier=said.value.tier,
            confidence=said.value.confidence,
            model=said.answer.target.model,
            simulated=said.answer.simulated,
        )

    async def ask_customer(self, decided: GateResult) -> None:
        """Ask the customer what the reviewers want of it, unless that might tip it off."""
        if all(d.value is None for d in decided.decisions):
            return
        self.enter("information")
        ask_all = partial(self.information.ask, decided.decisions, self.known.checks)
        await self.branch(f"information-{self.asked_more}", ask_all)

    async def review(self, routing: Routing) -> GateResult:
        """Wait for the people of the route, with reminders, until the policy's deadline."""
        if routing.route is Route.STRAIGHT:
            return GateResult(decisions=(rules.by_policy(routing),))
        self.enter("review")
        case, checks, policy = self.case, self.known.checks, self.case.review
        credit = limit.limit_of(case, checks, self.known.proposal, rules.tier_by_rules(checks))
        silent = might_tip_off(checks)
        closer = routing.route is Route.FOUR_EYES and not silent
        spec = GateSpec(
            name="review",
            question=limit.question(credit),
            proposal=str(self.known.proposal),
            conditions=limit.conditions(credit),
            people=people_of(policy),
            needs=rules.NEEDS[routing.route],
            deadline=policy.deadline,
            remind_every=policy.reminder,
            excluded=frozenset({self.case.author}),
            barred=rules.barred(self.known.checks, more=policy.rounds - self.asked_more),
            asks=None if silent else Wanted,
            suggests=enhanced(checks, self.known.information) if closer else None,
        )
        return await self.gate(seated(spec, policy), self.remind)

    def tasks(self) -> Tasks:
        """Say who finishes by hand what could not be undone."""
        policy, person = self.case.review, self.case.person
        others = (r for r in policy.reviewers if person(r.name) != person(self.case.author))
        people = {r.name: frozenset(r.roles) for r in others}
        remind = by_chat(f"case {self.case.case}")
        return Tasks(self.desk.open, people, policy.deadline, policy.reminder, remind)

    async def remind(self, reminder: Reminder) -> Record:
        """Tell the reviewers' channel, once per interval, escalation and round."""
        told = reminding(reminder, f"the review of case {self.case.case}")
        template = f"{told.template}-{self.round}"
        return await ask(CHAT, told.model_copy(update={"template": template}))

    def no_outreach(self) -> None:
        """Stop asking others and the customer itself: it might be tipped off."""
        self.stop_branch(Check.REFERENCES, TIPPING_OFF)
        self.information.stop()

    async def conclude(self, decided: GateResult) -> DecisionRecord:
        """Act on the decision and write it down with its reasons."""
        await self.information.filed()
        self.known = self.informed_by_now()
        case_id, hits = workflow.info().workflow_id, self.hits.close()
        closing = Closing(self.case, case_id, self.known, decided, hits, workflow.now())
        self.enter("closing", closing.outcome)
        self.trail.decided(closing.proposal, closing.outcome, timed_out=decided.timed_out)
        head = self.trail.head
        ended = await self.branch("onboarding", Onboarder(closing, self.tasks(), self.trail).act)
        record = closing.record(ended, self.trail, head, self.earlier, self.cost().usd)
        self.known = self.known.model_copy(update={"decision": record})
        self.trail.closed(closing.outcome)
        self.enter("closed", closing.outcome)
        return record

    @workflow.query
    def audit(self, after: int = 0) -> AuditPage:
        """The audit's rows that follow number `after`, a page of them, and how many there are."""
        return self.trail.page(after)

    @workflow.signal
    def reference_reply(self, reply: ReferenceReply) -> None:
        """Take a referee's answer; the first of each counts, whenever it comes."""
        if why := take_reply(self.inbox, self.case.references, reply):
            self.refuse(reply.party_id, "reference_reply", why)

    @workflow.signal(name="information")
    def information_reply(self, reply: InformationReply) -> None:
        """Take the customer's answer to what it was asked last."""
        if why := self.information.take(reply):
            self.refuse(reply.party_id, "information", why)

    @workflow.signal
    def confirmed_hit(self) -> None:
        """Hear from the screening of a party that it is on a sanctions list beyond doubt."""
        self.no_outreach()

    def informed_by_now(self) -> CaseSoFar:
        """Give what is known, with what the customer answered since it was summarised."""
        told = self.information.view()
        checks = informed(self.known.checks, told)
        return self.known.model_copy(update={"checks": checks, "information": told})

    def so_far(self) -> CaseSoFar:
        """Give checks as they finish, then narrative, routing and decision."""
        if self.known.checks:
            return self.known if self.known.decision else self.informed_by_now()
        return CaseSoFar(checks=self.gathering.checks, parties=self.gathering.parties)
