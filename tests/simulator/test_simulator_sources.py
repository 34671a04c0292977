"""Registers, lists and filings over HTTP, in their own shapes."""

import csv
import io

import httpx
import pytest

pytestmark = pytest.mark.server

AGENT = {"user-agent": "braid tests@braid.example"}
LEI = "/gleif/api/v1/lei-records"
MATCH = "/opensanctions/match/default"


def company(name: str, number: str = "") -> dict[str, object]:
    numbers = {"registrationNumber": [number]} if number else {}
    return {"schema": "Company", "properties": {"name": [name], **numbers}}


async def test_the_register_gives_a_listed_company_and_its_exemption(
    client: httpx.AsyncClient,
) -> None:
    path = "/companies_house/company/00041424"
    profile = (await client.get(path)).json()
    assert profile["company_status"] == "active"
    assert profile["accounts"]["overdue"] is False
    assert profile["links"]["exemptions"] == "/company/00041424/exemptions"
    exemptions = await client.get(f"{path}/exemptions")
    assert exemptions.json()["exemptions"]
    assert (await client.get(f"{path}/persons-with-significant-control")).status_code == 404


async def test_the_register_gives_controllers_page_by_page(client: httpx.AsyncClient) -> None:
    path = "/companies_house/company/01126618"
    assert "accounts" not in (await client.get(path)).json(), "not in our source"
    body = (await client.get(f"{path}/persons-with-significant-control")).json()
    assert (body["active_count"], body["total_results"]) == (1, 2)
    active = [item for item in body["items"] if not item["ceased"]]
    assert [item["natures_of_control"] for item in active] == [["significant-influence-or-control"]]
    second = {"items_per_page": 1, "start_index": 1}
    page = (await client.get(f"{path}/persons-with-significant-control", params=second)).json()
    assert page["items"] == body["items"][1:]
    for part in ("exemptions", "insolvency", "persons-with-significant-control-statements"):
        assert (await client.get(f"{path}/{part}")).status_code == 404


async def test_the_register_finds_the_banned_by_a_word_of_their_name(
    client: httpx.AsyncClient,
) -> None:
    search = "/companies_house/search/disqualified-officers"
    (found,) = (await client.get(search, params={"q": "Victor Blackwood"})).json()["items"]
    ban = (await client.get(f"/companies_house{found['links']['self']}")).json()
    assert ban["disqualifications"][0]["disqualified_until"] > "2026-11-20"
    assert (await client.get(search, params={"q": "Nobody Atall"})).json()["items"] == []


@pytest.mark.parametrize(
    ("number", "word"),
    [("300000002", "VALID"), ("300000003", "INVALID"), ("3%20000", "INVALID_INPUT")],
)
async def test_vies_says_everything_under_200(
    client: httpx.AsyncClient, number: str, word: str
) -> None:
    reply = await client.get(f"/vies/ms/DE/vat/{number}")
    body = reply.json()
    assert (reply.status_code, body["userError"], body["isValid"]) == (200, word, word == "VALID")
    assert body["name"] == "---", "withheld"


async def test_an_unknown_company_is_a_404_in_the_registers_words(
    client: httpx.AsyncClient,
) -> None:
    reply = await client.get("/companies_house/company/99999999")
    assert reply.status_code == 404
    error = {"error": "company-profile-not-found", "type": "ch:service"}
    assert reply.json() == {"errors": [error]}


async def test_gleif_gives_a_record_and_the_reason_for_no_parent(
    client: httpx.AsyncClient,
) -> None:
    path = f"{LEI}/549300MKFYEKVRWML317"
    reply = await client.get(path)
    assert reply.headers["content-type"] == "application/vnd.api+json"
    attributes = reply.json()["data"]["attributes"]
    assert attributes["registration"]["status"] == "ISSUED"
    assert attributes["entity"]["registeredAs"] == "00041424"
    for level in ("direct", "ultimate"):
        assert (await client.get(f"{path}/{level}-parent")).status_code == 404
        exception = await client.get(f"{path}/{level}-parent-reporting-exception")
        assert exception.json()["data"]["attributes"]["reason"] == "NO_KNOWN_PERSON"
        assert exception.json()["data"]["type"] == "reporting-exceptions"


