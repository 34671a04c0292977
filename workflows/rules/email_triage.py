"""Email triage: which way a mail is answered, by template or draft. Total and pure."""

import re

from workflows.data.email_triage import (
    Category,
    DraftClaim,
    IncomingMail,
    MailReading,
    Path,
    PointsReading,
    Review,
    SupportDesk,
    ToneReading,
    Urgency,
    UrgencyReading,
)
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import Routed, RouteTable

_CALM = (Urgency.NORMAL, Urgency.LOW)
ROUTES = RouteTable(
    "answer",
    paths=Path,
    policy="email-2026-11",
    factors=(Factor("urgency", Urgency), Factor("review", Review)),
    rows=(
        row(Path.BY_HAND, urgency=Urgency.UNKNOWN, review=ANY),
        row(Path.DRAFTED_APPROVED, urgency=Urgency.URGENT, review=(Review.ALWAYS, Review.URGENT)),
        row(Path.DRAFTED, urgency=Urgency.URGENT, review=Review.NEVER),
        row(Path.TEMPLATE_APPROVED, urgency=_CALM, review=Review.ALWAYS),
        row(Path.TEMPLATE, urgency=_CALM, review=(Review.URGENT, Review.NEVER)),
    ),
)
"""Urgent mails are drafted, others get a template; what is not known goes to a person."""

DRAFTED = frozenset({Path.DRAFTED, Path.DRAFTED_APPROVED, Path.BY_HAND})
APPROVED = frozenset({Path.DRAFTED_APPROVED, Path.TEMPLATE_APPROVED, Path.BY_HAND})
_SAID = {
    Category.QUESTION: "your question",
    Category.PROBLEM: "the problem you report",
    Category.BILLING: "your question about billing",
    Category.COMPLAINT: "your complaint, which we take seriously",
    Category.OTHER: "your mail",
}
_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")


def choose(urgency: Urgency, review: Review) -> Routed[Path]:
    """Choose how the mail is answered."""
    return ROUTES.choose(urgency=urgency, review=review)


def put_together(
    tone: ToneReading | None, points: PointsReading | None, urgency: UrgencyReading | None
) -> MailReading:
    """Put the readings together; what nobody read stays unknown."""
    read = MailReading(points=points.points if points else ())
    if tone:
        read = read.model_copy(update={"sentiment": tone.sentiment, "category": tone.category})
    if urgency:
        read = read.model_copy(update={"urgency": urgency.urgency, "why": urgency.why})
    return read


def template(category: Category, desk: SupportDesk) -> str:
    """Write the answer of a category; it promises nothing but the desk's reply time."""
    return (
        f"Thank you for writing to us. We have {_SAID[category]} and come back to you within"
        f" {desk.reply_time}."
    )


def unfounded(text: str, mail: IncomingMail, desk: SupportDesk) -> tuple[DraftClaim, ...]:
    """List the figures of a draft that stand neither in the mail nor in the facts.

    Dates, amounts and numbers are where a wrong answer does most harm, and need no model.
    """
    known = set(_FIGURE.findall(" ".join((mail.subject, mail.text, *desk.facts))))
    strange = dict.fromkeys(f for f in _FIGURE.findall(text) if f not in known)
    why = "stands neither in the mail nor in the facts"
    return tuple(DraftClaim(text=figure, supported=False, why=why) for figure in strange)


def objections(claims: tuple[DraftClaim, ...]) -> str:
    """Say what does not hold, for whoever writes again."""
    return "; ".join(f"{c.text}: {c.why or 'not borne out'}" for c in claims if not c.supported)


def people(desk: SupportDesk) -> dict[str, frozenset[str]]:
    """Give everybody of the team, any one of whom decides."""
    return {name: frozenset({"team"}) for name in desk.team}


def subject(mail: IncomingMail) -> str:
    """Give the subject of the answer."""
    return mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
