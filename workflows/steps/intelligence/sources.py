"""The sources of competitive intelligence: each asked about a competitor, read as signals."""

from collections.abc import Awaitable
from datetime import date
from typing import Protocol

from workflows.calls import COMPANY, DOMAIN, FILINGS, NEWS, ask
from workflows.data.intelligence import (
    CompetitorReading,
    IntelligenceOrder,
    Signal,
    SourceKind,
    SourceQuestion,
    SourceReading,
)
from workflows.data.llm import Prompt
from workflows.data.news import DomainQuery, NewsQuery
from workflows.data.sources import CompanyQuery, FilingsQuery, Identifier
from workflows.errors import BudgetSpent, ModelUnavailable
from workflows.patterns.consult import Consulted
from workflows.patterns.outcome import Covered
from workflows.prompts import intelligence as prompts
from workflows.rules import intelligence as rules

UNREAD = 0.5
"""How far news that no model sorted answers its question."""


class Reader(Protocol):
    """Who sorts the news: `Process.consult`."""

    def __call__(
        self, role: str, prompt: Prompt, record: type[CompetitorReading], /
    ) -> Awaitable[Consulted[CompetitorReading]]:
        """Ask a role. Raises ModelUnavailable and BudgetSpent."""
        ...


class Sources:
    """Asks the sources of one order; `heard` is what they said by now, by question."""

    def __init__(self, order: IntelligenceOrder, since: date, consult: Reader) -> None:
        self.order, self.since, self.consult = order, since, consult
        self.heard: dict[str, SourceReading] = {}

    async def look(self, question: SourceQuestion) -> Covered[SourceReading]:
        """Ask one source about one competitor. Raises SourceSilent."""
        unread, who = False, question.competitor
        if question.kind is SourceKind.NEWS:
            signals, unread = await self._news(question)
        elif question.kind is SourceKind.REGISTER and who.identifier:
            signals = await self._register(who.identifier)
        elif question.kind is SourceKind.FILINGS and who.cik:
            signals = await self._filings(who.cik)
        else:
            signals = await self._domain(who.domain or "")
        told = {"competitor": who.name, "source": question.kind, "signals": signals}
        self.heard[question.name] = reading = SourceReading(unread=unread, **told)
        return Covered(reading, UNREAD if unread else 1.0)

    async def _news(self, question: SourceQuestion) -> tuple[tuple[Signal, ...], bool]:
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

    async def _register(self, identifier: Identifier) -> tuple[Signal, ...]:
        """Look up the national register."""
        answer = await ask(COMPANY, CompanyQuery(identifier=identifier))
        rules.heard(answer)
        return rules.of_register(answer.company)

    async def _filings(self, cik: str) -> tuple[Signal, ...]:
        """List what was filed with the securities regulator."""
        answer = await ask(FILINGS, FilingsQuery(cik=cik))
        rules.heard(answer)
        return rules.of_filings(answer.filings, self.since)

    async def _domain(self, domain: str) -> tuple[Signal, ...]:
        """Ask the name servers."""
        answer = await ask(DOMAIN, DomainQuery(domain=domain))
        rules.heard(answer)
        return rules.of_domain(answer)
