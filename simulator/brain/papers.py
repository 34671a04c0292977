"""How a simulated model reads a business document, and sums up many: by words in sentences."""

import re
from collections.abc import Iterator, Sequence

from simulator.brain.documents import PaperDocuments, PapersResults, PaperTotals, ReadPaper
from workflows.data.aggregate import BranchClaim
from workflows.data.document_analysis import (
    DocumentReading,
    DocumentsSummary,
    Kind,
    Passage,
    Risk,
    Sentiment,
)

_SENTENCE = re.compile(r"(?<=[^A-Z0-9][.!?])\s+|\n{2,}")
"""Between sentences, but not after an initial or a number."""
_COMPANY = re.compile(
    r"\b(?:[A-Z][\w&'-]*\s+){1,4}(?:plc|Ltd|Inc|Corp|GmbH|AG|SA|LLC|BV|Limited)\b"
)
KINDS = (
    (Kind.INVOICE, r"\binvoice\b|amount due|payable within"),
    (Kind.CONTRACT, r"\bagreement\b|hereinafter|the parties agree|\bcontract between\b"),
    (Kind.COMPLAINT, r"\bcomplain|complaint|not acceptable|demand a refund"),
    (Kind.REPORT, r"\breport\b|\baudit\b|findings|\bminutes\b"),
    (Kind.LETTER, r"\bdear\b|sincerely|regards"),
)
RISKS = (
    (Risk.HIGH, r"terminat|penalt|\bclaims?\b|lawsuit|legal action|breach|injur|recall|fine of"),
    (Risk.MEDIUM, r"disput|delay|late\b|price increase|overdue|shortage|defect"),
)
TOPICS = {
    "payment": r"\bpay|invoice|amount|overdue|price",
    "delivery": r"deliver|shipment|shipped|delay|truck",
    "quality": r"quality|defect|damaged|broken|inspection|scratch",
    "liability": r"\bliab|penalt|claim|indemn|damages",
    "termination": r"terminat|notice period|cancel",
    "safety": r"safety|injur|accident|recall|fire",
    "data protection": r"personal data|gdpr|privacy|data protection",
}
GLAD = r"thank|pleased|happy|excellent|satisfied|glad|appreciate|reliable|friendly"
CROSS = r"disappoint|unacceptable|not acceptable|angry|complain|refund|worst|damaged|late again"


def paper(documents: PaperDocuments) -> DocumentReading:
    """Read a document sentence by sentence."""
    sentences = [s.strip() for s in _SENTENCE.split(documents.text) if len(s.split()) > 2]
    told = f"{documents.title}\n{documents.text}".lower()
    risk, quote = _risk(sentences)
    glad, cross = len(re.findall(GLAD, told)), len(re.findall(CROSS, told))
    feeling = Sentiment.NEUTRAL if glad == cross else None
    return DocumentReading(
        kind=next((kind for kind, words in KINDS if re.search(words, told)), Kind.OTHER),
        risk=risk,
        risk_quote=quote,
        sentiment=feeling or (Sentiment.POSITIVE if glad > cross else Sentiment.NEGATIVE),
        topics=tuple(_topics(documents.topics, sentences)),
        parties=tuple(dict.fromkeys(" ".join(p.split()) for p in _COMPANY.findall(documents.text))),
        confidence=0.9 if sentences else 0.3,
    )


def _risk(sentences: Sequence[str]) -> tuple[Risk, str]:
    for risk, words in RISKS:
        for sentence in sentences:
            if re.search(words, sentence.lower()):
                return risk, sentence
    return Risk.LOW, ""


def _topics(asked: Sequence[str], sentences: Sequence[str]) -> Iterator[Passage]:
    for topic in asked:
        words = TOPICS.get(topic, rf"\b{re.escape(topic)}")
        found = next((s for s in sentences if re.search(words, s.lower())), None)
        if found:
            yield Passage(topic=topic, quote=found)


MOST_CLAIMS = 7


def papers(documents: PapersResults) -> DocumentsSummary:
    """Sum up: the counts, then the documents of high risk, then those that are disputed."""
    totals = next((t for t in documents.results.values() if isinstance(t, PaperTotals)), None)
    read = {k: p for k, p in documents.results.items() if isinstance(p, ReadPaper)}
    grave = {k: p for k, p in read.items() if p.risk == Risk.HIGH}
    claims = [
        BranchClaim(text=f"{p.title or key}: {p.risk_quote}", cites=(key,))
        for key, p in grave.items()
    ]
    claims += [
        BranchClaim(
            text=f"The models differ on the {', '.join(p.disputed)} of {key}.", cites=(key,)
        )
        for key, p in read.items()
        if p.disputed
    ]
    if totals is not None:
        counted = f"{totals.agreed} of {totals.documents} documents are agreed on"
        if totals.unread:
            counted += f"; nobody has read {totals.unread}"
        claims.insert(0, BranchClaim(text=f"{counted}.", cites=("all documents",)))
    headline = f"{len(grave)} of {len(read)} documents shown tell of a high risk"
    return DocumentsSummary(headline=headline, claims=tuple(claims[:MOST_CLAIMS]))
