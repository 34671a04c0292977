"""What a support desk's models answer, by plain rules over the documents."""

import re

from simulator.brain.documents import Document
from workflows.data.support import Article, RequestReading, RequestType, SupportAnswer

_WORD = re.compile(r"[a-z0-9]{4,}")
_COMMON = frozenset(
    ("have", "with", "that", "this", "from", "what", "when", "your", "please", "they", "then")
)
ENOUGH = 0.35
"""Share of the request's words an article must hold to answer it."""
_SIGNS = {
    RequestType.SECURITY: ("breach", "phishing", "stolen", "password", "leaked"),
    RequestType.BILLING: ("invoice", "refund", "charged", "payment"),
    RequestType.FAULT: ("error", "fails", "broken", "crash"),
}


class RequestDocuments(Document):
    """For RequestReading."""

    subject: str
    text: str


class AnswerDocuments(Document):
    """For SupportAnswer; at most `most` articles may be used."""

    subject: str
    text: str
    most: int
    articles: tuple[Article, ...] = ()


def request(documents: RequestDocuments) -> RequestReading:
    """Take the type whose signs come first in the order of danger."""
    said = f"{documents.subject} {documents.text}".lower()
    found = next((t for t, signs in _SIGNS.items() if any(s in said for s in signs)), None)
    return RequestReading(type=found or RequestType.QUESTION, confidence=0.92 if found else 0.85)


def answer(documents: AnswerDocuments) -> SupportAnswer:
    """Answer with the texts of the articles that hold most of the request's words."""
    wanted = _words(f"{documents.subject} {documents.text}")
    ranked = sorted(documents.articles, key=lambda a: -len(wanted & _of(a)))[: documents.most]
    held, used = set[str](), list[Article]()
    for article in ranked:
        if len(new := (wanted & _of(article)) - held) >= 2:
            held |= new
            used.append(article)
    share = len(held) / len(wanted) if wanted else 0.0
    if share < ENOUGH:
        return SupportAnswer(text="", cites=(), confidence=0.3)
    text = " ".join(article.text for article in used)
    confidence = min(0.97, round(0.8 + share / 4, 2))
    return SupportAnswer(text=text, cites=tuple(a.id for a in used), confidence=confidence)


def _of(article: Article) -> set[str]:
    return _words(f"{article.title} {article.text}")


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower())) - _COMMON
