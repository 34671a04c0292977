"""Each fact written down by hand agrees with the public records it was taken from."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from simulator.exchange import Asked
from simulator.facts.companies import BANK_SADERAT, CONTROLLERS, PROFILES, UNILEVER
from simulator.facts.leis import BANK_SADERAT as BANK_LEI
from simulator.facts.leis import BANK_SADERAT_IRAN, LEIS, Lei
from simulator.facts.leis import UNILEVER as UNILEVER_LEI
from simulator.facts.registrants import ANNUAL, CARBO, SNOWFLAKE, SNOWFLAKE_FIGURES
from simulator.facts.sanctions import ROWS
from simulator.sources.gleif import SERVICE as GLEIF
from workflows.data.identifiers import problem

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared(name: str) -> Path:
    path = SHARED / "data" / "dd" / name
    if not path.exists():
        missing = f"{name} is not beside this checkout"
        if os.environ.get("CI") == "true" and SHARED.exists():
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def read(name: str) -> Any:
    return json.loads(shared(name).read_text(encoding="utf-8"))


def statements(name: str) -> list[Any]:
    return [json.loads(line) for line in shared(name).read_text(encoding="utf-8").splitlines()]


def agrees(ours: object, theirs: object, path: str = "") -> None:
    """Everything we wrote stands in the record; the record may hold more."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            assert name in theirs, f"{path}.{name} is not in the record"
            agrees(value, theirs[name], f"{path}.{name}")
    else:
        assert ours == theirs, path


def test_unilever_agrees_with_the_register() -> None:
    agrees(UNILEVER, read("companies_house/company_00041424_unilever.json"))


def test_unilever_agrees_with_gleif() -> None:
    record = read("gleif/lei_record_549300MKFYEKVRWML317_unilever.json")["data"]
    reply = GLEIF.answer(Asked("gleif", "GET", f"/api/v1/lei-records/{UNILEVER_LEI.lei}"))
    assert isinstance(reply.body, dict)
    data = reply.body["data"]
    agrees(data["attributes"], record["attributes"])
    for level in ("direct-parent", "ultimate-parent"):
        links = record["relationships"][level]["links"]
        assert list(links) == list(data["relationships"][level]["links"])
        assert links["reporting-exception"].endswith(f"{level}-reporting-exception")


def test_bank_saderat_agrees_with_the_register() -> None:
    entity, *others = statements("opencheck/uk_psc_bods/01126618.jsonl")
    details = entity["recordDetails"]
    assert details["name"] == BANK_SADERAT["company_name"]
    assert details["foundingDate"] == BANK_SADERAT["date_of_creation"]
    assert [i["id"] for i in details["identifiers"]] == [BANK_SADERAT["company_number"]]
    address = BANK_SADERAT["registered_office_address"]
    assert isinstance(address, dict)
    assert details["addresses"][0]["postCode"] == address["postal_code"]
    written = f"{address['address_line_1']}, {address['locality']}".upper()
    assert details["addresses"][0]["address"] == written
    controls = [o["recordDetails"] for o in others if o["recordType"] == "relationship"]
    dates = {(c["interests"][0]["startDate"], c["interests"][0].get("endDate")) for c in controls}
    ours = CONTROLLERS["01126618"]
    assert dates == {(c["notified_on"], c.get("ceased_on")) for c in ours}
    for control in ours:
        assert isinstance(control["natures_of_control"], list)
        for nature in control["natures_of_control"]:
            assert all(nature in c["interests"][0]["details"] for c in controls)


@pytest.mark.parametrize("ours", [BANK_LEI, BANK_SADERAT_IRAN], ids=lambda lei: lei.name)
def test_bank_saderat_agrees_with_gleif(ours: Lei) -> None:
    found = [
        s
        for s in statements("opencheck/demo/2138008KTNTDICZU8L25.jsonl")
        if s["recordId"] == f"XI-LEI-{ours.lei}" and s["recordType"] == "entity"
    ]
    details = found[0]["recordDetails"]
    assert details["name"] == ours.name
    assert details["incorporatedInJurisdiction"]["code"] == ours.country
    assert details["addresses"][0]["postCode"] == ours.postcode
    assert details["addresses"][0]["address"].startswith(", ".join((*ours.lines, ours.city)))
    assert found[0]["statementDate"] == ours.updated[:10]
    assert found[0]["publicationDetails"]["publicationDate"] == ours.published[:10]
    numbers = {i["scheme"]: i["id"] for i in details["identifiers"]}
    assert numbers.get("GB-COH", "") == ours.registered_as
    assert details.get("foundingDate", "") == ours.created[:10]


