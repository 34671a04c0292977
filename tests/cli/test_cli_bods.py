"""Ownership from BODS files: the real graphs, ten and more of them checked by hand; bad files."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.bods import BodsFile, read_file, read_lines
from cli.errors import BadInput
from cli.ownership_shown import subject
from starter import app
from workflows.data.ownership import Standing, Structure, StructureFlag
from workflows.rules.ownership.structure import structure

TRUST, COMPLEX = StructureFlag.TRUST_IN_CHAIN, StructureFlag.COMPLEX_STRUCTURE
UNRESOLVED = StructureFlag.UNRESOLVED_CONTROL
ROSNEFT = 'публичное акционерное общество "Нефтяная компания "Роснефть"'
TAQA = "شركة أبوظبى الوطنية للطاقة - ش م ع"
EVERY_FILE = 18


@pytest.fixture
def graphs(shared_data: Path) -> Path:
    """The folder of real graphs."""
    return shared_data / "dd/opencheck"


def worked_out(path: Path, of: str) -> Structure:
    found = read_file(path)
    return structure(found.graph, subject(found, of))


Expected = dict[str, tuple[str, str, Standing]]
DEAD, OWNER, CONTROLS = Standing.DEAD_END, Standing.OWNER, Standing.CONTROLS

BY_HAND: list[tuple[str, str, Expected, str, str, int, set[StructureFlag]]] = [
    # (file, subject, holder -> shares, votes, standing; unknown shares, votes; layers; flags)
    # Hornsea 1 is 75-100 % of its holding's, which two holding companies have 25-50 % of each,
    # and each of these belongs 75-100 % to one more: 0.75 x 0.25 x 0.75 = 14.06 % at least and
    # 1 x 0.5 x 1 = 50 % at most. Left over: 100 - 2 x 50 = 0 to 100 - 2 x 14.06 = 71.88 %.
    # Nobody is named behind the two; the links to Clifford Chance and Orsted Power are closed.
    (
        "uk_psc_bods/07640868.jsonl",
        "07640868",
        {
            "JUPITER INVESTOR HOLDCO LIMITED": ("14.06-50 %", "14.06-50 %", DEAD),
            "ORSTED UK HOW01 HOLDINGS LIMITED": ("14.06-50 %", "14.06-50 %", DEAD),
        },
        *("0-71.88 %", "0-71.88 %", 3, {UNRESOLVED}),
    ),
    # The same with the LEI record joined by the company number: Orsted A/S consolidates it (twice
    # said, directly and ultimately), which is control without a share and no layer of its own.
    (
        "demo/2138002S3XGZ38WN5Q72.jsonl",
        "2138002S3XGZ38WN5Q72",
        {
            "JUPITER INVESTOR HOLDCO LIMITED": ("14.06-50 %", "14.06-50 %", DEAD),
            "ORSTED UK HOW01 HOLDINGS LIMITED": ("14.06-50 %", "14.06-50 %", DEAD),
            "ØRSTED A/S": ("None", "None", DEAD),
        },
        *("0-71.88 %", "0-71.88 %", 3, {UNRESOLVED}),
    ),
    # Newcastle United: three links of 75-100 % shares, 0.75 ^ 3 = 42.19 %. Votes are not stated of
    # the first link, so no chain of votes reaches the club. St James Holdings' link is closed.
    (
        "uk_psc_bods/00031014.jsonl",
        "00031014",
        {"NCUK INVESTMENT LIMITED": ("42.19-100 %", "None", DEAD)},
        *("0-57.81 %", "100 %", 3, {UNRESOLVED}),
    ),
    # With the LEI system the Public Investment Fund consolidates the club, with no share stated;
    # how it does so through NCUK Investment no record says.
    (
        "demo/213800AG2V6YE68H5N63.jsonl",
        "213800AG2V6YE68H5N63",
        {
            "NCUK INVESTMENT LIMITED": ("42.19-100 %", "None", DEAD),
            "Public Investment Fund": ("None", "None", DEAD),
        },
        *("0-57.81 %", "100 %", 3, {UNRESOLVED}),
    ),
    # Care UK: three links of 75-100 % up to Midco; the link to Care UK Holdings is closed.
    (
        "uk_psc_bods/07068789.jsonl",
        "07068789",
        {"CARE UK MIDCO LIMITED": ("42.19-100 %", "42.19-100 %", DEAD)},
        *("0-57.81 %", "0-57.81 %", 3, {UNRESOLVED}),
    ),
    # Biffa: Bidco, Midco, Holdco, 75-100 % each. Three layers outside the EU are one trait only.
    (
        "uk_psc_bods/10336040.jsonl",
        "10336040",
        {"BIFFA HOLDCO LIMITED": ("42.19-100 %", "42.19-100 %", DEAD)},
        *("0-57.81 %", "0-57.81 %", 3, {UNRESOLVED}),
    ),
    # Bank Saderat PLC: one living statement, "significant influence or control", by a person.
    (
        "uk_psc_bods/01126618.jsonl",
        "01126618",
        {"Mr Mohsen Seifi Kafshgari": ("None", "None", CONTROLS)},
        *("100 %", "100 %", 0, {UNRESOLVED}),
    ),
    # And by the LEI system Bank Saderat Iran consolidates it. Its branches are not holders.
    (
        "demo/2138008KTNTDICZU8L25.jsonl",
        "2138008KTNTDICZU8L25",
        {
            "BANK SADERAT IRAN": ("None", "None", DEAD),
            "Mr Mohsen Seifi Kafshgari": ("None", "None", CONTROLS),
        },
        *("100 %", "100 %", 1, {UNRESOLVED}),
    ),
    # Melli Bank: one link of 75-100 %, pointed to by statement ids; "" stands for no bound.
    # The record calls the government a registered entity, so it does not count as a state.
    (
        "uk_psc_bods/04152338.jsonl",
        "04152338",
        {"Government Of The Islamic Republic Of Iran": ("75-100 %", "75-100 %", DEAD)},
        *("0-25 %", "0-25 %", 1, {UNRESOLVED}),
    ),
    # DMGT: five living statements of 75-100 % of the votes, one of them as trustee. Five times 75
    # is 375 %, so they hold one block together: 75 % of the votes are known, at most 25 are not,
    # and of the shares nothing is. That is a trust and, by the house rule, complex.
    (
        "uk_psc_bods/00184594.jsonl",
        "00184594",
        {
            name: ("None", "75-100 %", OWNER)
            for name in (
                "Francois Leo Morin",
                "Mr Nigel Timothy Bentley",
                "Mrs Aine Deirdre O'Reilly",
                "The Right Honourable Jonathan Harold Eamond Vere 4th Viscount Rothermere",
                "Thomas Stuart Gillespie",
            )
        },
        *("100 %", "0-25 %", 0, {TRUST, COMPLEX}),
    ),
    # Rosneft Deutschland: consolidated, directly and ultimately; no share anywhere.
    (
        "demo/253400JT3MQWNDKMJE44.jsonl",
        "391200PKEUF3Y2NUMW25",
        {ROSNEFT: ("None", "None", DEAD)},
        *("100 %", "100 %", 1, {UNRESOLVED}),
    ),
    # Sullom Voe Association: 25-50 % each of a council, of TAQA Bratani and of EnQuest Heather.
    # EnQuest Britain has 75-100 % of the last: 0.75 x 0.25 = 18.75 to 50 %. Two others have power
    # over TAQA Bratani, which itself has at least 25 %. Left over: the council's and EnQuest's
    # most are 100, their least 43.75 %.
    (
        "demo/213800E11LI1SCETU492.jsonl",
        "SC057974",
        {
            "Shetland Islands Council": ("25-50 %", "25-50 %", DEAD),
            "ENQUEST BRITAIN LIMITED": ("18.75-50 %", "18.75-50 %", DEAD),
            "The Abu Dhabi Government": ("None", "None", DEAD),
            TAQA: ("None", "None", DEAD),
        },
        *("0-56.25 %", "0-56.25 %", 2, {UNRESOLVED}),
    ),
    # Chargemaster: 75-100 % three times up to BP P.L.C., which also consolidates it.
    (
        "demo/213800LH1BZH3DI6G760.jsonl",
        "25490009TXBCEMN3UI89",
        {"BP P.L.C.": ("42.19-100 %", "42.19-100 %", DEAD)},
        *("0-57.81 %", "0-57.81 %", 3, {UNRESOLVED}),
    ),
]


@pytest.mark.parametrize("case", BY_HAND, ids=lambda c: f"{c[0]} {c[1]}")
def test_real_graphs_come_to_what_was_worked_out_by_hand(
    graphs: Path, case: tuple[str, str, Expected, str, str, int, set[StructureFlag]]
) -> None:
    file, of, holders, shares, votes, layers, flags = case
    found = worked_out(graphs / file, of)
    assert {h.name: (str(h.shares), str(h.votes), h.standing) for h in found.holders} == holders
    assert (str(found.unknown_shares), str(found.unknown_votes)) == (shares, votes)
    assert (found.layers, {f.flag for f in found.flags}) == (layers, flags)


def test_every_company_of_every_real_file_is_worked_out(graphs: Path) -> None:
    files = sorted(graphs.rglob("*.jsonl"))
    assert len(files) == EVERY_FILE
    for path in files:
        found = read_file(path)
        for company in found.graph.owners:
            made = structure(found.graph, company)
            assert made.holders, f"{path}: {made.name} has no holder"


def statement(kind: str, record: str, **details: Any) -> dict[str, Any]:
    return {"recordType": kind, "recordId": record, "recordDetails": details}


def link(**more: Any) -> dict[str, Any]:
    share = {"type": "shareholding", "share": {"exact": 60}}
    return statement(
        "relationship",
        "r1",
        **{"subject": "s", "interestedParty": "p", "interests": [share]} | more,
    )


PARTIES = [
    statement("entity", "s", entityType={"type": "registeredEntity"}, name="S"),
    statement("person", "p", personType="knownPerson", names=[{"fullName": "P"}]),
]


def from_lines(*statements: Any) -> BodsFile:
    return read_lines([json.dumps(s) for s in statements], "f.jsonl")


def test_statements_may_stand_in_any_order_and_what_is_left_out_is_counted() -> None:
    closed = link() | {"recordStatus": "closed"}
    found = from_lines(link(), closed, link(subject="gone"), *PARTIES)
    made = structure(found.graph, found.records["s"])
    assert [(h.name, str(h.shares)) for h in made.holders] == [("P", "60 %")]
    assert sum(found.left_out.values()) == 2


def test_somebody_who_is_not_named_is_an_unknown_holder() -> None:
    found = from_lines(*PARTIES, link(interestedParty={"reason": "informationUnknown"}))
    made = structure(found.graph, found.records["s"])
    assert [h.standing for h in made.holders] == [Standing.DEAD_END]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{"], "line 1: no JSON"),
        (["[" * 100_000], "line 1: no JSON"),
        (["7"], "line 1: no object"),
        ([json.dumps(PARTIES[0]), "{}"], "line 2, recordType"),
        (['{"recordType": "entityStatement"}'], "version 0.3 must be converted"),
        ([json.dumps({"recordType": "entity", "recordId": "x"})], "line 1, recordDetails"),
        ([json.dumps(statement("person", "p", names=[]))], "line 1, name"),
        ([json.dumps(link(subject=7))], "line 1, subject"),
        ([json.dumps(link(interests="all"))], "line 1, interests"),
        ([json.dumps(link(interests=[{"type": "shareholding", "share": {"exact": 101}}]))],
         "from 0 to 100"),
        ([json.dumps(link(interests=[{"type": "votingRights", "share": {"minimum": "x"}}]))],
         "share.minimum: 'x'"),
        ([json.dumps(link(interests=[
            {"type": "votingRights", "share": {"minimum": 50, "maximum": 25}}]))],
         "minimum 50.0 is above maximum 25.0"),
        ([], "no statement of an entity or person"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_line_and_mend(lines: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=r"f\.jsonl") as refused:
        read_lines(lines, "f.jsonl")
    assert said in str(refused.value)


def test_the_command_shows_holders_and_names_parties_it_does_not_find(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text("\n".join(json.dumps(s) for s in [*PARTIES, link()]), encoding="utf-8")
    shown = CliRunner().invoke(app, ["ownership", str(file)])
    assert "60 %" in shown.output
    assert "beneficial owner" in shown.output
    as_json = json.loads(CliRunner().invoke(app, ["ownership", str(file), "--json"]).output)
    assert as_json["holders"][0]["standing"] == "owner"
    refused = CliRunner().invoke(app, ["ownership", str(file), "--of", "nobody"])
    assert isinstance(refused.exception, BadInput)
    assert "--of nobody" in str(refused.exception)