async def test_gleif_gives_a_parent_and_no_exception(client: httpx.AsyncClient) -> None:
    path = f"{LEI}/2138008KTNTDICZU8L25"
    parent = await client.get(f"{path}/ultimate-parent")
    assert parent.json()["data"]["id"] == "549300KBNGV4NYY3GE68"
    assert (await client.get(f"{path}/direct-parent-reporting-exception")).status_code == 404
    unknown = await client.get(f"{LEI}/00000000000000000000")
    assert unknown.status_code == 404
    assert unknown.json()["errors"]


async def test_an_exact_number_is_found_under_any_name(client: httpx.AsyncClient) -> None:
    queries = {"q": company("Another Name Altogether Ltd", "1126618")}
    reply = await client.post(MATCH, json={"queries": queries})
    assert reply.headers["x-batch-size"] == "1"
    results = reply.json()["responses"]["q"]["results"]
    assert results[0]["id"] == "ofac-4642"
    assert [result["match"] for result in results].count(True) == 1
    assert results[0]["properties"]["registrationNumber"] == ["01126618"]
    assert results[0]["target"] is True
    assert "us_ofac_sdn" in results[0]["datasets"]


@pytest.mark.parametrize(
    ("name", "first", "match"),
    [
        ("Bank Saderat plc", "ofac-4642", True),
        ("BANK SADERAT Public Limited Company", "ofac-4642", True),
        ("Банк Садерат Иран", "ofac-10368", True),
        ("Iran Overseas Investment Bank Ltd.", "ofac-4642", True),
        ("Unilever PLC", None, None),
        ("CARBO CERAMICS INC", None, None),
    ],
)
async def test_names_are_folded_before_they_are_compared(
    client: httpx.AsyncClient, name: str, first: str | None, match: bool | None
) -> None:
    reply = await client.post(MATCH, json={"queries": {"q": company(name)}})
    results = reply.json()["responses"]["q"]["results"]
    got = (results[0]["id"], results[0]["match"]) if results else (None, None)
    assert got == (first, match)


async def test_limit_and_threshold_move_the_result(client: httpx.AsyncClient) -> None:
    body = {"queries": {"a": company("Bank Saderat plc"), "b": company("Melli Bank")}}
    usual = (await client.post(MATCH, json=body)).json()["responses"]
    assert len(usual["a"]["results"]) > 1
    one = (await client.post(MATCH, params={"limit": 1}, json=body)).json()
    assert (len(one["responses"]["a"]["results"]), one["limit"]) == (1, 1)
    strict = (await client.post(MATCH, params={"threshold": 0.99}, json=body)).json()["responses"]
    assert [r["match"] for r in usual["a"]["results"]][:2] == [True, True]
    assert [r["match"] for r in strict["a"]["results"]][:2] == [True, False]


async def test_search_refuses_in_its_own_words(client: httpx.AsyncClient) -> None:
    query = {"queries": {"q": company("X")}}
    unknown = await client.post("/opensanctions/match/nothing", json=query)
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "No such dataset."})
    assert (await client.post(MATCH, json={"queries": {}})).status_code == 400
    many = {"queries": {str(n): company("X") for n in range(101)}}
    assert (await client.post(MATCH, json=many)).status_code == 400
    person = {"queries": {"q": {"schema": "Person", "properties": {"name": ["Bank Saderat"]}}}}
    replies = (await client.post(MATCH, json=person)).json()["responses"]
    assert not any(r["match"] for r in replies["q"]["results"]), "a bank is no person"