def test_the_parent_agrees_with_gleif() -> None:
    parents = [
        s["recordDetails"]
        for s in statements("opencheck/demo/2138008KTNTDICZU8L25.jsonl")
        if s["recordType"] == "relationship" and s["declarationSubject"] == f"XI-LEI-{BANK_LEI.lei}"
    ]
    assert len(parents) == 2
    assert {p["interestedParty"] for p in parents} == {f"XI-LEI-{BANK_LEI.parent}"}


def test_the_list_rows_agree_with_the_list() -> None:
    with shared("watchman/ofac_bench/sdn.csv").open(encoding="utf-8", newline="") as file:
        listed = {row[0]: row for row in csv.reader(file) if len(row) == 12}
    with shared("watchman/ofac_bench/alt.csv").open(encoding="utf-8", newline="") as file:
        names = [(row[0], row[3]) for row in csv.reader(file) if len(row) == 5]
    for row in ROWS:
        theirs = listed[str(row.entry)]
        assert theirs[1] == row.name
        assert theirs[2] == "-0- ", "companies only"
        assert theirs[3] == "] [".join(row.programs)
        assert theirs[11] == row.remark
        assert all((str(row.entry), alias) in names for alias in row.aliases)
        assert all(f"umber {value}" in row.remark for value in row.registrations)


def test_carbo_agrees_with_edgar() -> None:
    record = read("sec/submissions_CIK0001009672.json")
    assert record["name"] == CARBO.name
    assert (record["sic"], record["ein"], record["phone"]) == (CARBO.sic, CARBO.ein, CARBO.phone)
    assert record["stateOfIncorporation"] == CARBO.state
    address = record["addresses"]["business"]
    street = (address["street1"], address["street2"])
    assert (street, address["city"], address["zipCode"]) == (
        CARBO.street,
        CARBO.city,
        CARBO.zip_code,
    )
    recent = record["filings"]["recent"]
    columns = ("form", "filingDate", "accessionNumber", "items", "reportDate")
    theirs = set(zip(*(recent[column] for column in columns), strict=True))
    ours = {(f.form, f.filed, f.accession, f.items, f.report) for f in CARBO.filings}
    assert ours <= theirs
    alarming = {row for row in theirs if {"1.03", "2.04"} & set(row[3].split(","))}
    assert alarming <= ours, "no alarming filing is left out"


def test_snowflake_agrees_with_edgar() -> None:
    record = read("sec/companyfacts_CIK0001640147_SNOW_usgaap.json")
    assert (record["cik"], record["entityName"]) == (int(SNOWFLAKE.cik), SNOWFLAKE.name)
    reports: set[tuple[str, str, str]] = set()
    for figure in SNOWFLAKE_FIGURES:
        rows = record["facts"]["us-gaap"][figure.concept]["units"]["USD"]
        found = [
            (row["accn"], (row["form"], row["filed"], row["fy"]))
            for row in rows
            if (row.get("start", ""), row["end"], row["val"])
            == (figure.start, figure.end, figure.value)
        ]
        assert any(ANNUAL.get(accession) == report for accession, report in found), figure
        reports |= {(row["form"], row["filed"], row["accn"]) for row in rows}
    assert {(f.form, f.filed, f.accession) for f in SNOWFLAKE.filings} <= reports


def test_identifiers_are_well_formed() -> None:
    assert [problem("LEI", lei) for lei in LEIS] == [None] * len(LEIS)
    assert [problem("GB-COH", number) for number in PROFILES] == [None] * len(PROFILES)
    assert [problem("CIK", r.cik) for r in (CARBO, SNOWFLAKE)] == [None, None]
