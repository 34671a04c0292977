"""OFAC: what its remarks say in a fixed wording. They are the only place of most attributes."""

import re

from activities.sources.countries import country_of
from workflows.data.sources import Identifier

NUMBERS = {
    "GB-COH": re.compile(
        r"UK Company Number\s+([A-Z0-9]+)|Company Number\s+([A-Z0-9]+) \(United Kingdom\)"
    ),
    "LEI": re.compile(r"Legal Entity (?:Number|Identifier)\s+([A-Z0-9]{20})\b"),
}
"""How the remarks write identifiers of the schemes we know."""
_WEAK = re.compile(r"\b[afn]\.k\.a\. '([^']{1,200})'")
_BORN = re.compile(r"DOB (circa )?(?:(?:(\d{1,2}) )?([A-Z][a-z]{2}) )?(\d{4})(?= *[;.]|$)")
_OF = re.compile(r"(?:nationality|citizen) ([^;]+?)\.?(?=;|$)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def identifiers(remarks: str) -> tuple[Identifier, ...]:
    """Give the identifiers of known schemes, each under its own label."""
    return tuple(
        Identifier(scheme=scheme, value=next(filter(None, found.groups())))
        for scheme, pattern in NUMBERS.items()
        for found in pattern.finditer(remarks)
    )


def weak_names(remarks: str) -> tuple[str, ...]:
    """Give the aliases that stand here instead of in the file of aliases: OFAC's weak ones."""
    return tuple(_WEAK.findall(remarks))


def births(remarks: str) -> tuple[str, ...]:
    """Give dates of birth as far as they are exact: the year alone where it is "circa" or alone.

    Ranges of years say too little and are left out.
    """
    found = []
    for circa, day, month, year in _BORN.findall(remarks):
        if circa or month not in _MONTHS:
            found.append(year)
            continue
        number = f"{year}-{_MONTHS.index(month) + 1:02}"
        found.append(f"{number}-{int(day):02}" if day else number)
    return tuple(found)


def nationalities(remarks: str) -> tuple[str, ...]:
    """Give nationalities in two letters, as far as their names are known here."""
    codes = (country_of(name) for name in _OF.findall(remarks))
    return tuple(dict.fromkeys(filter(None, codes)))
