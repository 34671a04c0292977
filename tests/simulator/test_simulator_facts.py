"""Each fact written down by hand agrees with the public records it was taken from."""

import csv
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from stdnum.eu import vat as eu_vat

from simulator.exchange import Asked
from simulator.facts.companies import BANK_SADERAT, BELOW_DMGT, DMGT, PROFILES, UNILEVER
from simulator.facts.control import CONTROLLERS
from simulator.facts.leis import BANK_SADERAT as BANK_LEI
from simulator.facts.leis import DMG_HOLDINGS, LEIS, ROSNEFT_DEUTSCHLAND, Lei
from simulator.facts.leis import UNILEVER as UNILEVER_LEI
from simulator.facts.registrants import (
    ANNUAL,
    CARBO,
    SNOWFLAKE,
    SNOWFLAKE_FIGURES,
    WOLFSPEED,
    Registrant,
)
from simulator.facts.sanctions import ROWS
from simulator.facts.vat import VAT_NUMBERS
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


@pytest.mark.parametrize("ours", [DMGT, *BELOW_DMGT], ids=lambda one: one["company_name"])
def test_dmgt_and_the_chain_below_it_agree_with_the_register(ours: dict[str, Any]) -> None:
    number = ours["company_number"]
    told = statements("opencheck/uk_psc_bods/00184594.jsonl")
    (details,) = [s["recordDetails"] for s in told if s["recordId"] == f"GB-COH-{number}"]
    address = ours["registered_office_address"]
    assert (details["name"], details["foundingDate"]) == (
        ours["company_name"],
        ours["date_of_creation"],
    )
    assert details["addresses"][0]["postCode"] == address["postal_code"]
    births = {
        s["recordId"]: (s["recordDetails"].get("birthDate", "")[:7])
        for s in told
        if s["recordType"] == "person"
    }
    theirs = set()
    for control in (s["recordDetails"] for s in told if s["recordType"] == "relationship"):
        if control["subject"] == f"GB-COH-{number}":
            holder, first = control["interestedParty"], control["interests"][0]
            who = births.get(holder) or holder.removeprefix("GB-COH-")
            theirs.add((who, first["startDate"], first.get("endDate"), first["details"]))
    for entry in CONTROLLERS[number]:
        holder = entry.get("date_of_birth") or entry["identification"]
        assert isinstance(holder, dict)
        who = str(holder.get("registration_number", "")).zfill(8)
        if "year" in holder:
            who = f"{holder['year']}-{holder['month']:02d}"
        words = f"Relationship Type: {entry['natures_of_control']}"
        assert (who, entry["notified_on"], entry.get("ceased_on"), words) in theirs
    active = {who for who, _, ended, _ in theirs if ended is None}
    assert len([e for e in CONTROLLERS[number] if not e["ceased"]]) == len(active), "none left out"


def test_no_real_person_stands_in_the_register() -> None:
    """Names of persons are invented; those of the source must not slip in."""
    for file, number in (("00184594", "00184594"), ("01126618", "01126618")):
        told = statements(f"opencheck/uk_psc_bods/{file}.jsonl")
        people = [s["recordDetails"] for s in told if s["recordType"] == "person"]
        real = {n.get("familyName", "").casefold() for p in people for n in p["names"]} - {""}
        assert real
        ours = [str(e["name"]) for e in CONTROLLERS[number] if str(e["kind"])[:10] == "individual"]
        assert ours
        assert not real & {word for name in ours for word in name.casefold().split()}


def of_the_lei(number: str) -> str:
    """Name the file that holds an LEI's record."""
    files = ("2138008KTNTDICZU8L25", "253400JT3MQWNDKMJE44", "4OFD47D73QFJ1T1MOF29")
    return next(
        f"opencheck/demo/{file}.jsonl"
        for file in files
        if number in shared(f"opencheck/demo/{file}.jsonl").read_text(encoding="utf-8")
    )


REPUBLISHED = [lei for lei in LEIS.values() if lei is not UNILEVER_LEI]


