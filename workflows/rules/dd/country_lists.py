"""Dated lists: countries and industries of higher risk of laundering. Facts, with their source.

Looked up in November 2026 in published texts. No plenary of FATF after June 2026 and no change of
the Union's list after January 2026 was found there; `trusted` says how long that is relied on.
"""

from dataclasses import dataclass
from datetime import date, timedelta

PLENARIES = timedelta(days=183)
"""FATF decides in February, June and October: at most one of its meetings may have passed."""
YEAR = timedelta(days=366)


@dataclass(frozen=True)
class CountryList:
    """Countries (two letters) a body named on the day `as_of`; relied on for the time `trusted`."""

    name: str
    source: str
    as_of: date
    trusted: timedelta
    countries: frozenset[str]

    def trusted_on(self, day: date) -> bool:
        """Say whether the list is still relied on that day."""
        return day <= self.as_of + self.trusted


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


LISTS = (
    CountryList(
        "FATF call for action",
        "FATF plenary of 17-19 June 2026",
        date(2026, 6, 19),
        PLENARIES,
        _codes("IR KP MM"),
    ),
    CountryList(
        "FATF increased monitoring",
        "FATF plenary of 17-19 June 2026",
        date(2026, 6, 19),
        PLENARIES,
        _codes("AO BA BG BO CD CI CM HT IQ KE KW LA LB MC NP PG SS SY VE VG VN YE"),
    ),
    CountryList(
        "EU high-risk third countries",
        "Delegated Regulation (EU) 2016/1675 as amended by (EU) 2026/46 and 2026/83",
        date(2026, 1, 29),
        YEAR,
        _codes("AF AO BO CD CI CM DZ HT IR KE KP LA LB MC MM NA NP RU SS SY TT VE VG VN VU YE"),
    ),
)
"""A country under increased monitoring is a finding too: the list is no ban, but the Union and the
United Kingdom ask for a closer look at most of those on it.
"""

GUIDELINES = date(2021, 3, 1)
"""The EBA's guidelines on risk factors, EBA/GL/2021/02."""
INDUSTRIES = {
    "05": "coal mining",
    "06": "oil and gas extraction",
    "07": "metal ore mining",
    "08": "other mining",
    "09": "mining support",
    "2441": "precious metals",
    "2540": "weapons and ammunition",
    "3212": "jewellery",
    "4648": "wholesale of watches and jewellery",
    "4777": "retail of watches and jewellery",
    "6612": "security and commodity contracts brokerage",
    "6619": "other auxiliary financial services",
    "92": "gambling and betting",
}
"""NACE Rev. 2 (and so UK SIC 2007) codes by their first digits: trades those guidelines or
FATF's papers name as exposed to corruption, cash or secrecy. House policy, no law.
"""
