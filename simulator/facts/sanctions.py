"""A dozen company rows of the US Treasury's SDN list: a sample of mid-2021, not for real
screening. Work of the US government, public domain. Rows of persons are left out.
"""

from dataclasses import dataclass

AS_OF = "2021-06-30"
"""The sample is of about that time."""

SECONDARY = "Additional Sanctions Information - Subject to Secondary Sanctions"


@dataclass(frozen=True)
class Row:
    """One row: entry number, name, programmes, the remarks' parts, identifiers as
    (label, value), and former or other names.
    """

    entry: int
    name: str
    programs: tuple[str, ...]
    remarks: tuple[str, ...]
    registrations: tuple[str, ...] = ()
    country: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """The remarks column."""
        return "; ".join(self.remarks) + "."


ROWS = (
    Row(
        4642,
        "BANK SADERAT PLC",
        ("IRAN", "SDGT", "IFSR"),
        (SECONDARY, "UK Company Number 01126618 (United Kingdom)", "all offices worldwide"),
        registrations=("01126618",),
        country="gb",
        aliases=(
            "IRAN OVERSEAS INVESTMENT BANK PLC",
            "IRAN OVERSEAS INVESTMENT CORPORATION LIMITED",
            "IRAN OVERSEAS INVESTMENT BANK LIMITED",
        ),
    ),
    Row(
        10368,
        "BANK SADERAT IRAN",
        ("IRAN", "SDGT", "IFSR"),
        (SECONDARY, "all offices worldwide"),
        aliases=("IRAN EXPORT BANK",),
    ),
    Row(
        25019,
        "BANK MELLAT",
        ("IRAN", "SDGT", "IFSR"),
        (
            "SWIFT/BIC BKMTIRTH",
            "Website www.bankmellat.ir",
            SECONDARY,
            "All Branches Worldwide",
            "Linked To: MEHR EQTESAD BANK",
        ),
    ),
    Row(
        25420,
        "MELLI BANK PLC",
        ("SDGT", "IFSR"),
        (
            "SWIFT/BIC MELIGB2L",
            "alt. SWIFT/BIC MELIHKHH",
            "Website www.mellibank.com",
            SECONDARY,
            "All Offices Worldwide",
            "Linked To: BANK MELLI IRAN",
        ),
    ),
    Row(
        25440,
        "BANK SEPAH INTERNATIONAL PLC",
        ("NPWMD", "IFSR"),
        (
            "SWIFT/BIC SEPBGB2L",
            "Website www.banksepah.co.uk",
            "alt. Website www.banksepah.com",
            SECONDARY,
            "Linked To: BANK SEPAH",
        ),
    ),
    Row(
        25580,
        "BANK SEPAH",
        ("IRAN", "NPWMD", "IFSR"),
        (
            "SWIFT/BIC SEPBIRTH",
            "Website www.banksepah.ir",
            "alt. Website www.banksepah.de",
            SECONDARY,
            "Registration Number 4293",
            "All Offices Worldwide",
            "Linked To: MINISTRY OF DEFENSE AND ARMED FORCES LOGISTICS",
        ),
        registrations=("4293",),
    ),
    Row(
        25618,
        "POST BANK OF IRAN",
        ("IRAN", "NPWMD", "IFSR"),
        (
            "SWIFT/BIC PBIRIRTH",
            "Website www.postbank.ir",
            SECONDARY,
            "All Offices Worldwide",
            "Linked To: BANK SEPAH",
        ),
    ),
    Row(
        25677,
        "BANK TEJARAT",
        ("IRAN", "SDGT", "NPWMD", "IFSR"),
        (
            "SWIFT/BIC BTEJIRTH",
            "Website www.tejaratbank.ir",
            SECONDARY,
            "Registration Number 38027",
            "alt. Registration Number 8828215",
            "All Offices Worldwide",
            "Linked To: MAHAN AIR",
            "Linked To: BANK SEPAH",
        ),
        registrations=("38027", "8828215"),
    ),
    Row(
        25679,
        "PERSIA INTERNATIONAL BANK PLC",
        ("SDGT", "IFSR"),
        (
            "SWIFT/BIC PIBPGB2L",
            "Website www.persiabank.co.uk",
            SECONDARY,
            "Registration Number 4218020 (United Kingdom)",
            "All Offices Worldwide",
            "Linked To: BANK MELLAT",
        ),
        registrations=("4218020",),
        country="gb",
    ),
    Row(
        25680,
        "MELLAT BANK CLOSED JOINT-STOCK COMPANY",
        ("SDGT", "IFSR"),
        (
            "SWIFT/BIC BKMTAM22",
            "Website www.mellatbank.am",
            SECONDARY,
            "All Offices Worldwide",
            "Linked To: BANK MELLAT",
        ),
    ),
    Row(
        25681,
        "FIRST EAST EXPORT BANK PLC",
        ("SDGT", "IFSR"),
        ("SWIFT/BIC FEEBMYKA", SECONDARY, "All Offices Worldwide", "Linked To: BANK MELLAT"),
    ),
    Row(
        25685,
        "BANK OF INDUSTRY AND MINE",
        ("IRAN", "NPWMD", "IFSR"),
        (
            "SWIFT/BIC BOIMIRTH",
            "Website www.bim.ir",
            SECONDARY,
            "Registration Number 38705 (Iran)",
            "All Offices Worldwide",
            "a.k.a. 'BIM'",
            "Linked To: BANK SEPAH",
        ),
        registrations=("38705",),
        country="ir",
    ),
)
