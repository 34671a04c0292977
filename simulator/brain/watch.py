"""What a watcher of a market answers, by plain rules: news that matters, and a briefing."""

import re
from typing import Any

from simulator.brain.documents import Document
from workflows.data.aggregate import BranchClaim
from workflows.data.intelligence import Briefing, CompetitorReading, NewsSignal

_KINDS = {
    "legal": ("court", "judge", "law", "fraud", "bribes", "charge", "victim", "stolen"),
    "money": ("creditors", "chapter 11", "debt", "lenders", "loss"),
    "people": ("chief", "director", "appointed"),
    "price": ("price",),
    "product": ("plant", "opens", "launch"),
}


class _Item(Document):
    url: str
    title: str
    text: str


class NewsDocuments(Document):
    """For CompetitorReading."""

    competitor: str
    items: tuple[_Item, ...]


class BriefingDocuments(Document):
    """For Briefing: the results of the branches by name, and the branches that are missing."""

    results: dict[str, dict[str, Any]]
    missing: tuple[dict[str, Any], ...] = ()


def news(told: NewsDocuments) -> CompetitorReading:
    """Keep the items that name the competitor, each with its title as summary."""
    found = (
        NewsSignal(url=i.url, kind=_kind(f"{i.title} {i.text}"), summary=i.title)
        for i in told.items
        if told.competitor.lower() in f"{i.title} {i.text}".lower()
    )
    return CompetitorReading(signals=tuple(found))


def briefing(told: BriefingDocuments) -> Briefing:
    """Tell the first signals of every branch that heard some, citing it."""
    heard = {name: r for name, r in told.results.items() if r.get("signals")}
    claims = [
        BranchClaim(
            text=f"{r.get('competitor')}: {'; '.join(str(s['text']) for s in r['signals'][:2])}.",
            cites=(name,),
        )
        for name, r in heard.items()
    ]
    silent = f"; {len(told.missing)} sources were silent" if told.missing else ""
    total = sum(len(r["signals"]) for r in heard.values())
    return Briefing(
        headline=f"{total} signals from {len(heard)} sources{silent}.", claims=tuple(claims)
    )


def _kind(text: str) -> str:
    words = text.lower()
    return next(
        (k for k, signs in _KINDS.items() if any(re.search(rf"\b{s}", words) for s in signs)),
        "market",
    )
