"""UK company register: who controls and who runs a company, and who may not run one.

Contains public sector information licensed under the Open Government Licence v3.0 (Companies
House; controllers as published by Open Ownership, March 2025): kinds of control, dates, month of
birth and nationality. Every natural person's name here is invented: the register publishes real
ones, and a product needs somebody to screen, not them. Officers and bans are invented throughout.
"""

INFLUENCE = "significant-influence-or-control"
SHARES = "ownership-of-shares-75-to-100-percent"
VOTES = "voting-rights-75-to-100-percent"
BOARD = "right-to-appoint-and-remove-directors"

Entry = dict[str, object]


def _person(
    name: str,
    natures: tuple[str, ...],
    notified: str,
    ceased: str = "",
    born: str = "",
    nationality: str = "",
) -> Entry:
    known: Entry = {
        "kind": "individual-person-with-significant-control",
        "name": name,
        "natures_of_control": list(natures),
        "notified_on": notified,
        "ceased": bool(ceased),
    }
    if ceased:
        known["ceased_on"] = ceased
    if born:
        year, month = born.split("-")
        known["date_of_birth"] = {"year": int(year), "month": int(month)}
    if nationality:
        known["nationality"] = nationality
    return known


def _company(name: str, number: str, notified: str) -> Entry:
    registered = {
        "country_registered": "England And Wales",
        "legal_authority": "Companies Act 2006",
        "legal_form": "Limited By Shares",
        "place_registered": "Companies House",
        "registration_number": number,
    }
    return {
        "kind": "corporate-entity-person-with-significant-control",
        "name": name,
        "identification": registered,
        "natures_of_control": [SHARES, VOTES, BOARD],
        "notified_on": notified,
        "ceased": False,
    }


CONTROLLERS: dict[str, list[Entry]] = {
    "01126618": [
        _person("Mr Arman Example", (INFLUENCE,), "2024-10-19"),
        _person("Mr Dara Specimen", (INFLUENCE,), "2022-11-16", "2024-10-04"),
    ],
    "00184594": [
        _person("Mr Edwin Hartley Ames", (VOTES,), "2016-04-06", "", "1938-07", "Canadian"),
        _person("Mr Peter Alan Whitcombe", (VOTES,), "2016-04-06", "", "1955-06", "British"),
        _person(
            "Lord Adrian Thorne", (f"{VOTES}-as-trust",), "2016-05-11", "", "1967-12", "British"
        ),
        _person("Mrs Nora Kinsella", (VOTES,), "2016-05-11", "", "1978-06", "Irish"),
        _person("Mr Lucien Marchand", (VOTES,), "2016-04-06", "", "1963-10", "Canadian"),
        _person("Lady Helen Thorne", (VOTES,), "2016-04-06", "2016-05-11", "1967-05", "British"),
    ],
    "01693108": [_company("Daily Mail And General Trust P L C", "184594", "2016-04-06")],
    "05765286": [_company("Daily Mail And General Holdings Limited", "1693108", "2016-04-06")],
    # Invented: no company that a listed one owns is among the real ones here.
    "09900001": [_company("Bank Saderat PLC", "1126618", "2018-02-01")],
    "10644366": [_company("Dmg Media Limited", "05765286", "2022-03-10")],
}

# The profile links to its exemptions; since when it is exempt, and under which heading, is not
# in our source: the heading is the one for shares traded on a UK regulated market.
EXEMPTIONS: dict[str, Entry] = {
    "00041424": {
        "psc_exempt_as_trading_on_uk_regulated_market": {
            "exemption_type": "psc-exempt-as-trading-on-uk-regulated-market",
            "items": [{}],
        }
    }
}


def _officer(name: str, role: str, appointed: str, born: str = "", resigned: str = "") -> Entry:
    known: Entry = {"name": name, "officer_role": role, "appointed_on": appointed}
    if resigned:
        known["resigned_on"] = resigned
    if born:
        year, month = born.split("-")
        known["date_of_birth"] = {"year": int(year), "month": int(month)}
    return known


OFFICERS: dict[str, list[Entry]] = {
    "01126618": [
        _officer("SAMPLE, Kamran", "director", "2019-03-01", "1961-02"),
        _officer("SECRETARIES OF EXAMPLE LIMITED", "corporate-secretary", "2015-06-01"),
    ],
    "00184594": [
        _officer("WREN, Margaret Alice", "director", "2018-01-15", "1966-09"),
        _officer("COLLIER, Thomas", "director", "2020-05-04", "1971-11"),
        _officer("AMES, Edwin Hartley", "director", "2009-07-01", "1938-07", "2021-12-31"),
    ],
}

BANNED: dict[str, Entry] = {
    "b1": {
        "forename": "Victor",
        "surname": "BLACKWOOD",
        "date_of_birth": "1969-04-12",
        "nationality": "British",
        "disqualifications": [
            {
                "disqualified_from": "2023-05-01",
                "disqualified_until": "2031-04-30",
                "disqualification_type": "undertaking",
                "case_identifier": "INV0000001",
                "company_names": ["BLACKWOOD INVENTED TRADING LIMITED"],
                "reason": {
                    "act": "company-directors-disqualification-act-1986",
                    "section": "7",
                    "description_identifier": "unfit-conduct",
                },
            }
        ],
    },
    "b2": {
        "forename": "Thomas",
        "surname": "COLLIER",
        "date_of_birth": "1948-02-20",
        "disqualifications": [
            {
                "disqualified_from": "1999-01-10",
                "disqualified_until": "2006-01-09",
                "reason": {"act": "company-directors-disqualification-act-1986"},
            }
        ],
    },
}
"""Bans by officer id: one in force, and an ended one of somebody who shares a director's name."""
