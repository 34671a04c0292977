"""Due diligence: Do country or industry call for a closer look? By dated lists. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from workflows.data.case_file import Party, Subject
from workflows.data.findings import SUBJECT, Check, CheckResult, FindingCode
from workflows.rules.dd.country_lists import GUIDELINES, INDUSTRIES, LISTS, CountryList
from workflows.rules.dd.sheet import Sheet, at_hand

NAMED = 5
"""So many parties without a country are named in a gap; the others are counted."""


@dataclass(frozen=True)
class Located:
    """A party and its country, empty if nobody knows it."""

    party_id: str
    name: str
    country: str


def located(party: Subject | Party) -> Located:
    """Give a party with the country the case file tells."""
    return Located(party.party_id, party.name, party.country or "")


def geography(
    parties: Iterable[Located],
    opened: date,
    industry: str = "",
    lists: Sequence[CountryList] = LISTS,
    party: str = SUBJECT,
) -> CheckResult:
    """Compare every party's country with the lists, as they are relied on the day of opening.

    A list past its time is a gap, whatever it says: its countries still are findings, but its
    silence clears nobody. `industry` is a NACE Rev. 2 or UK SIC 2007 code; `party` is whose sheet
    it is.
    """
    sheet = Sheet(Check.GEOGRAPHY, party)
    placed: dict[str, list[Located]] = defaultdict(list)
    for located in parties:
        placed[located.country].append(located)
    unknown = placed.pop("", [])
    for held in lists:
        _compare(sheet, held, placed, opened)
    if unknown:
        names = ", ".join(p.name for p in unknown[:NAMED])
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        sheet.gap(f"geography: no country is known of {names}{more}")
    _industry(sheet, industry)
    return sheet.result(1.0)


def _compare(
    sheet: Sheet, held: CountryList, placed: dict[str, list[Located]], opened: date
) -> None:
    on_it = sorted(set(placed) & held.countries)
    told = ", ".join(on_it) if on_it else f"none of {', '.join(sorted(placed)) or 'no country'}"
    seen = sheet.note(at_hand(held.source, held.as_of), held.name, f"on the list: {told}")
    if not held.trusted_on(opened):
        days = held.trusted.days
        sheet.gap(
            f"geography: the list {held.name} is of {held.as_of}, and was relied on for {days}"
            " days; renew it in rules/dd/country_lists.py"
        )
    for country in on_it:
        for party in placed[country]:
            sheet.find(
                FindingCode.HIGH_RISK_COUNTRY,
                f"{party.name}: {country} is on the list {held.name} of {held.as_of}",
                seen,
                party=party.party_id,
            )


def _industry(sheet: Sheet, code: str) -> None:
    digits = re.sub(r"\D", "", code)
    risky = next((n for n in (4, 3, 2) if digits[:n] in INDUSTRIES), 0)
    if not digits:
        return
    trade = INDUSTRIES.get(digits[:risky], "")
    listed = at_hand("industries of higher risk (EBA/GL/2021/02)", GUIDELINES)
    seen = sheet.note(listed, code, trade or "not of higher risk")
    if trade:
        summary = f"industry {code} is of higher risk: {trade}"
        sheet.find(FindingCode.HIGH_RISK_INDUSTRY, summary, seen)