@pytest.mark.parametrize("ours", REPUBLISHED, ids=lambda lei: lei.lei)
def test_republished_lei_records_agree_with_gleif(ours: Lei) -> None:
    found = [
        s
        for s in statements(of_the_lei(ours.lei))
        if s["recordId"] == f"XI-LEI-{ours.lei}" and s["recordType"] == "entity"
    ]
    details = found[0]["recordDetails"]
    assert details["name"] == ours.name
    assert details["incorporatedInJurisdiction"]["code"] == ours.country
    assert details["addresses"][0]["postCode"] == ours.postcode
    assert details["addresses"][0]["address"].startswith(", ".join((*ours.lines, ours.city)))
    assert found[0]["statementDate"] == ours.updated[:10]
    assert found[0]["publicationDetails"]["publicationDate"] == ours.published[:10]
    numbers = [i["id"] for i in details["identifiers"] if i["scheme"] != "XI-LEI"]
    assert numbers == ([ours.registered_as] if ours.registered_as else [])
    assert details.get("foundingDate", "") == ours.created[:10]


@pytest.mark.parametrize("ours", [BANK_LEI, ROSNEFT_DEUTSCHLAND, DMG_HOLDINGS])
def test_the_parents_agree_with_gleif(ours: Lei) -> None:
    told = {
        (s["recordDetails"]["interests"][0]["details"][-27:], s["recordDetails"]["interestedParty"])
        for s in statements(of_the_lei(ours.lei))
        if s["recordType"] == "relationship"
        and s["recordDetails"]["subject"] == f"XI-LEI-{ours.lei}"
    }
    parents = {
        ("IS_DIRECTLY_CONSOLIDATED_BY", ours.parent),
        ("_ULTIMATELY_CONSOLIDATED_BY", ours.ultimate or ours.parent),
    }
    assert {(how, f"XI-LEI-{who}") for how, who in parents} <= told


def test_nobody_is_named_above_dmgt_and_rosneft() -> None:
    """The pair of 404: our source tells of no parent, and of no reason for naming none."""
    for lei in ("4OFD47D73QFJ1T1MOF29", "253400JT3MQWNDKMJE44"):
        told = statements(of_the_lei(lei))
        subjects = {
            s["recordDetails"]["subject"] for s in told if s["recordType"] == "relationship"
        }
        assert f"XI-LEI-{lei}" not in subjects
        for level in ("direct", "ultimate"):
            path = f"/api/v1/lei-records/{lei}/{level}-parent"
            for ending in ("", "-reporting-exception"):
                assert GLEIF.answer(Asked("gleif", "GET", path + ending)).status == 404


def test_the_list_rows_agree_with_the_list() -> None:
    assert len(ROWS) == 60
    with shared("watchman/ofac_bench/sdn.csv").open(encoding="utf-8", newline="") as file:
        listed = {row[0]: row for row in csv.reader(file) if len(row) == 12}
    with shared("watchman/ofac_bench/alt.csv").open(encoding="utf-8", newline="") as file:
        names = [(row[0], row[3]) for row in csv.reader(file) if len(row) == 5]
    for row in ROWS:
        theirs = listed[str(row.entry)]
        assert theirs[1] == row.name
        assert theirs[2].strip("-0 ") == row.kind
        assert theirs[3] == "] [".join(row.programs)
        assert all(part in theirs[11] for part in row.remarks)
        assert not re.search("Passport|Cedula|SSN|ID No", row.remark), "papers of persons"
        assert all((str(row.entry), alias) in names for alias in row.aliases)
        assert all(f"umber {value}" in row.remark for value in row.registrations)


@pytest.mark.parametrize("ours", [CARBO, WOLFSPEED], ids=lambda one: one.name)
def test_submissions_agree_with_edgar(ours: Registrant) -> None:
    record = read(f"sec/submissions_CIK{ours.cik}.json")
    assert record["name"] == ours.name
    assert (record["sic"], record["ein"], record["phone"]) == (ours.sic, ours.ein, ours.phone)
    assert record["stateOfIncorporation"] == ours.state
    address = record["addresses"]["business"]
    street = (address["street1"], address["street2"] or "")
    assert (street, address["city"], address["zipCode"]) == (
        ours.street,
        ours.city,
        ours.zip_code,
    )
    assert address["stateOrCountry"] == ours.region
    recent = record["filings"]["recent"]
    columns = ("form", "filingDate", "accessionNumber", "items", "reportDate")
    theirs = set(zip(*(recent[column] for column in columns), strict=True))
    told = {(f.form, f.filed, f.accession, f.items, f.report) for f in ours.filings}
    assert told <= theirs
    alarming = {row for row in theirs if {"1.03", "2.04"} & set(row[3].split(","))}
    assert alarming <= told, "no alarming filing is left out"


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
    assert [problem("CIK", r.cik) for r in (CARBO, SNOWFLAKE, WOLFSPEED)] == [None] * 3
    assert all(eu_vat.is_valid("".join(number)) for number in VAT_NUMBERS)
