"""Request for information: what a reviewer wants to know of the customer, and what it answered."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from workflows.data.common import PartyId, PersonName, Record
from workflows.data.documents import Document
from workflows.data.findings import Check

Question = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Wanted(Record):
    """What `more` asks the customer for: the `value` of that decision, in words the customer reads.

    `about` is the check its answer becomes evidence of.
    """

    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=10)]
    about: Check = Check.DOSSIER


class InformationReply(Record):
    """The customer's answer, as its subject's `party_id`; the message of the signal
    `information`.
    """

    party_id: PartyId
    text: Annotated[str, StringConstraints(max_length=20_000)]
    simulated: bool = False


class InformationRequest(Record):
    """A request and what came of it. Unanswered without a `note`, it is still waited for."""

    number: int
    by: PersonName
    wanted: Wanted
    sent: AwareDatetime
    deadline: AwareDatetime
    reminders: int = 0
    answered: AwareDatetime | None = None
    document: Document | None = None
    """The answer, by reference."""
    excerpt: str = ""
    simulated: bool = False
    note: str = ""
    """Why it was not sent, or is not waited for any more."""
