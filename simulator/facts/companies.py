"""UK company register: profiles, controllers, exemptions.

Contains public sector information licensed under the Open Government Licence v3.0 (Companies
House; controllers as published by Open Ownership, March 2025). A field the sources do not give
is absent. Persons appear as kinds of control only.
"""

UNILEVER: dict[str, object] = {
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

BANK_SADERAT: dict[str, object] = {
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

PROFILES = {"00041424": UNILEVER, "01126618": BANK_SADERAT}

CONTROLLERS: dict[str, list[dict[str, object]]] = {
    "01126618": [
        {
            "kind": "individual-person-with-significant-control",
            "natures_of_control": ["significant-influence-or-control"],
            "notified_on": "2024-10-19",
            "ceased": False,
        },
        {
            "kind": "individual-person-with-significant-control",
            "natures_of_control": ["significant-influence-or-control"],
            "notified_on": "2022-11-16",
            "ceased_on": "2024-10-04",
            "ceased": True,
        },
    ]
}

# The profile links to its exemptions; since when it is exempt, and under which heading, is not
# in our source: the heading is the one for shares traded on a UK regulated market.
EXEMPTIONS: dict[str, dict[str, object]] = {
    "00041424": {
        "psc_exempt_as_trading_on_uk_regulated_market": {
            "exemption_type": "psc-exempt-as-trading-on-uk-regulated-market",
            "items": [{}],
        }
    }
}
