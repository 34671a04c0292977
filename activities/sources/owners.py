"""Companies House: who controls a company (persons with significant control), in bands.

The register publishes kinds of control, never percentages: `ownership-of-shares-25-to-50-percent`.
Words: https://github.com/companieshouse/api-enumerations, psc_descriptions.yml.
"""

import re
from collections.abc import Generator, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from activities.sources.companies_house import ask_register, exempt_by
from activities.sources.connector import NO_RECORD, Connector, Extract, Inquire, Inquiry, Page, day
from activities.sources.countries import BRITISH, country_of
from runtime.settings import Endpoint
from workflows import calls
from workflows.data.identifiers import problem
from workflows.data.registers import (
    Holder,
    Holding,
    Interest,
    InterestKind,
    OwnersAnswer,
    OwnersQuery,
)
from workflows.data.sources import Identifier, SourceState

PER_PAGE = 100
PAGES = 5
"""At most 500 entries of a list are read; of a longer one the rest is counted."""

_BAND = re.compile(r"(\d+)-to-(\d+)-percent|more-than-(\d+)-percent")
_KINDS = (
    ("ownership-of-shares", InterestKind.SHARES),
    ("right-to-share-surplus-assets", InterestKind.SHARES),
    ("part-right-to-share-surplus-assets", InterestKind.SHARES),
    ("voting-rights", InterestKind.VOTES),
    ("right-to-appoint-and-remove", InterestKind.APPOINTMENTS),
)
"""Beginnings of natures of control; any other is influence without a stated share."""


class CompaniesHouseOwners(Connector[OwnersQuery, OwnersAnswer]):
    """Controllers by company number, with statements, and the exemption of listed companies."""

    call = calls.OWNERS
    service = "companies_house"
    source = "UK Companies House, significant control"
    licence = "Open Government Licence 3.0"

    def inquire(self, query: OwnersQuery, endpoint: Endpoint) -> Inquiry:
        """Ask for controllers and statements; where nobody is named, for the exemption.

        404 on a list is the documented "nothing on file".
        """
        base = f"/company/{quote(query.identifier.value, safe='')}"
        control = f"{base}/persons-with-significant-control"
        items, total = yield from listed(control, endpoint)
        said, _ = yield from listed(f"{control}-statements", endpoint)
        holdings = tuple(_holding(item) for item in items)
        exempt = None
        if all(holding.ceased for holding in holdings):
            exempt = exempt_by((yield ask_register(f"{base}/exemptions", endpoint)))
        statements = tuple(item["statement"] for item in said if not item.get("ceased_on"))
        if not holdings and not statements and exempt is None:
            return NO_RECORD
        fields = {"holdings": holdings, "exempt": exempt, "statements": statements}
        return Extract(SourceState.FOUND, fields | {"unread": total - len(items)})


def listed(path: str, endpoint: Endpoint) -> Generator[Inquire, Page, tuple[list[Any], int]]:
    """Read a list page by page, up to a bound; give its items and how many there are."""
    items: list[Any] = []
    for _ in range(PAGES):
        where = f"{path}?items_per_page={PER_PAGE}&start_index={len(items)}"
        page = yield ask_register(where, endpoint)
        if not page.found:
            return items, len(items)
        body = page.json()
        total = int(body.get("total_results") or 0)
        more = body["items"] or []
        items += more
        if not more or len(items) >= total:
            break
    return items, max(total, len(items))


def _holding(item: Mapping[str, Any]) -> Holding:
    kind = item["kind"]
    since = day(item.get("notified_on"))
    if kind.startswith("super-secure"):
        protected = Holder(kind="unknown", name="protected by the register (super-secure)")
        interests: Iterable[Interest] = [Interest(kind=InterestKind.INFLUENCE, as_of=since)]
        ended = day(item.get("ceased_on")) or (since if item.get("ceased") else None)
        return Holding(holder=protected, interests=tuple(interests), ceased=ended)
    natures = item.get("natures_of_control") or []
    return Holding(
        holder=_holder(kind, item),
        interests=tuple(interest(nature, item.get("notified_on")) for nature in natures),
        ceased=day(item.get("ceased_on")),
    )


def _holder(kind: str, item: Mapping[str, Any]) -> Holder:
    name = item.get("name") or ""
    if kind.startswith("individual"):
        return Holder(
            kind="person",
            name=name,
            country=country_of(item.get("country_of_residence")),
            birth=born(item.get("date_of_birth")),
            nationality=tuple(filter(None, [item.get("nationality")])),
        )
    registered = item.get("identification") or {}
    country = registered.get("country_registered") or (item.get("address") or {}).get("country")
    return Holder(
        kind="company" if kind.startswith("corporate") else "state",
        name=name,
        country=country_of(country),
        identifiers=_numbers(registered),
    )


def _numbers(registered: Mapping[str, Any]) -> tuple[Identifier, ...]:
    """Read the number a company is registered under; ours only where it is on this register."""
    number = str(registered.get("registration_number") or "").strip().upper()
    if not number:
        return ()
    country = registered.get("country_registered")
    place = str(registered.get("place_registered") or "").casefold()
    british = country_of(country) == BRITISH if country else "companies house" in place
    ours = number.zfill(8) if number.isdigit() else number
    if british and problem("GB-COH", ours) is None:
        return (Identifier(scheme="GB-COH", value=ours),)
    return (Identifier(scheme="OTHER", value=number),)


def interest(nature: str, since: object = None) -> Interest:
    """Read one nature of control. More than 25 % and up to 50 % is the band 25 to 50."""
    kind = next((k for begins, k in _KINDS if nature.startswith(begins)), InterestKind.INFLUENCE)
    low = high = None
    if band := _BAND.search(nature):
        low, high, over = (float(n) if n else None for n in band.groups())
        low, high = (over, 100.0) if over is not None else (low, high)
    return Interest(
        kind=kind,
        min_pct=low,
        max_pct=high,
        trust="-trust" in nature,
        nominee="nominee" in nature,
        as_of=day(since),
    )


def born(birth: Mapping[str, Any] | None) -> str:
    """Write a date of birth as far as the register publishes it: YYYY-MM, or nothing."""
    if not birth or not birth.get("year"):
        return ""
    month = f"-{int(birth['month']):02d}" if birth.get("month") else ""
    return f"{int(birth['year']):04d}{month}"
