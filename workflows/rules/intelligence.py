"""Competitive intelligence: answers of sources as signals, and a report without a model. Pure."""

from collections.abc import Mapping
from datetime import date

from workflows.data.aggregate import BranchClaim
from workflows.data.intelligence import (
    Briefing,
    CompetitorReading,
    IntelligenceOutcome,
    NewSignal,
    Signal,
    SourceReading,
)
from workflows.data.news import DomainAnswer, NewsItem
from workflows.data.sources import Company, Filing, SourceAnswer, SourceState
from workflows.errors import SourceSilent

MOST_FILINGS = 20


def heard(answer: SourceAnswer) -> None:
    """Raise SourceSilent if a source gave no answer; that there is nothing is one."""
    if answer.state in (SourceState.UNAVAILABLE, SourceState.REJECTED):
        why = answer.error.detail or answer.error.code if answer.error else "it did not say why"
        raise SourceSilent(f"{answer.source} is {answer.state}: {why}")


def recent(items: tuple[NewsItem, ...], since: date) -> tuple[NewsItem, ...]:
    """Keep the items since a day; one without a date may be new."""
    return tuple(i for i in items if i.published is None or i.published >= since)


def of_news(items: tuple[NewsItem, ...], read: CompetitorReading | None) -> tuple[Signal, ...]:
    """Make the signals a model found, unknown addresses dropped; without a model, the titles."""
    if read is None:
        return tuple(Signal(text=i.title, kind="news", day=i.published, url=i.url) for i in items)
    by_url = {i.url: i for i in items}
    return tuple(
        Signal(text=s.summary, kind=s.kind, day=by_url[s.url].published, url=s.url)
        for s in read.signals
        if s.url in by_url
    )


def of_register(company: Company | None) -> tuple[Signal, ...]:
    """Tell the state in the register, and what is out of order there."""
    if company is None:
        return (Signal(text="not in the register", kind="register"),)
    wrong = [f"status {company.status}"]
    wrong += ["accounts overdue"] if company.accounts_overdue else []
    wrong += ["insolvency on file"] if company.insolvency_history else []
    return (Signal(text=f"{company.name}: {', '.join(wrong)}", kind="register"),)


def of_filings(filings: tuple[Filing, ...], since: date) -> tuple[Signal, ...]:
    """Tell each filing since a day, the newest first, at most twenty."""
    new = [f for f in filings if f.filed >= since][:MOST_FILINGS]
    return tuple(
        Signal(
            text=" ".join((f.form, *f.items, f"({f.accession})")),
            kind="filing",
            day=f.filed,
        )
        for f in new
    )


def of_domain(answer: DomainAnswer) -> tuple[Signal, ...]:
    """Tell whether the domain answers and takes mail."""
    there = "answers" if answer.addresses else "does not answer"
    mail = "takes mail" if answer.mail_servers else "takes no mail"
    return (Signal(text=f"domain {there}, {mail}", kind="domain"),)


def briefing(readings: Mapping[str, SourceReading]) -> Briefing:
    """Write the report without a model: each branch's first signal, citing it."""
    told = {name: r for name, r in readings.items() if r.signals}
    claims = (
        BranchClaim(text=f"{r.competitor}: {r.signals[0].text}", cites=(name,))
        for name, r in told.items()
    )
    total = sum(len(r.signals) for r in told.values())
    return Briefing(headline=f"{total} signals, not summed up", claims=tuple(claims))


def new(
    readings: Mapping[str, SourceReading], before: Mapping[str, SourceReading]
) -> tuple[NewSignal, ...]:
    """List the signals the last report did not have; by address, else by text."""
    told = {(name, s.url or s.text) for name, r in before.items() for s in r.signals}
    return tuple(
        NewSignal(competitor=r.competitor, **s.model_dump())
        for name, r in readings.items()
        for s in r.signals
        if (name, s.url or s.text) not in told
    )


def outcome(answered: int, asked: int, enough: int | None) -> IntelligenceOutcome:
    """Say how much the report rests on."""
    if answered == asked:
        return IntelligenceOutcome.COMPLETE
    if answered == 0:
        return IntelligenceOutcome.NOTHING
    return IntelligenceOutcome.ENOUGH if enough and answered >= enough else IntelligenceOutcome.THIN
