"""What models answer in due diligence: their readings of documents. They propose, rules decide."""

from typing import Annotated, Literal

from pydantic import Field

from workflows.data.common import Record
from workflows.data.findings import Share


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
    """A model's reading of a referee's free text."""

    conclusive: bool
    favourable: bool
    days_beyond_terms: Annotated[int, Field(ge=0)] | None
    confidence: Share
