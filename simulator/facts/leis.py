"""LEI records: GLEIF, CC0 1.0. All but Unilever's as republished by Open Ownership (2025-02-28)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lei:
    """An LEI record. Empty means our source does not say.

    `parent` is the direct parent, `ultimate` the one at the top where it is another; `exception`
    is the reason given for naming none. Neither: our source does not say, and GLEIF answers 404
    to both questions. Records updated on 2024-06-06 or later are valid for a year from then,
    hence ISSUED at the date of the source.
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
    ultimate: str = ""
    exception: str = ""
    language: str = "en"


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

ROSNEFT_DEUTSCHLAND = Lei(
    lei="391200PKEUF3Y2NUMW25",
    name="Rosneft Deutschland GmbH",
    country="DE",
    lines=("Behrenstraße 18",),
    city="Berlin",
    postcode="10117",
    published="2025-02-28T00:00:00Z",
    registered_as="HRB 184025",
    created="2016-02-24T00:00:00Z",
    updated="2024-06-06T00:00:00Z",
    parent="253400JT3MQWNDKMJE44",
    language="de",
)

ROSNEFT = Lei(
    lei="253400JT3MQWNDKMJE44",
    name='публичное акционерное общество "Нефтяная компания "Роснефть"',
    country="RU",
    lines=("набережная Софийская, дом 26/1",),
    city="Москва",
    region="RU-MOW",
    postcode="115035",
    published="2025-02-28T00:00:00Z",
    registered_as="1027700043502",
    created="1995-12-07T00:00:00Z",
    updated="2024-11-08T00:00:00Z",
    language="ru",
)

DMGT = Lei(
    lei="4OFD47D73QFJ1T1MOF29",
    name="DAILY MAIL AND GENERAL TRUST P L C",
    country="GB",
    lines=("NORTHCLIFFE HOUSE", "2 DERRY STREET"),
    city="LONDON",
    region="GB-KEC",
    postcode="W8 5TT",
    published="2025-02-28T00:00:00Z",
    registered_as="00184594",
    authority="RA000585",
    created="1922-09-27T00:00:00Z",
    updated="2024-10-08T00:00:00Z",
)

DMG_HOLDINGS = Lei(
    lei="549300E13J5YVGT4E586",
    name="DAILY MAIL AND GENERAL HOLDINGS LIMITED",
    country="GB",
    lines=("NORTHCLIFFE HOUSE", "2 DERRY STREET KENSINGTON"),
    city="LONDON",
    region="GB-LND",
    postcode="W8 5TT",
    published="2025-02-28T00:00:00Z",
    registered_as="01693108",
    authority="RA000585",
    created="1983-01-20T00:00:00Z",
    updated="2024-10-08T00:00:00Z",
    parent="4OFD47D73QFJ1T1MOF29",
    ultimate="213800AE1BBT5FYQGO52",
)

ROTHERMERE_CONTINUATION = Lei(
    lei="213800AE1BBT5FYQGO52",
    name="ROTHERMERE CONTINUATION LIMITED",
    country="JE",
    lines=("35-37 NEW STREET",),
    city="ST HELIER",
    postcode="JE2 3RA",
    published="2025-02-28T00:00:00Z",
    registered_as="41260",
    created="1988-07-07T00:00:00Z",
    updated="2025-01-09T00:00:00Z",
)

LEIS = {
    record.lei: record
    for record in (
        UNILEVER,
        BANK_SADERAT,
        BANK_SADERAT_IRAN,
        ROSNEFT_DEUTSCHLAND,
        ROSNEFT,
        DMGT,
        DMG_HOLDINGS,
        ROTHERMERE_CONTINUATION,
    )
}
