"""Records of news search and of what a domain's name servers say."""

from datetime import date

from workflows.data.common import CountryCode, PartyId, Record
from workflows.data.sources import SourceAnswer


class PressSubject(Record):
    """Whom the press is searched for. `company` is the case's subject, to tell namesakes apart."""

    party_id: PartyId
    kind: str
    """`Company` or `Person`."""
    name: str
    company: str
    country: CountryCode | None = None
    birth_date: date | None = None
    role: str = ""
    other_names: tuple[str, ...] = ()


class NewsQuery(Record):
    """What does the press say of this party? `terms` are searched with each name."""

    party_id: PartyId
    names: tuple[str, ...]
    terms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)


class NewsItem(Record):
    """One item; `sha256` is over its text."""

    url: str
    publisher: str
    title: str
    text: str
    published: date | None = None
    language: str = ""
    sha256: str = ""


class NewsAnswer(SourceAnswer):
    """The search's answer, newest first; `total` counts those it did not send too."""

    items: tuple[NewsItem, ...] = ()
    total: int = 0


class DomainQuery(Record):
    """Does this domain exist, and does it take mail?"""

    domain: str


class DomainAnswer(SourceAnswer):
    """What the name servers say."""

    addresses: tuple[str, ...] = ()
    mail_servers: tuple[str, ...] = ()
