"""Documents of identity as a case file holds them: what is printed, and the zone machines read."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import Day, PartyId, Record
from workflows.data.mrz import Zone, parse

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
Printed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)]


class IdentityDocument(Record):
    """A passport, card or visa: kind, number, who issued it, when, and until when it is valid.

    `mrz` are the lines of its machine readable zone. What is printed may be left out, but then
    only the zone speaks. Lines that are no zone are refused; wrong check digits are not.
    """

    document_id: PartyId
    kind: Literal["passport", "identity_card", "residence_permit", "visa"]
    mrz: Annotated[tuple[Line, ...], Field(max_length=3)] = ()
    name: Printed = ""
    number: Printed = ""
    issuer: Printed = ""
    birth_date: Day | None = None
    issued: Day | None = None
    expires: Day | None = None

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.mrz:
            parse(self.mrz, date(2000, 1, 1))
        return self

    def zone(self, on: date) -> Zone | None:
        """Read the zone as of a day; None if the document came without one."""
        return parse(self.mrz, on) if self.mrz else None
