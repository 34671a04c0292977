"""The press archive as a search gives it, and parties it writes about."""

from datetime import date
from typing import Any

from simulator.brain.documents import ArticleDocument, ArticleDocuments
from simulator.brain.press import press
from simulator.facts.press import ARTICLES, Article
from tests.rules.dd_records import NOW
from workflows.data.media import Offence, PressRole, Stage
from workflows.data.news import NewsAnswer, NewsItem, PressSubject
from workflows.data.readings import MediaReading
from workflows.data.sources import Liveness, SourceState
from workflows.rules.dd.media import Reader

OPENED = date(2026, 11, 20)
COMPANIES = (
    "Calder Vale Trading Ltd",
    "Tessaly Minerals SA",
    "Marenholt Shipping GmbH",
    "Brightmoor Chemicals plc",
    "Halden Freight",
    "Harbour Bank",
    "Northern Paper Mills",
    "Castor Office Supply",
    "UNILEVER PLC",
    "WOLFSPEED, INC.",
    "CARBO CERAMICS INC.",
    "BANK SADERAT PLC",
    "Rosneft Deutschland GmbH",
    "Snowflake Inc.",
    "DAILY MAIL AND GENERAL TRUST PLC",
)
PEOPLE = (
    "Orin Halvack",
    "Dmitri Karelov-Sazhin",
    "Yusuf Adeko-Bran",
    "Maren Tolvik",
    "Petra Lindqvist-Moor",
    "Tomas Eberling",
)


def item(article: Article) -> NewsItem:
    return NewsItem(
        url=f"https://press.example/{article.slug}",
        publisher=article.publisher,
        title=article.title,
        text=article.text,
        published=date.fromisoformat(article.published),
    )


ITEMS = {article.slug: item(article) for article in ARTICLES}


def party(name: str, **more: Any) -> PressSubject:
    kind = "Person" if name in PEOPLE else "Company"
    plain = {"party_id": "p1", "kind": kind, "name": name, "company": "Calder Vale Trading Ltd"}
    return PressSubject.model_validate(plain | more)


def answer(*items: NewsItem, state: SourceState = SourceState.FOUND, total: int = 0) -> NewsAnswer:
    return NewsAnswer(
        source="press",
        state=state,
        liveness=Liveness.SIMULATED,
        retrieved_at=NOW,
        items=items,
        total=total or len(items),
    )


def reader(about: PressSubject, *items: NewsItem, total: int = 0) -> Reader:
    return Reader(about, answer(*items, total=total), OPENED)


def reading(quote: str, **changes: Any) -> MediaReading:
    plain: dict[str, Any] = {
        "about_subject": "yes",
        "role": PressRole.SUSPECT,
        "category": Offence.FRAUD,
        "stage": Stage.CHARGE,
        "severity": 3,
        "date": None,
        "quote": quote,
        "confidence": 0.9,
    }
    return MediaReading.model_validate(plain | changes)


def read(about: PressSubject, held: NewsItem) -> MediaReading:
    """Read an item as the simulated model does."""
    article = ArticleDocument(title=held.title, text=held.text, published=held.published)
    return press(ArticleDocuments(party=about, article=article))
