"""Competitive intelligence: ask all sources at once, go on with enough answers, write a report."""

from datetime import timedelta
from functools import partial

from pydantic import ValidationError
from temporalio import workflow

from workflows.calls import COMPANY, DOMAIN, FILINGS, NEWS, RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.intelligence import (
    Briefing,
    CompetitorReading,
    IntelligenceOrder,
    IntelligenceReport,
    IntelligenceSoFar,
    Signal,
    SourceKind,
    SourceQuestion,
    SourceReading,
)
from workflows.data.llm import Prompt, RoleQuery
from workflows.data.news import DomainQuery, NewsQuery
from workflows.data.sources import CompanyQuery, FilingsQuery, Identifier
from workflows.errors import BudgetSpent, ModelUnavailable
from workflows.patterns.branch import Branch
from workflows.patterns.consult import Consulted
from workflows.patterns.join import join
from workflows.patterns.outcome import Covered, Joined
from workflows.patterns.process import Process
from workflows.patterns.synthesis import Synthesis
from workflows.patterns.until import all_settled, at_least
from workflows.prompts import intelligence as prompts
from workflows.rules import intelligence as rules

UNREAD = 0.5
"""How far news that no model sorted answers its question."""


@workflow.defn(name="competitive-intelligence")
class CompetitiveIntelligence(Process):
    """One report, from the questions to cited claims."""

    @workflow.init
    def __init__(self, order: IntelligenceOrder) -> None:
        super().__init__("competitive-intelligence", order.case)
        self.order = order
        self.since = order.since or (workflow.now() - timedelta(days=order.days)).date()
        self.heard: dict[str, SourceReading] = {}

    @workflow.run
    async def run(self, order: IntelligenceOrder) -> IntelligenceReport:
        """Ask, wait for enough, write."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=("triage", "reviewer")))
        if order.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=order.models.budget_usd))
        self.enter("asking")
        answers = await self.answers()
        self.enter("writing")
        report = await self.branch("synthesis", partial(self.report, answers))
        self.enter("closed", report.outcome)
        await self.finish()
        return report

    async def answers(self) -> Joined:
        """Scatter the questions; what is late is given up and stands in the report as missing."""
        until = all_settled()
        if self.order.enough is not None:
            until = at_least(self.order.enough) | until
        asked = [
            Branch(q.name, partial(self.branch, q.name, partial(self.look, q)), min_coverage=UNREAD)
            for q in self.order.questions
        ]
        return await join(asked, until=until, deadline=self.order.deadline)

    async def look(self, question: SourceQuestion) -> Covered[SourceReading]:
        """Ask one source about one competitor. Raises SourceSilent."""
        unread, who = False, question.competitor
        if question.kind is SourceKind.NEWS:
            signals, unread = await self.news(question)
        elif question.kind is SourceKind.REGISTER and who.identifier:
            signals = await self.register(who.identifier)
        elif question.kind is SourceKind.FILINGS and who.cik:
            signals = await self.filings(who.cik)
        else:
            signals = await self.domain(who.domain or "")
        told = {"competitor": who.name, "source": question.kind, "signals": signals}
        self.heard[question.name] = reading = SourceReading(unread=unread, **told)
        return Covered(reading, UNREAD if unread else 1.0)

    async def news(self, question: SourceQuestion) -> tuple[tuple[Signal, ...], bool]:
        """Search the press and have a model sort it; without one the titles stand, unread."""
        who = question.competitor
        query = NewsQuery(party_id=who.id, names=(who.name,), terms=self.order.terms)
        answer = await ask(NEWS, query)
        rules.heard(answer)
        items = rules.recent(answer.items, self.since)
        if not items:
            return (), False
        asked = prompts.reading(self.order.about, question, items)
        try:
            read = (await self.consult("triage", asked, CompetitorReading)).value
        except (ModelUnavailable, BudgetSpent):
            return rules.of_news(items, None), True
        return rules.of_news(items, read), False

    async def register(self, identifier: Identifier) -> tuple[Signal, ...]:
        """Look up the national register."""
        answer = await ask(COMPANY, CompanyQuery(identifier=identifier))
        rules.heard(answer)
        return rules.of_register(answer.company)

    async def filings(self, cik: str) -> tuple[Signal, ...]:
        """List what was filed with the securities regulator."""
        answer = await ask(FILINGS, FilingsQuery(cik=cik))
        rules.heard(answer)
        return rules.of_filings(answer.filings, self.since)

    async def domain(self, domain: str) -> tuple[Signal, ...]:
        """Ask the name servers."""
        answer = await ask(DOMAIN, DomainQuery(domain=domain))
        rules.heard(answer)
        return rules.of_domain(answer)

    async def report(self, answers: Joined) -> IntelligenceReport:
        """Have a model write what was heard, cited by branch; without one, by rule."""
        task = prompts.SYNTHESIS.format(about=self.order.about)
        names = [q.name for q in self.order.questions]
        write = Synthesis("briefing", names, Briefing, task=task, otherwise=rules.briefing)
        written = await write(answers.branches, self.reviewer)
        heard = {n: self.heard[n] for n in written.contributed}
        return IntelligenceReport(
            case=self.order.case,
            outcome=rules.outcome(len(heard), len(names), self.order.enough),
            since=self.since,
            headline=written.value.headline,
            claims=written.value.claims,
            new=rules.new(heard, self.last()),
            heard=heard,
            contributed=written.contributed,
            partial=written.partial,
            missing=written.missing,
            dropped=written.dropped,
            written_by=written.by,
            cost_usd=self.cost().usd,
        )

    async def reviewer(self, prompt: Prompt, record: type[Briefing], /) -> Consulted[Briefing]:
        """Ask who writes the report; spent money is no reason to write none."""
        try:
            return await self.consult("reviewer", prompt, record)
        except BudgetSpent as error:
            raise ModelUnavailable(error.message) from error

    def last(self) -> dict[str, SourceReading]:
        """Give what the last report of the same schedule heard; nothing on the first night."""
        try:
            last = IntelligenceReport.model_validate(workflow.get_last_completion_result())
        except ValidationError:  # there is none, or it is none of this process
            return {}
        return last.heard

    def so_far(self) -> IntelligenceSoFar:
        """Give what was heard by now."""
        return IntelligenceSoFar(heard=dict(self.heard))
