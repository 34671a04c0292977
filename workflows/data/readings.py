"""What models answer in due diligence: their readings of documents. They propose, rules decide."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from workflows.data.common import Record
from workflows.data.findings import Share
from workflows.data.media import Offence, PressRole, Stage

Days = Annotated[int, Field(ge=0)]


class Discrepancy(Record):
    """A field on which two documents disagree."""

    field: str
    first: str
    second: str


class IdentityReading(Record):
    """A model's comparison of the form with the registers."""

    same_entity: Literal["yes", "no", "unclear"]
    discrepancies: tuple[Discrepancy, ...]
    confidence: Share


class CreditReading(Record):
    """A model's reading of filings and register facts."""

    level: Literal["none", "watch", "distress", "unknown"]
    reasons: tuple[str, ...]
    confidence: Share


class HitReading(Record):
    """A model's comparison of a party with a row of a sanctions list."""

    name: Literal["agree", "conflict", "unknown"]
    identifier: Literal["agree", "conflict", "unknown"]
    country: Literal["agree", "conflict", "unknown"]
    explanation: str
    confidence: Share


class ReferenceReading(Record):
    """A model's reading of a referee's free text. None: the referee does not say.

    Amounts are in `currency`, three letters, empty if none is named.
    """

    conclusive: bool
    favourable: bool
    days_beyond_terms: Days | None
    confidence: Share
    years_known: Annotated[float, Field(ge=0)] | None = None
    terms_days: Days | None = None
    high_credit: Annotated[float, Field(ge=0)] | None = None
    past_due: Annotated[float, Field(ge=0)] | None = None
    currency: str = ""


class MediaReading(Record):
    """A model's reading of one press item about one party. `severity` is from 1 (petty) to 5;
    `quote` must stand in the item word for word; `date` is that of the event.
    """

    about_subject: Literal["yes", "no", "unclear"]
    role: PressRole
    category: Offence
    stage: Stage
    severity: Annotated[int, Field(ge=1, le=5)]
    date: date | None
    quote: str
    confidence: Share
