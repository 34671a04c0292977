"""Rules of the support request: how risky, which tier, which path, and what will do as an answer.

Pure. Each table is checked when it is built: every combination has exactly one path.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from workflows.data.support import (
    Article,
    Reach,
    RequestReading,
    RequestType,
    Risk,
    ServiceTier,
    Size,
    Standing,
    SupportAnswer,
    SupportDesk,
    SupportPath,
    SupportRequest,
)
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import RouteTable

POLICY = "support-1"
SURE = 0.8
"""How sure a model must be for its answer to go out by itself."""
SURE_OF_TYPE = 0.6
FOR_READING, FOR_MODEL, FOR_PEOPLE = 0.1, 0.2, 0.9
"""Shares of the time a desk has: for the reading, for each model, and until when people may answer;
the rest is for telling the customer.
"""

RISKS = RouteTable(
    "risk",
    paths=Risk,
    policy=POLICY,
    factors=(Factor("type", RequestType), Factor("standing", Standing), Factor("reach", Reach)),
    rows=(
        row(Risk.HIGH, type=RequestType.SECURITY, standing=ANY, reach=ANY),
        row(Risk.HIGH, type=RequestType.BILLING, standing=Standing.NEW, reach=ANY),
        row(
            Risk.HIGH,
            type=RequestType.BILLING,
            standing=Standing.EXISTING,
            reach=Reach.INTERNATIONAL,
        ),
        row(Risk.LOW, type=RequestType.BILLING, standing=Standing.EXISTING, reach=Reach.DOMESTIC),
        row(Risk.LOW, type=(RequestType.QUESTION, RequestType.FAULT), standing=ANY, reach=ANY),
    ),
)
_PLAIN = (RequestType.FAULT, RequestType.BILLING)
PATHS = RouteTable(
    "support",
    paths=SupportPath,
    policy=POLICY,
    factors=(Factor("risk", Risk), Factor("tier", ServiceTier), Factor("type", RequestType)),
    rows=(
        row(SupportPath.PERSON, risk=Risk.HIGH, tier=ANY, type=ANY),
        row(SupportPath.PERSON, risk=Risk.LOW, tier=ANY, type=RequestType.SECURITY),
        row(SupportPath.KNOWLEDGE, risk=Risk.LOW, tier=ANY, type=RequestType.QUESTION),
        row(SupportPath.KNOWLEDGE, risk=Risk.LOW, tier=ServiceTier.STANDARD, type=_PLAIN),
        row(SupportPath.SPECIALIST, risk=Risk.LOW, tier=ServiceTier.PREMIUM, type=_PLAIN),
    ),
)
MODELS = {
    SupportPath.KNOWLEDGE: ("knowledge", "specialist"),
    SupportPath.SPECIALIST: ("specialist",),
    SupportPath.PERSON: ("specialist",),
}
"""Which models try on a path, cheapest first; after them a person."""

_WORDS = {
    RequestType.SECURITY: r"breach|hacked|leaked?|phish\w*|stolen|password|personal data",
    RequestType.BILLING: r"invoices?|refund\w*|charged?|payments?|bill(?:ed|ing)?",
    RequestType.FAULT: r"errors?|fails?|failed|broken|crash\w*|not work\w*|cannot",
}


def reach(given: SupportRequest) -> Reach:
    """Say whether the customer sits in the country of the desk."""
    return Reach.DOMESTIC if given.customer.country == given.home else Reach.INTERNATIONAL


def tier(given: SupportRequest) -> ServiceTier:
    """Say what the customer pays for."""
    enterprise = given.customer.size is Size.ENTERPRISE
    return ServiceTier.PREMIUM if enterprise else ServiceTier.STANDARD


def desk(given: SupportRequest) -> SupportDesk:
    """Give the desk of the customer's tier."""
    return given.premium if tier(given) is ServiceTier.PREMIUM else given.standard


def type_by_words(given: SupportRequest) -> RequestType:
    """Say by its words what a request is about: of several, the riskiest."""
    said = f"{given.subject}\n{given.text}".lower()
    found = (type for type, words in _WORDS.items() if re.search(rf"\b(?:{words})\b", said))
    return next(found, RequestType.QUESTION)


def is_sure(reading: RequestReading) -> bool:
    """Say whether a reading is sure enough to go by."""
    return reading.confidence >= SURE_OF_TYPE


def stricter(read: RequestType, given: SupportRequest) -> RequestType:
    """Take a request for one about security if the model or its words say so."""
    by_words = type_by_words(given)
    return by_words if by_words is RequestType.SECURITY else read


def will_do(answer: SupportAnswer, articles: Sequence[Article]) -> bool:
    """Say whether an answer may go out by itself: sure, and from articles there are."""
    known = {a.id for a in articles}
    sourced = bool(answer.cites) and set(answer.cites) <= known
    return bool(answer.text.strip()) and sourced and answer.confidence >= SURE


def share(given: SupportRequest, of: float) -> timedelta:
    """Give a share of the time the desk has."""
    return desk(given).within * of


def handed_over(given: SupportRequest) -> str:
    """Tell the customer who has its request."""
    names = " and ".join(desk(given).people)
    return f"We could not answer yet. {names} of our desk have your request and will write to you."
