"""SEC registrants: filings and figures. SEC EDGAR, public domain.

Only part of what each filed: for Carbo Ceramics the filings from mid-2019 to its end that tell
its story, for Wolfspeed those from May 2025 to March 2026 and every one on insolvency, for
Snowflake the reports its figures were taken from. No list is complete.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Filed:
    """One filing; `items` as the 8-K's comma-separated item numbers."""

    form: str
    filed: str
    accession: str
    items: str = ""
    report: str = ""
    document: str = ""


@dataclass(frozen=True)
class Registrant:
    """A registrant, its filings newest first. Empty means our source does not say."""

    cik: str
    name: str
    filings: tuple[Filed, ...]
    kind: str = "operating"
    sic: str = ""
    sic_text: str = ""
    ein: str = ""
    category: str = ""
    state: str = ""
    fiscal_year_end: str = ""
    street: tuple[str, str] = ("", "")
    city: str = ""
    region: str = ""
    zip_code: str = ""
    phone: str = ""


CARBO = Registrant(
    cik="0001009672",
    name="CARBO CERAMICS INC",
    sic="3290",
    sic_text="Abrasive, Asbestos & Misc Nonmetallic Mineral Prods",
    ein="721100013",
    category="Non-accelerated filer<br>Smaller reporting company",
    state="DE",
    fiscal_year_end="1231",
    street=("575 NORTH DAIRY ASHFORD", "SUITE 300"),
    city="HOUSTON",
    region="TX",
    zip_code="77079",
    phone="2819216400",
    filings=(
        Filed("15-12B", "2020-12-30", "0001193125-20-329449"),
        Filed("15-15D", "2020-06-22", "0001564590-20-030114"),
        Filed("8-K", "2020-06-22", "0001564590-20-030074", "1.01", "2020-06-18"),
        Filed("10-K", "2020-05-15", "0001564590-20-025870", "", "2019-12-31"),
        Filed("8-K", "2020-04-27", "0001564590-20-018611", "1.01,7.01,9.01", "2020-04-21"),
        Filed("8-K", "2020-04-03", "0001564590-20-015270", "1.01,1.03,2.03,9.01", "2020-03-30"),
        Filed("NT 10-K", "2020-03-30", "0001564590-20-013837", "", "2019-12-31"),
        Filed(
            "8-K",
            "2020-03-30",
            "0001564590-20-013833",
            "1.01,1.03,2.04,7.01,8.01,9.01",
            "2020-03-28",
        ),
        Filed("8-K", "2020-02-06", "0001564590-20-003701", "1.01", "2020-01-31"),
        Filed("8-K", "2020-01-27", "0001564590-20-002056", "4.01,9.01", "2020-01-21"),
        Filed("25-NSE", "2020-01-10", "0000876661-20-000021"),
        Filed("8-K", "2019-12-20", "0001564590-19-046558", "3.01,7.01,9.01", "2019-12-20"),
        Filed("8-K", "2019-12-13", "0001564590-19-045962", "3.01,9.01", "2019-12-10"),
        Filed("10-Q", "2019-11-08", "0001564590-19-042312", "", "2019-09-30"),
        Filed("10-Q", "2019-07-25", "0001564590-19-026018", "", "2019-06-30"),
    ),
)

WOLFSPEED = Registrant(
    cik="0000895419",
    name="WOLFSPEED, INC.",
    sic="3674",
    sic_text="Semiconductors & Related Devices",
    ein="561572719",
    category="Large accelerated filer",
    state="DE",
    fiscal_year_end="0629",
    street=("4600 SILICON DR", ""),
    city="DURHAM",
    region="NC",
    zip_code="27703",
    phone="9194075300",
    filings=(
        Filed(
            "8-K", "2026-03-26", "0001193125-26-126483", "1.01,2.03,3.02,8.01,9.01", "2026-03-26"
        ),
        Filed(
            "8-K", "2026-03-19", "0001193125-26-116036", "1.01,2.03,3.02,8.01,9.01", "2026-03-19"
        ),
        Filed("8-K", "2026-03-09", "0001193125-26-098608", "8.01,9.01", "2026-03-09"),
        Filed("10-Q", "2026-02-06", "0000895419-26-000016", "", "2025-12-28"),
        Filed("8-K", "2026-02-04", "0000895419-26-000012", "2.02,9.01", "2026-02-04"),
        Filed("8-K", "2026-01-30", "0001193125-26-030582", "3.02,5.02,8.01,9.01", "2026-01-29"),
        Filed("8-K", "2025-12-01", "0000895419-25-000134", "7.01,9.01", "2025-12-01"),
        Filed("8-K", "2025-11-13", "0001193125-25-280307", "8.01,9.01", "2025-11-13"),
        Filed("10-Q", "2025-11-07", "0000895419-25-000132", "", "2025-09-28"),
        Filed("8-K", "2025-10-29", "0000895419-25-000124", "2.02,9.01", "2025-10-29"),
        Filed(
            "8-K",
            "2025-09-30",
            "0001193125-25-224251",
            "1.01,1.02,1.03,2.03,3.02,3.03,5.01,5.02,5.03,7.01,9.01",
            "2025-09-29",
        ),
        Filed("8-K", "2025-09-29", "0001193125-25-223057", "8.01", "2025-09-29"),
        Filed("25-NSE", "2025-09-29", "0000876661-25-000713"),
        Filed("8-K", "2025-09-24", "0001193125-25-215405", "8.01", "2025-09-24"),
        Filed("8-K", "2025-09-10", "0001193125-25-199310", "1.03,7.01,9.01", "2025-09-08"),
        Filed("10-K", "2025-08-26", "0000895419-25-000110", "", "2025-06-29"),
        Filed("8-K", "2025-08-25", "0000895419-25-000107", "2.02,9.01", "2025-08-25"),
        Filed("8-K", "2025-07-07", "0001193125-25-155874", "5.02,7.01,9.01", "2025-07-06"),
        Filed("8-K", "2025-07-01", "0001193125-25-153145", "1.03,2.04,7.01,9.01", "2025-06-30"),
        Filed(
            "8-K", "2025-06-23", "0001193125-25-144083", "1.01,2.03,7.01,8.01,9.01", "2025-06-16"
        ),
        Filed("8-K", "2025-05-23", "0000895419-25-000076", "5.02,7.01,9.01", "2025-05-22"),
        Filed("10-Q", "2025-05-09", "0000895419-25-000071", "", "2025-03-30"),
        Filed("8-K", "2025-05-08", "0000895419-25-000060", "7.01,9.01", "2025-05-08"),
        Filed("8-K", "2025-05-08", "0000895419-25-000059", "2.02,9.01", "2025-05-08"),
        Filed("8-K", "2021-12-08", "0000895419-21-000149", "2.04,9.01", "2021-12-08"),
    ),
)

