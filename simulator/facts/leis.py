"""LEI records: GLEIF, CC0 1.0. Bank Saderat's as republished by Open Ownership (2025-02-28)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lei:
    """An LEI record. Empty means our source does not say.

    `exception` is the reason given for naming no parent. Bank Saderat's records were updated on
    2024-06-06 and are valid for a year from then, hence ISSUED at the date of the source.
    """

    lei: str
    name: str
    country: str
    lines: tuple[str, ...]
    city: str
    postcode: str
    published: str
    region: str = ""
    registered_as: str = ""
    authority: str = ""
    legal_form: str = ""
    created: str = ""
    first_registered: str = ""
    updated: str = ""
    next_renewal: str = ""
    issuer: str = ""
    status: str = "ACTIVE"
    registration: str = "ISSUED"
    parent: str = ""
    exception: str = ""


UNILEVER = Lei(
    lei="549300MKFYEKVRWML317",
    name="UNILEVER PLC",
    country="GB",
    lines=("PORT SUNLIGHT",),
    city="LIVERPOOL",
    region="GB-WRL",
    postcode="CH62 4ZD",
    published="2026-04-16T00:00:00Z",
    registered_as="00041424",
    authority="RA000585",
    legal_form="B6ES",
    created="1894-06-21T05:00:00Z",
    first_registered="2013-11-27T03:03:00Z",
    updated="2026-04-15T12:52:30Z",
    next_renewal="2027-05-26T00:00:00Z",
    issuer="213800WAVVOPS85N2205",
    # The record refers to an exception; widely held companies give this reason.
    exception="NO_KNOWN_PERSON",
)

BANK_SADERAT = Lei(
    lei="2138008KTNTDICZU8L25",
    name="BANK SADERAT PLC",
    country="GB",
    lines=("5 LOTHBURY",),
    city="LONDON",
    region="GB-LND",
    postcode="EC2R 7HD",
    published="2025-02-28T00:00:00Z",
    registered_as="01126618",
    authority="RA000585",
    updated="2024-06-06T00:00:00Z",
    parent="549300KBNGV4NYY3GE68",
)

BANK_SADERAT_IRAN = Lei(
    lei="549300KBNGV4NYY3GE68",
    name="BANK SADERAT IRAN",
    country="IR",
    lines=("SEPEHR TOWER", "43, SOMAYEH AVENUE"),
    city="TEHRAN",
    postcode="15718-38337",
    published="2025-02-28T00:00:00Z",
    created="1953-07-15T00:00:00Z",
    updated="2024-06-06T00:00:00Z",
)

LEIS = {record.lei: record for record in (UNILEVER, BANK_SADERAT, BANK_SADERAT_IRAN)}