async def test_persons_are_found_and_the_exposed_only_where_they_are_asked_for(
    client: httpx.AsyncClient,
) -> None:
    names = ["Otto Weissenbruck", "Igor Sechin", "Victor Blackwood"]
    query = {"schema": "Person", "properties": {"name": names}}
    found = {}
    for dataset in ("sanctions", "peps", "debarment", "gb_coh_disqualified", "default"):
        reply = await client.post(f"/opensanctions/match/{dataset}", json={"queries": {"q": query}})
        results = reply.json()["responses"]["q"]["results"]
        found[dataset] = {r["id"]: r["properties"] for r in results if r["match"]}
    assert [set(ids) for ids in found.values()] == [
        {"ofac-16692"},
        {"pep-1001"},
        {"wb-900003"},
        {"gb-b1"},
        {"ofac-16692", "pep-1001", "wb-900003", "gb-b1"},
    ]
    assert found["sanctions"]["ofac-16692"]["birthDate"] == ["1960-09-07"]
    assert found["peps"]["pep-1001"]["topics"] == ["role.pep"]


async def test_an_entity_can_be_read_by_id(client: httpx.AsyncClient) -> None:
    entity = await client.get("/opensanctions/entities/ofac-25420")
    assert entity.json()["caption"] == "MELLI BANK PLC"
    assert (await client.get("/opensanctions/entities/ofac-1")).status_code == 404


async def test_the_list_file_has_twelve_columns_and_the_same_rows(
    client: httpx.AsyncClient,
) -> None:
    path = "/ofac/api/PublicationPreview/exports/SDN.CSV"
    reply = await client.get(path)
    assert reply.content.endswith(b"\r\n\x1a"), "as the real file ends"
    rows = list(csv.reader(io.StringIO(reply.text.rstrip("\x1a"))))
    assert {len(row) for row in rows} == {12}
    saderat = next(row for row in rows if row[0] == "4642")
    assert (saderat[1], saderat[2], saderat[3]) == (
        "BANK SADERAT PLC",
        "-0- ",
        "IRAN] [SDGT] [IFSR",
    )
    assert "UK Company Number 01126618" in saderat[11]
    same = await client.get(path, headers={"if-none-match": reply.headers["etag"]})
    assert same.status_code == 304


async def test_edgar_gives_filings_in_parallel_arrays(client: httpx.AsyncClient) -> None:
    body = (await client.get("/edgar/submissions/CIK0001009672.json", headers=AGENT)).json()
    recent = body["filings"]["recent"]
    assert len({len(column) for column in recent.values()}) == 1
    assert recent["filingDate"] == sorted(recent["filingDate"], reverse=True)
    items = {item for cell in recent["items"] for item in cell.split(",") if item}
    assert {"1.03", "2.04"} <= items
    assert {"NT 10-K", "15-12B"} <= set(recent["form"])
    facts = await client.get("/edgar/api/xbrl/companyfacts/CIK0001009672.json", headers=AGENT)
    assert facts.status_code == 404


async def test_edgar_gives_figures_by_concept_and_unit(client: httpx.AsyncClient) -> None:
    path = "/edgar/api/xbrl/companyfacts/CIK0001640147.json"
    body = (await client.get(path, headers=AGENT)).json()
    assets = body["facts"]["us-gaap"]["Assets"]["units"]["USD"]
    assert [row["end"] for row in assets] == ["2024-01-31", "2025-01-31"]
    sales = body["facts"]["us-gaap"]["RevenueFromContractWithCustomerExcludingAssessedTax"]
    assert sales["units"]["USD"][-1]["start"] == "2024-02-01"


@pytest.mark.parametrize("agent", ["", "python-httpx/0.28.1", "braid"])
async def test_edgar_blocks_whoever_names_no_contact(client: httpx.AsyncClient, agent: str) -> None:
    headers = {"user-agent": agent}
    reply = await client.get("/edgar/submissions/CIK0001009672.json", headers=headers)
    assert reply.status_code == 403
    assert "Undeclared Automated Tool" in reply.text
    assert reply.headers["content-type"].startswith("text/html")


async def test_an_unknown_service_is_a_404(client: httpx.AsyncClient) -> None:
    assert (await client.get("/vies/anything")).status_code == 404