SNOWFLAKE = Registrant(
    cik="0001640147",
    name="SNOWFLAKE INC.",
    filings=(
        Filed("10-Q", "2025-05-30", "0001640147-25-000110", "", "2025-04-30"),
        Filed("10-K", "2025-03-21", "0001640147-25-000052", "", "2025-01-31"),
        Filed("10-K", "2024-03-26", "0001640147-24-000101", "", "2024-01-31"),
    ),
)

REGISTRANTS = {registrant.cik: registrant for registrant in (CARBO, WOLFSPEED, SNOWFLAKE)}


@dataclass(frozen=True)
class Figure:
    """One reported figure in US dollars; `start` empty for a figure at a date."""

    concept: str
    end: str
    value: int
    start: str = ""


ANNUAL = {
    "0001640147-24-000101": ("10-K", "2024-03-26", 2024),
    "0001640147-25-000052": ("10-K", "2025-03-21", 2025),
}
"""Annual reports the figures stand in: form, day filed, fiscal year as EDGAR counts it."""


def _balance(concept: str, **ends: int) -> tuple[Figure, ...]:
    return tuple(Figure(concept, f"{year[1:]}-01-31", value) for year, value in ends.items())


def _year(concept: str, **ends: int) -> tuple[Figure, ...]:
    return tuple(
        Figure(concept, f"{year[1:]}-01-31", value, start=f"{int(year[1:]) - 1}-02-01")
        for year, value in ends.items()
    )


SNOWFLAKE_FIGURES = (
    *_balance("Assets", y2024=8_223_383_000, y2025=9_033_938_000),
    *_balance("AssetsCurrent", y2024=5_039_264_000, y2025=5_869_372_000),
    *_balance("Liabilities", y2024=3_032_789_000, y2025=6_027_295_000),
    *_balance("LiabilitiesCurrent", y2024=2_731_230_000, y2025=3_301_183_000),
    *_balance("StockholdersEquity", y2024=5_180_308_000, y2025=2_999_929_000),
    *_balance("RetainedEarningsAccumulatedDeficit", y2024=-4_075_604_000, y2025=-7_293_575_000),
    *_balance("CashAndCashEquivalentsAtCarryingValue", y2024=1_762_749_000, y2025=2_628_798_000),
    *_balance("AccountsReceivableNetCurrent", y2024=926_902_000, y2025=922_805_000),
    *_balance("AccountsPayableCurrent", y2024=51_721_000, y2025=169_767_000),
    *_balance("Goodwill", y2024=975_906_000, y2025=1_056_559_000),
    *_balance("IntangibleAssetsNetExcludingGoodwill", y2024=331_411_000, y2025=278_028_000),
    *_balance("ConvertibleDebtNoncurrent", y2024=0, y2025=2_271_529_000),
    *_balance("MinorityInterest", y2024=10_286_000, y2025=6_714_000),
    *_year("OperatingIncomeLoss", y2024=-1_094_773_000, y2025=-1_456_010_000),
    *_year(
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        y2024=2_806_489_000,
        y2025=3_626_396_000,
    ),
    *_year("CostOfGoodsAndServicesSold", y2024=898_558_000, y2025=1_214_673_000),
    *_year("NetIncomeLoss", y2024=-836_097_000, y2025=-1_285_640_000),
    *_year("InterestExpenseNonoperating", y2024=0, y2025=2_759_000),
    *_year("DepreciationDepletionAndAmortization", y2024=119_903_000, y2025=182_508_000),
    *_year("NetCashProvidedByUsedInOperatingActivities", y2024=848_122_000, y2025=959_764_000),
)

FIGURES = {"0001640147": SNOWFLAKE_FIGURES}
"""Figures by registrant; a registrant not named here has none, as EDGAR answers 404."""
