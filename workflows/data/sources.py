"""Records of sources: what is asked of a register, list or filing system, and its answer."""

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from workflows.data.common import CountryCode, PartyId, Record


class SourceState(StrEnum):
    """What a source said. `none` only when it answered; silence is `unavailable`."""

    FOUND = "found"
    NONE = "none"
    UNAVAILABLE = "unavailable"
    REJECTED = "rejected"


class Liveness(StrEnum):
    """Where an answer came from."""

    LIVE = "live"
    CACHED = "cached"
    SIMULATED = "simulated"
    NOWHERE = "nowhere"
    """No answer came."""


class Retry(StrEnum):
    """When asking again may help."""

    NEVER = "never"
    LATER = "later"


class SourceError(Record):
    """Why a source gave no answer."""

    code: str
    retry: Retry
    detail: str = ""


class SourceAnswer(Record):
    """What every source's answer carries. `raw_sha256` is over the body as received."""

    source: str
    state: SourceState
    liveness: Liveness
    retrieved_at: AwareDatetime
    licence: str = ""
    as_of: date | None = None
    raw_sha256: str = ""
    error: SourceError | None = None


class Identifier(Record):
    """An identifier with its scheme, for example GB-COH (UK company number), LEI or CIK."""

    scheme: str
    value: str


class CompanyQuery(Record):
    """A company in its national register, by number. The scheme picks the register."""

    identifier: Identifier


class Company(Record):
    """A register entry. None means the register does not say."""

    name: str
    number: str
    status: str
    kind: str = ""
    incorporated: date | None = None
    address: str = ""
    postcode: str = ""
    accounts_overdue: bool | None = None
    accounts_made_up_to: date | None = None
    confirmation_overdue: bool | None = None
    """Its yearly statement that the particulars on file are right is late."""
    office_doubtful: bool | None = None
    """The registered office is in dispute, or post to it comes back."""
    insolvency_history: bool | None = None
    control_exempt: bool | None = None
    """The company need not name its controllers, because it is listed."""
    controllers: tuple[str, ...] = ()
    """Kinds of control on file, never names of persons."""


class CompanyAnswer(SourceAnswer):
    """The register's answer."""

    company: Company | None = None


class LeiQuery(Record):
    """A legal entity identifier record, by LEI."""

    lei: str


class LeiEntry(Record):
    """An LEI record. `registration` LAPSED means stale, not inactive."""

    lei: str
    name: str
    status: str
    registration: str
    registered_as: str = ""
    country: str = ""
    postcode: str = ""
    parent_exception: str = ""
    """Reason given for naming no parent; empty if a parent is named or nothing is known."""


class LeiAnswer(SourceAnswer):
    """The LEI system's answer."""

    entry: LeiEntry | None = None


class ScreenQuery(Record):
    """Is this party on a sanctions list?"""

    party_id: PartyId
    kind: str
    """`Company` or `Person`."""
    name: str
    country: CountryCode | None = None
    birth_date: date | None = None
    birth: str = ""
    """Year, or year and month, where no whole date is known."""
    identifiers: tuple[Identifier, ...] = ()


class ListHit(Record):
    """An entry of a list that may be the party. What the list does not say is empty."""

    entry_id: str
    caption: str
    score: float
    """Similarity of the name, 0 to 1, as the list's own search gives it."""
    dataset: str
    programs: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()
    remarks: str = ""
    kind: str = ""
    """`Company`, `Person`, or empty."""
    names: tuple[str, ...] = ()
    """Other names of the entry."""
    weak_names: tuple[str, ...] = ()
    """Names too common, or too short, to be an alarm by themselves."""
    births: tuple[str, ...] = ()
    """Dates of birth as far as they are known: 1966, 1966-11 or 1966-11-15."""
    countries: tuple[str, ...] = ()
    """Nationalities, or countries of its addresses, in two letters."""
    positions: tuple[str, ...] = ()
    """Public offices a person holds or held, in the list's words."""
    topics: tuple[str, ...] = ()
    """What the list says the entry is, in its own codes: `sanction`, `role.pep`, `role.rca`."""


class ScreenAnswer(SourceAnswer):
    """The list search's answer; `list_version` identifies the list it searched."""

    hits: tuple[ListHit, ...] = ()
    list_version: str = ""


class FilingsQuery(Record):
    """A registrant's filings with the securities regulator, by CIK."""

    cik: str


class Filing(Record):
    """One filing; `items` are the item numbers of an 8-K."""

    form: str
    filed: date
    accession: str
    items: tuple[str, ...] = ()


class FilingsAnswer(SourceAnswer):
    """The regulator's answer, newest filing first; `industry` is its SIC code."""

    name: str = ""
    jurisdiction: str = ""
    industry: str = ""
    filings: tuple[Filing, ...] = ()


class FactsQuery(Record):
    """A registrant's reported figures, by CIK."""

    cik: str


class Fact(Record):
    """One reported figure, in `unit` (USD, EUR, shares)."""

    concept: str
    unit: str
    end: date
    value: float
    filed: date


class FactsAnswer(SourceAnswer):
    """The regulator's figures, the latest filed value per concept and period end."""

    facts: tuple[Fact, ...] = ()
