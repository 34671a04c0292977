"""Sixty entries of the US Treasury's SDN list: a sample of mid-2021, not for real screening.

Work of the US government, public domain. Numbers of persons' papers, mails and phones are left out.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

AS_OF = "2021-06-30"
"""The sample is of about that time."""

_FILE = Path(__file__).with_name("sanctions.csv")
_NUMBER = re.compile(r"(?:Registration|Company|Commerce) Number (\S+)(?: \(([^)]+)\))?")
_LEI = re.compile(r"Legal Entity Number ([A-Z0-9]{20})")
_BORN = re.compile(r"DOB (\d\d) (\w{3}) (\d{4})(?=;|$)")
_OF = re.compile(r"(?:nationality|citizen) ([^;]+)")
_WEAK = re.compile(r"a\.k\.a\. '([^']+)'")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
CODES = {
    "Afghanistan": "af",
    "Armenia": "am",
    "Belarus": "by",
    "Belgium": "be",
    "Bulgaria": "bg",
    "Cuba": "cu",
    "Cyprus": "cy",
    "France": "fr",
    "Germany": "de",
    "Hong Kong": "hk",
    "Iran": "ir",
    "Israel": "il",
    "Malaysia": "my",
    "Netherlands": "nl",
    "Russia": "ru",
    "Sudan": "sd",
    "Switzerland": "ch",
    "Syria": "sy",
    "United Kingdom": "gb",
    "Venezuela": "ve",
}
"""Codes of the countries the sample names most."""


@dataclass(frozen=True)
class Row:
    """One entry: number, name, programmes, the remarks' parts, other names, countries of its
    addresses in words. `kind` is `individual` for a person, else empty.
    """

    entry: int
    kind: str
    name: str
    programs: tuple[str, ...]
    remarks: tuple[str, ...]
    aliases: tuple[str, ...]
    countries: tuple[str, ...]

    @property
    def remark(self) -> str:
        """The remarks column."""
        return "; ".join(self.remarks) + "." if self.remarks else ""

    @property
    def person(self) -> bool:
        """Say whether it is a person."""
        return self.kind == "individual"

    @property
    def registrations(self) -> tuple[str, ...]:
        """Numbers in company registers."""
        return tuple(number for number, _ in _NUMBER.findall(self.remark))

    @property
    def lei(self) -> tuple[str, ...]:
        """Legal entity identifiers."""
        return tuple(_LEI.findall(self.remark))

    @property
    def country(self) -> str:
        """Code of the country whose register knows it; empty if the remarks name none."""
        named = (country for _, country in _NUMBER.findall(self.remark))
        return next((CODES[country] for country in named if country in CODES), "")

    @property
    def born(self) -> tuple[str, ...]:
        """Dates of birth, where they are exact."""
        found = _BORN.findall("; ".join(self.remarks))
        return tuple(f"{y}-{_MONTHS.index(m) + 1:02}-{d}" for d, m, y in found)

    @property
    def weak(self) -> tuple[str, ...]:
        """Aliases that stand in the remarks only."""
        return tuple(_WEAK.findall(self.remark))

    @property
    def nationalities(self) -> tuple[str, ...]:
        """Codes of nationalities."""
        named = _OF.findall("; ".join(self.remarks))
        return tuple(CODES[country] for country in named if country in CODES)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("; ") if part)


def _rows() -> tuple[Row, ...]:
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Row(
                entry=int(row["entry"]),
                kind=row["kind"],
                name=row["name"],
                programs=tuple(row["programmes"].split()),
                remarks=_parts(row["remarks"]),
                aliases=_parts(row["aliases"]),
                countries=_parts(row["countries"]),
            )
            for row in csv.DictReader(file)
        )


ROWS = _rows()
