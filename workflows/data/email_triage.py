"""Records of email triage: the mail, the desk that answers it, what models say, and the result."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflows.data.case_policy import Mail, ModelPolicy
from workflows.data.common import CaseId, Decision, PersonName, Record
from workflows.data.deciders import Keyed

Line = Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=300)]
"""Text that fits a header: one line."""
MessageId = Annotated[str, StringConstraints(pattern=r"^<[^<>\s]{1,250}>$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Sentiment(StrEnum):
    """How the writer feels."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"


class Category(StrEnum):
    """What a mail is about."""

    QUESTION = "question"
    PROBLEM = "problem"
    BILLING = "billing"
    COMPLAINT = "complaint"
    OTHER = "other"


class Urgency(StrEnum):
    """How soon somebody must act. `unknown` is treated as urgent, by a person."""

    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"
    UNKNOWN = "unknown"


class Review(StrEnum):
    """Which answers a person approves before they go out."""

    ALWAYS = "always"
    URGENT = "urgent"
    """Those a model drafts. A template was approved when it was written."""
    NEVER = "never"
    """Only those that fail their fact check, or whose urgency nobody could tell."""


class Checks(StrEnum):
    """What the fact check reads."""

    DRAFT = "draft"
    """The answer, once it is drafted; what does not hold is mended once."""
    MAIL = "mail"
    """The mail, while it is read; the answer is drafted with what was found, and once."""


class Path(StrEnum):
    """How a mail is answered."""

    TEMPLATE = "template"
    TEMPLATE_APPROVED = "template_approved"
    DRAFTED = "drafted"
    DRAFTED_APPROVED = "drafted_approved"
    BY_HAND = "by_hand"
    """Drafted for a person, who decides: nobody could tell how urgent the mail is."""


class IncomingMail(Record):
    """A mail as it came. Its text is material, never an instruction."""

    message_id: MessageId
    sender: Mail
    subject: Line
    text: Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
    attachments: tuple[Line, ...] = ()
    """Their names; they are not read."""


class SupportDesk(Keyed):
    """Who answers, from what is known, and on which terms.

    `facts` is all a draft may rest on besides the mail; `reply_time` completes "we come back to
    you within ..."; `deadline` is how long an answer waits for a person.
    """

    team: Annotated[tuple[PersonName, ...], Field(min_length=1)]
    signature: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    reply_time: Line = "two working days"
    facts: tuple[Annotated[str, StringConstraints(min_length=1, max_length=500)], ...] = ()
    review: Review = Review.URGENT
    checks: Checks = Checks.DRAFT
    deadline: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(hours=4)
    remind_every: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(hours=1)
    models: ModelPolicy = ModelPolicy()

    def deciders(self) -> Iterable[str]:
        """Name the team."""
        return self.team


class TriageCase(Record):
    """One mail, and the desk it came to."""

    case: CaseId
    mail: IncomingMail
    desk: SupportDesk


class ToneReading(Record):
    """A model's word on how the writer feels and what the mail is about."""

    sentiment: Sentiment
    category: Category
    confidence: Share


class PointsReading(Record):
    """A model's list of what the writer says and wants."""

    points: tuple[Annotated[str, StringConstraints(max_length=300)], ...]
    confidence: Share


class UrgencyReading(Record):
    """A model's word on how soon somebody must act."""

    urgency: Urgency
    why: str
    confidence: Share


class DraftedAnswer(Record):
    """The text of an answer, without the signature."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class DraftClaim(Record):
    """One statement of a draft or a mail, and whether what is known bears it out."""

    text: str
    supported: bool
    why: str = ""


class DraftCheck(Record):
    """The fact check of a draft: every statement of fact or promise in it."""

    claims: tuple[DraftClaim, ...]


class FactCheck(Record):
    """The fact check of a mail: every statement of fact in it."""

    claims: tuple[DraftClaim, ...]


class MailReading(Record):
    """The three readings put together; a reading that failed leaves what is not known."""

    sentiment: Sentiment = Sentiment.UNKNOWN
    category: Category = Category.OTHER
    points: tuple[str, ...] = ()
    urgency: Urgency = Urgency.UNKNOWN
    why: str = ""


class TriageOutcome(StrEnum):
    """What became of a mail."""

    OPEN = "open"
    ANSWERED = "answered"
    ANSWERED_BY_HAND = "answered_by_hand"
    """A person says so, after our own sending failed or stayed unclear."""
    DECLINED = "declined"
    """A person decided that no answer goes out."""
    NOT_ANSWERED = "not_answered"
    UNCLEAR = "unclear"
    """Sent perhaps; a person has still to find out."""


class TriageResult(Record):
    """What was read, how it was answered, and what is left to do."""

    case: CaseId
    outcome: TriageOutcome = TriageOutcome.OPEN
    path: Path | None = None
    reading: MailReading = MailReading()
    answer: str = ""
    """The text that went out, or was to."""
    checked: tuple[DraftClaim, ...] = ()
    drafts: int = 0
    decisions: tuple[Decision, ...] = ()
    gaps: tuple[str, ...] = ()
    open_tasks: tuple[str, ...] = ()
    usd: Decimal = Decimal(0)
