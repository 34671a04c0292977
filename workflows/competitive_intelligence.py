"""Competitive intelligence: ask all sources at once, go on with enough answers, write a report."""

from datetime import timedelta
from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.intelligence import (
    Briefing,
    IntelligenceOrder,
    IntelligenceReport,
    IntelligenceSoFar,
)
from workflows.data.llm import RoleQuery
from workflows.patterns.branch import Branch
from workflows.patterns.join import join
from workflows.patterns.outcome import Joined
from workflows.patterns.process import Process
from workflows.patterns.synthesis import Synthesis
from workflows.patterns.until import all_settled, at_least
from workflows.prompts import intelligence as prompts
from workflows.rules import intelligence as rules
from workflows.steps.intelligence.sources import UNREAD, Sources


@workflow.defn(name="competitive-intelligence")
class CompetitiveIntelligence(Process):
    """One report, from the questions to cited claims."""

    @workflow.init
    def __init__(self, order: IntelligenceOrder) -> None:
        super().__init__("competitive-intelligence", order.case)
        self.order = order
        self.since = order.since or (workflow.now() - timedelta(days=order.days)).date()
        self.sources = Sources(order, self.since, self.consult)
        self.written: IntelligenceReport | None = None

    @workflow.run
    async def run(self, order: IntelligenceOrder) -> IntelligenceReport:
        """Ask, wait for enough, write."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=("triage", "reviewer")))
        if order.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=order.models.budget_usd))
        self.enter("asking")
        answers = await self.answers()
        self.enter("writing")
        self.written = report = await self.branch("synthesis", partial(self.report, answers))
        self.enter("closed", report.outcome)
        await self.finish()
        return report

    async def answers(self) -> Joined:
        """Scatter the questions; what is late is given up and stands in the report as missing."""
        until = all_settled()
        if self.order.enough is not None:
            until = at_least(self.order.enough) | until
        look = self.sources.look
        asked = [
            Branch(q.name, partial(self.branch, q.name, partial(look, q)), min_coverage=UNREAD)
            for q in self.order.questions
        ]
        return await join(asked, until=until, deadline=self.order.deadline)

    async def report(self, answers: Joined) -> IntelligenceReport:
        """Have a model write what was heard, cited by branch; without one, by rule."""
        task = prompts.SYNTHESIS.format(about=self.order.about)
        names = [q.name for q in self.order.questions]
        write = Synthesis("briefing", names, Briefing, task=task, otherwise=rules.briefing)
        written = await write(answers.branches, partial(self.consult, "reviewer"))
        heard = {n: self.sources.heard[n] for n in written.contributed}
        return IntelligenceReport(
            case=self.order.case,
            outcome=rules.outcome(len(heard), len(names), self.order.enough),
            since=self.since,
            headline=written.value.headline,
            claims=written.value.claims,
            new=rules.new(heard, self.order.last.heard if self.order.last else {}),
            heard=heard,
            contributed=written.contributed,
            partial=written.partial,
            missing=written.missing,
            dropped=written.dropped,
            written_by=written.by,
            cost_usd=self.cost().usd,
        )

    def so_far(self) -> IntelligenceSoFar:
        """Give what was heard by now, and the report once it is written."""
        return IntelligenceSoFar(heard=dict(self.sources.heard), report=self.written)
