"""What reviewers, writers and judges of offers answer, by plain rules over the documents."""

import re
from collections.abc import Iterable

from simulator.brain.documents import Document
from workflows.data.proposal import (
    ActionPlan,
    DraftScore,
    ProposalAction,
    ProposalDraft,
    ProposalReview,
)

_SIGNS: dict[str, dict[str, tuple[str, ...]]] = {
    "compliance": {"stop": ("embargo", "sanction"), "change": ("personal data", "health")},
    "technical": {"stop": ("impossible",), "change": ("migration", "interface", "offline")},
    "business": {"stop": ("free of charge",), "change": ("discount", "penalty")},
}


class RequestOfReview(Document):
    """For ProposalReview."""

    reviewer: str
    request: str


class RequestOfDraft(Document):
    """For ProposalDraft; `lacks` are points parted by semicolons."""

    customer: str
    points: tuple[str, ...]
    value: str
    reviews: dict[str, ProposalReview]
    draft: ProposalDraft | None = None
    lacks: str = ""


class RequestOfScore(Document):
    """For DraftScore."""

    points: tuple[str, ...]
    draft: ProposalDraft


class RequestOfPlan(Document):
    """For ActionPlan."""

    value: str


def review(documents: RequestOfReview) -> ProposalReview:
    """Look for words that stop it or ask for a change."""
    said, signs = documents.request.lower(), _SIGNS[documents.reviewer]
    for verdict in ("stop", "change"):
        if found := [sign for sign in signs[verdict] if sign in said]:
            remarks = tuple(f"The request speaks of {sign}: say how we treat it." for sign in found)
            return ProposalReview.model_validate(
                {"verdict": verdict, "remarks": remarks, "confidence": 0.88}
            )
    return ProposalReview(verdict="go", remarks=(), confidence=0.9)


def draft(documents: RequestOfDraft) -> ProposalDraft:
    """Write of every point; with reviews to heed, first forget the points of the second half."""
    points = documents.points
    if documents.draft is None and documents.reviews:
        points = points[: (len(points) + 1) // 2]
    remarks = [r for one in documents.reviews.values() for r in one.remarks]
    lines = [*(f"We offer {p}." for p in points), *(f"Heeded: {r}" for r in remarks)]
    text = f"Dear {documents.customer}, thank you. {' '.join(lines)} Value: {documents.value}."
    return ProposalDraft(title=f"Our offer to {documents.customer}", text=text)


def score(documents: RequestOfScore) -> DraftScore:
    """Count the points the draft speaks of."""
    said = _words([documents.draft.text])
    lacks = tuple(p for p in documents.points if not _words([p]) <= said)
    return DraftScore(score=round(1 - 0.95 * len(lacks) / len(documents.points), 2), missing=lacks)


def plan(_documents: RequestOfPlan) -> ActionPlan:
    """Have the customer recorded and the amount reserved."""
    actions = (ProposalAction.RECORD_CUSTOMER, ProposalAction.RESERVE_AMOUNT)
    return ActionPlan(actions=actions, confidence=0.9)


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w+", text.lower())}
