"""UK company register: profiles.

Contains public sector information licensed under the Open Government Licence v3.0 (Companies
House; but for Unilever as published by Open Ownership, March 2025). A field the sources do not
give is absent.
"""

Profile = dict[str, object]

UNILEVER: Profile = {
    "company_name": "UNILEVER PLC",
    "company_number": "00041424",
    "company_status": "active",
    "type": "plc",
    "jurisdiction": "england-wales",
    "date_of_creation": "1894-06-21",
    "sic_codes": ["70100"],
    "registered_office_address": {
        "address_line_1": "Port Sunlight",
        "address_line_2": "Wirral",
        "locality": "Merseyside",
        "postal_code": "CH62 4ZD",
    },
    "registered_office_is_in_dispute": False,
    "undeliverable_registered_office_address": False,
    "accounts": {
        "accounting_reference_date": {"day": "31", "month": "12"},
        "last_accounts": {
            "made_up_to": "2025-12-31",
            "period_start_on": "2025-01-01",
            "period_end_on": "2025-12-31",
            "type": "group",
        },
        "next_accounts": {
            "due_on": "2027-06-30",
            "overdue": False,
            "period_start_on": "2026-01-01",
            "period_end_on": "2026-12-31",
        },
        "next_due": "2027-06-30",
        "next_made_up_to": "2026-12-31",
        "overdue": False,
    },
    "confirmation_statement": {
        "last_made_up_to": "2025-06-12",
        "next_due": "2026-06-26",
        "next_made_up_to": "2026-06-12",
        "overdue": False,
    },
    "has_been_liquidated": False,
    "has_charges": False,
    "has_insolvency_history": False,
    "has_super_secure_pscs": False,
    "can_file": True,
    "links": {
        "self": "/company/00041424",
        "filing_history": "/company/00041424/filing-history",
        "officers": "/company/00041424/officers",
        "exemptions": "/company/00041424/exemptions",
    },
}

BANK_SADERAT: Profile = {
    "company_name": "BANK SADERAT PLC",
    "company_number": "01126618",
    # The bulk file it comes from lists live companies only; the word itself is not in it.
    "company_status": "active",
    "type": "plc",
    "date_of_creation": "1973-08-03",
    "registered_office_address": {
        "address_line_1": "5 Lothbury",
        "locality": "London",
        "country": "United Kingdom",
        "postal_code": "EC2R 7HD",
    },
    "links": {
        "self": "/company/01126618",
        "persons_with_significant_control": "/company/01126618/persons-with-significant-control",
    },
}


def _live(number: str, name: str, kind: str, created: str, lines: tuple[str, ...]) -> Profile:
    """Write a profile of what the bulk file holds: live companies, nothing of their accounts."""
    base = f"/company/{number}"
    address = {f"address_line_{n}": line for n, line in enumerate(lines, 1)}
    return {
        "company_name": name,
        "company_number": number,
        "company_status": "active",
        "type": kind,
        "date_of_creation": created,
        "registered_office_address": {
            **address,
            "locality": "London",
            "country": "United Kingdom",
            "postal_code": "W8 5TT",
        },
        "links": {
            "self": base,
            "persons_with_significant_control": f"{base}/persons-with-significant-control",
        },
    }


NORTHCLIFFE = ("Northcliffe House", "2 Derry Street, Kensington")
DMGT = _live("00184594", "DAILY MAIL AND GENERAL TRUST P L C", "plc", "1922-09-27", NORTHCLIFFE)
BELOW_DMGT = (
    _live("01693108", "DAILY MAIL AND GENERAL HOLDINGS LIMITED", "ltd", "1983-01-20", NORTHCLIFFE),
    _live("05765286", "DMG MEDIA LIMITED", "ltd", "2006-04-03", NORTHCLIFFE),
    _live("10644366", "NEW SCIENTIST LIMITED", "ltd", "2017-02-28", NORTHCLIFFE),
)
"""A chain of subsidiaries, each wholly owned by the one before it."""

OWNED: Profile = {
    "company_name": "WHARFSIDE TRADING LIMITED",
    "company_number": "09900001",
    "company_status": "active",
    "type": "ltd",
    "date_of_creation": "2015-03-02",
}
"""Invented, to have a company that a listed one owns."""

PROFILES: dict[str, Profile] = {
    "00041424": UNILEVER,
    "01126618": BANK_SADERAT,
    "00184594": DMGT,
    "09900001": OWNED,
    **{str(profile["company_number"]): profile for profile in BELOW_DMGT},
}
