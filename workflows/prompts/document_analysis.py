"""Prompts of document analysis."""

from collections.abc import Sequence

from workflows.data.document_analysis import BusinessDocument, DocumentReading
from workflows.data.llm import Prompt
from workflows.prompts.documents import asking

SUMMARY = (
    "Summarise these documents for the head of the department in one headline and at most seven"
    " claims, gravest first. `all documents` holds the totals; cite it for counts. Disputed"
    " documents are `partial`: say that the models differ. Say which documents nobody has read."
)


def reading(document: BusinessDocument, text: str, topics: Sequence[str]) -> Prompt:
    """Ask what a document is, whom it names, what risk it tells of, and what of each topic."""
    return asking(
        "document-reading",
        "What does this business document say? kind: what it is. risk: the harm to us it speaks of:"
        " high for a claim, a termination, a penalty, an incident or a breach of law; medium for a"
        " dispute, a delay or a price rise; else low. risk_quote: the sentence the risk rests on,"
        " copied word for word; empty if low. sentiment: the writer's towards us. topics: of those"
        " asked, each the document speaks of, with the sentence that does, word for word. parties:"
        " companies named, as written.",
        {"topics": tuple(topics), "title": document.title, "text": text},
        DocumentReading,
    )
