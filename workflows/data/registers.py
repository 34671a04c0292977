"""Records of registers that tell of owners, officers, parents and VAT numbers."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from workflows.data.common import CountryCode, Record
from workflows.data.sources import Identifier, LeiEntry, SourceAnswer

Percent = Annotated[float, Field(ge=0, le=100)]


class InterestKind(StrEnum):
    """What a holder holds."""

    SHARES = "shares"
    VOTES = "votes"
    APPOINTMENTS = "appointments"
    """The right to appoint or remove most directors."""
    INFLUENCE = "influence"
    """Influence or control of another kind; no share is stated."""
    CONSOLIDATION = "consolidation"
    """Accounting control (LEI level 2). Says nothing of a share."""


class Interest(Record):
    """One interest, in per cent as a band: registers publish bands. None: no share is stated."""

    kind: InterestKind
    min_pct: Percent | None = None
    max_pct: Percent | None = None
    trust: bool = False
    """Held as trustee."""
    nominee: bool = False
    ultimate: bool = False
    """Names the top of a chain, so it is no edge of its own beside the direct ones."""
    as_of: date | None = None


class Holder(Record):
    """A person, company or arrangement. `birth` is YYYY-MM where a register says no more."""

    kind: Literal["person", "company", "trust", "state", "unknown"]
    name: str
    country: str = ""
    """Two letters where the register says so, else empty."""
    birth: str = ""
    identifiers: tuple[Identifier, ...] = ()
    nationality: tuple[str, ...] = ()


class Holding(Record):
    """Who holds what of the company asked about; `ceased` since when no longer."""

    holder: Holder
    interests: tuple[Interest, ...]
    ceased: date | None = None


class OwnersQuery(Record):
    """Who controls this company, by its register? The scheme picks the register."""

    identifier: Identifier


class OwnersAnswer(SourceAnswer):
    """The register's answer. `exempt`: need not name anybody, being listed. `statements` are the
    register's own words (nobody has control, steps to find out, restrictions). `unread` counts
    controllers beyond the bound.
    """

    holdings: tuple[Holding, ...] = ()
    exempt: bool | None = None
    statements: tuple[str, ...] = ()
    unread: int = 0


class Officer(Record):
    """A director or secretary; `resigned` since when no longer."""

    name: str
    role: str
    kind: Literal["person", "company"] = "person"
    birth: str = ""
    nationality: str = ""
    appointed: date | None = None
    resigned: date | None = None


class OfficersQuery(Record):
    """Who runs this company, by its register?"""

    identifier: Identifier


class OfficersAnswer(SourceAnswer):
    """The register's answer; `total` counts those beyond the bound too, which were not read."""

    officers: tuple[Officer, ...] = ()
    total: int = 0


class ParentsQuery(Record):
    """Who consolidates this company, by the LEI system?"""

    lei: str


class ParentsAnswer(SourceAnswer):
    """Direct and ultimate parent, or the reason given for naming none; both empty: unknown."""

    direct: LeiEntry | None = None
    ultimate: LeiEntry | None = None
    direct_exception: str = ""
    ultimate_exception: str = ""


class DisqualificationsQuery(Record):
    """Is this person disqualified from running companies? `birth` is YYYY-MM or YYYY-MM-DD."""

    name: str
    birth: str = ""


class Disqualification(Record):
    """A disqualified person as the register knows them."""

    name: str
    birth: str = ""
    until: date | None = None
    reason: str = ""


class DisqualificationsAnswer(SourceAnswer):
    """The register's answer: persons of that name or a similar one, ended bans included."""

    persons: tuple[Disqualification, ...] = ()


class InsolvencyQuery(Record):
    """Has this company been insolvent, by its register?"""

    identifier: Identifier


class Insolvency(Record):
    """One case: its kind (as `administration`), and when it began and ended, as far as said."""

    kind: str
    number: str = ""
    began: date | None = None
    ended: date | None = None


class InsolvencyAnswer(SourceAnswer):
    """The register's answer."""

    cases: tuple[Insolvency, ...] = ()


class DebarmentsQuery(Record):
    """Is somebody of this name barred from contracts of a development bank?"""

    name: str


class Debarment(Record):
    """One bar; `until` None: without end, or not said."""

    name: str
    country: str = ""
    since: date | None = None
    until: date | None = None
    grounds: str = ""


class DebarmentsAnswer(SourceAnswer):
    """Those of the list whose name is like the one asked for; `list_version` is its sha256."""

    entries: tuple[Debarment, ...] = ()
    list_version: str = ""


class VatQuery(Record):
    """Is this VAT number valid? `country` as the number begins: EL for Greece, XI for NI."""

    country: CountryCode
    number: str


class VatAnswer(SourceAnswer):
    """VIES's answer; name and address are empty where a state withholds them."""

    valid: bool | None = None
    name: str = ""
    address: str = ""
