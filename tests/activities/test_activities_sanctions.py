"""Sanctions lists: the search service and the list file, with replies written by hand."""

import asyncio
import json
from datetime import date
from hashlib import sha256

import pytest

from activities.sources.doors import SourceActivities
from tests.activities.asking import (
    NUMBER,
    PARTY,
    asked,
    listed,
    matched,
    screen,
)
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import fails
from workflows import calls
from workflows.data.sources import (
    Identifier,
    Retry,
    ScreenQuery,
    SourceState,
)


def entity(score: float, **properties: object) -> dict[str, object]:
    return {
        "id": "ofac-4642",
        "caption": "BANK SADERAT PLC",
        "score": score,
        "match": score >= 0.7,
        "datasets": ["us_ofac_sdn", "gb_hmt"],
        "last_seen": "2026-11-20T00:00:00",
        "properties": properties,
    }


async def test_a_hit_with_its_identifiers(world: Outside, sources: SourceActivities) -> None:
    properties = {
        "registrationNumber": ["01126618"],
        "leiCode": ["2138008KTNTDICZU8L25"],
        "program": ["IRAN"],
        "notes": ["a", "b"],
        "jurisdiction": ["gb"],
    }
    world.will(matched(entity(0.97, **properties), entity(0.5)))
    answer = await screen(sources)
    assert (answer.state, len(answer.hits)) == (SourceState.FOUND, 1)
    hit = answer.hits[0]
    assert NUMBER in hit.identifiers
    assert Identifier(scheme="LEI", value="2138008KTNTDICZU8L25") in hit.identifiers
    assert (hit.programs, hit.remarks, hit.dataset) == (("IRAN",), "a b", "us_ofac_sdn, gb_hmt")
    assert answer.list_version == "2026-11-20T00:00:00"
    assert world.seen[0].path == "/opensanctions/match/default?limit=5&threshold=0.7"
    assert world.seen[0].json() == {
        "queries": {
            "q1": {
                "schema": "Company",
                "properties": {
                    "name": ["Bank Saderat PLC"],
                    "country": ["gb"],
                    "registrationNumber": ["01126618"],
                    "leiCode": ["2138008KTNTDICZU8L25"],
                },
            }
        }
    }


async def test_a_number_of_another_country_is_not_british(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(matched(entity(0.9, registrationNumber=["01126618"], jurisdiction=["ir"])))
    hit = (await screen(sources)).hits[0]
    assert hit.identifiers == (Identifier(scheme="OTHER", value="01126618"),)


async def test_a_person_is_asked_as_one(world: Outside, sources: SourceActivities) -> None:
    world.will(matched())
    person = ScreenQuery(
        party_id="p", kind="Person", name="A B", country="GB", birth_date=date(1970, 1, 2)
    )
    assert (await screen(sources, person)).state is SourceState.NONE
    assert json.loads(world.seen[0].body)["queries"]["q1"] == {
        "schema": "Person",
        "properties": {"name": ["A B"], "nationality": ["gb"], "birthDate": ["1970-01-02"]},
    }


async def test_an_unknown_dataset_is_never_a_pass(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"detail": "No such dataset."}, 404))
    assert (await screen(sources)).state is SourceState.REJECTED


async def test_a_used_up_month_is_unavailable_at_once(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"detail": "Your monthly quota"}, 429))
    answer = await screen(sources)
    assert answer.state is SourceState.UNAVAILABLE
    assert answer.error is not None
    assert (answer.error.code, answer.error.retry) == ("quota", Retry.NEVER)


async def test_a_failed_query_inside_a_batch_is_nonsense(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(matched(status=500))
    error = await fails(calls.SCREEN, sources.sanctions_search, PARTY)
    assert error.type == "SourceNonsense"


ROWS = (
    b'4642,"BANK SADERAT PLC",-0- ,"IRAN] [SDGT] [IFSR",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b'"Subject to Secondary Sanctions; UK Company Number 01126618 (United Kingdom)."\r\n'
    b'10,"SADERAT, Bank Plc","individual","SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    b'11,"QUITE ANOTHER TRADING CO",-0- ,"SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b'"Tax ID No. 01126618 (Elsewhere)."\r\n'
    b"\x1a"
)
LIST = Canned(200, ROWS, (("last-modified", "Fri, 20 Nov 2026 10:00:00 GMT"),))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (PARTY, ["4642"]),
        (PARTY.model_copy(update={"name": "Wholly Different Ltd"}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": ()}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Bänk Saderat P.L.C."}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Bank Sadera Limited"}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Unilever PLC"}), []),
        (
            PARTY.model_copy(update={"identifiers": (), "name": "Bank Saderat", "kind": "Person"}),
            ["10"],
        ),
    ],
    ids=["both", "number", "name", "folded", "nearly equal", "clean", "person"],
)
async def test_the_list_file(
    query: ScreenQuery, found: list[str], world: Outside, sources: SourceActivities
) -> None:
    world.will(LIST)
    answer = await listed(sources, query)
    assert [hit.entry_id for hit in answer.hits] == found
    assert answer.state is (SourceState.FOUND if found else SourceState.NONE)
    assert (answer.list_version, answer.as_of) == (sha256(ROWS).hexdigest(), date(2026, 11, 20))
    for hit in answer.hits:
        if hit.entry_id == "4642":
            assert hit.identifiers == (NUMBER,)
            assert hit.programs == ("IRAN", "SDGT", "IFSR")


async def test_the_list_is_downloaded_once_per_case(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(LIST)
    other = PARTY.model_copy(update={"name": "Another"})
    await asyncio.gather(listed(sources), listed(sources, other))
    assert asked(world) == ["GET /ofac/api/PublicationPreview/exports/SDN.CSV"]


@pytest.mark.parametrize("body", [b"", b"\x1a", b"a,b\r\n", b'{"rows": []}', ROWS + b"1,2\r\n"])
async def test_an_empty_or_strange_list_is_never_a_pass(
    body: bytes, world: Outside, sources: SourceActivities
) -> None:
    world.will(Canned(200, body))
    error = await fails(calls.SCREEN_LIST, sources.sanctions_list_file, PARTY)
    assert (error.type, error.non_retryable) == ("SourceNonsense", False)
