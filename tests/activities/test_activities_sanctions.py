"""Sanctions lists: the search service and the list file, with replies written by hand."""

import asyncio
import json
from datetime import date
from hashlib import sha256

import pytest
from temporalio.exceptions import ApplicationError

from activities.sources.connector import Nonsense
from activities.sources.doors import SourceActivities
from activities.sources.ofac import PATH
from activities.sources.ofac_files import COLUMNS, read_list
from tests.activities.asking import (
    NUMBER,
    PARTY,
    asked,
    listed,
    matched,
    screen,
)
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import fails, run
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
    assert world.seen[0].path == "/opensanctions/match/sanctions?limit=10&threshold=0.7"
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
ALIASES = b'4642,12,"fka","IRAN OVERSEAS INVESTMENT BANK PLC",-0- \r\n\x1a'
ADDRESSES = b'4642,13,"5 Lothbury","London EC2R 7HD","United Kingdom",-0- \r\n\x1a'
LONGER = b"10,\"DOB 11 Jul 1959; alt. DOB circa 1960; nationality Iran; a.k.a. 'SAD'.\"\r\n\x1a"
FILES = (ROWS, ALIASES, ADDRESSES, LONGER)
DATED = (("last-modified", "Fri, 20 Nov 2026 10:00:00 GMT"),)


def the_list(*files: bytes) -> list[Canned]:
    return [Canned(200, body, DATED) for body in (*files, *FILES[len(files) :])]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (PARTY, ["4642"]),
        (PARTY.model_copy(update={"name": "Wholly Different Ltd"}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": ()}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Bänk Saderat P.L.C."}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Bank Sadera Limited"}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Iran Overseas Bank"}), ["4642"]),
        (PARTY.model_copy(update={"identifiers": (), "name": "Unilever PLC"}), []),
        (
            PARTY.model_copy(update={"identifiers": (), "name": "Bank Saderat", "kind": "Person"}),
            ["10"],
        ),
    ],
    ids=["both", "number", "name", "folded", "nearly equal", "alias", "clean", "person"],
)
async def test_the_list_file(
    query: ScreenQuery, found: list[str], world: Outside, sources: SourceActivities
) -> None:
    world.will(*the_list())
    answer = await listed(sources, query)
    assert [hit.entry_id for hit in answer.hits] == found
    assert answer.state is (SourceState.FOUND if found else SourceState.NONE)
    version = sha256(b"".join(sha256(body).digest() for body in FILES)).hexdigest()
    assert (answer.list_version, answer.as_of) == (version, date(2026, 11, 20))
    for hit in answer.hits:
        if hit.entry_id == "4642":
            assert hit.identifiers == (NUMBER,)
            assert hit.programs == ("IRAN", "SDGT", "IFSR")
            assert (hit.countries, hit.kind) == (("GB",), "Company")
        else:
            assert hit.births == ("1959-07-11", "1960")
            assert (hit.countries, hit.weak_names) == (("IR",), ("SAD",))


async def test_the_list_is_downloaded_once_per_case(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(*the_list())
    other = PARTY.model_copy(update={"name": "Another"})
    await asyncio.gather(listed(sources), listed(sources, other))
    assert asked(world) == [f"GET /ofac{PATH}{name}" for name in COLUMNS]


async def test_another_case_fetches_the_list_only_if_it_changed(
    world: Outside, sources: SourceActivities
) -> None:
    tagged = (*DATED, ("etag", '"one"'))
    world.will(*(Canned(200, body, tagged) for body in FILES))
    first = await listed(sources)
    world.will(*[Canned(304, b"")] * 4)
    same = await listed(sources, scope="dd-other-1")
    assert [seen.headers.get("if-none-match") for seen in world.seen] == [None] * 4 + ['"one"'] * 4
    assert world.seen[4].headers["if-modified-since"] == dict(DATED)["last-modified"]
    assert (same.hits, same.list_version, same.as_of, same.raw_sha256) == (
        first.hits, first.list_version, first.as_of, first.raw_sha256,
    )  # fmt: skip
    assert same.hits
    assert same.retrieved_at > first.retrieved_at
    world.will(Canned(200, b"\x1a", tagged), *the_list()[1:], *the_list())
    with pytest.raises(ApplicationError, match=r"SDN\.CSV holds no entry"):
        await listed(sources, scope="dd-third-1")
    assert (await listed(sources, scope="dd-third-1")).hits == first.hits
    assert "if-none-match" not in world.seen[-1].headers, "what was nonsense is not kept"


async def test_a_list_that_lost_half_its_entries_clears_nobody(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(*the_list())
    await listed(sources)
    world.will(*the_list(ROWS.splitlines(keepends=True)[0]))
    with pytest.raises(ApplicationError, match="holds 1 entries, 3 at the last look"):
        await listed(sources, scope="dd-other-1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_list_in_another_encoding_loses_no_letter(encoding: str) -> None:
    rows = ROWS.decode().replace("SADERAT, Bank", "SADÉRAT, Bänk").encode(encoding)
    named = [entry.name for entry in read_list((rows, *FILES[1:])).entries]
    assert named[1] == "SADÉRAT, Bänk Plc"
    with pytest.raises(Nonsense, match=r"SDN\.CSV"):
        read_list((rows.decode(encoding).encode("utf-16"), *FILES[1:]))


MANY = b"".join(b'%d,1,"aka","A",-0- \r\n' % n for n in range(100))
LONG = ROWS[:-1] + b'12,"' + b"A" * 40_000 + b'"' + b",-0- " * 10 + b"\r\n"
HUGE = (b"1" * 1_000_000 + b"\r\n") * 70


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([b""], "SDN.CSV holds no entry"),
        ([b"\x1a"], "SDN.CSV holds no entry"),
        ([b"a,b\r\n"], "SDN.CSV, row 1: not in the layout"),
        ([b'{"rows": []}'], "SDN.CSV, row 1: not in the layout"),
        ([ROWS[:-1] + b"1,2\r\n"], "SDN.CSV, row 4: not in the layout"),
        ([ROWS[:120]], "SDN.CSV is cut short"),
        ([LONG], "SDN.CSV, row 4: a field of over 32000"),
        ([HUGE], "SDN.CSV has 70000"),
        ([ROWS, MANY], "SDN.CSV is cut short: 98 rows of ALT.CSV belong to no entry"),
        ([ROWS, b"<html>"], "ALT.CSV, row 1"),
        ([ROWS, ALIASES, ADDRESSES, b"4642"], "SDN_COMMENTS.CSV, row 1"),
    ],
)
def test_a_list_that_lost_rows_or_is_none_is_never_a_pass(files: list[bytes], named: str) -> None:
    with pytest.raises(Nonsense, match=named):
        read_list((*files, *FILES[len(files) :]))


async def test_a_strange_list_is_named_and_asked_for_again(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(*the_list(b"\x1a"))
    error = await fails(calls.SCREEN_LIST, sources.sanctions_list_file, PARTY)
    assert (error.type, error.non_retryable) == ("SourceNonsense", False)
    assert error.message == "OFAC SDN list: SDN.CSV holds no entry"


async def test_copies_of_bans_and_bars_are_collections_of_their_own(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(matched(), matched())
    for call, copy in (
        (calls.DISQUALIFICATIONS_COPY, sources.disqualifications_copy),
        (calls.DEBARMENTS_COPY, sources.debarments_copy),
    ):
        assert (await run(call, copy, PARTY)).state is SourceState.NONE
    asked = [seen.path.partition("?")[0].rpartition("/")[2] for seen in world.seen]
    assert asked == ["gb_coh_disqualified", "debarment"]


async def test_exposed_persons_are_a_collection_of_their_own(
    world: Outside, sources: SourceActivities
) -> None:
    office = {"position": ["Mayor"], "topics": ["role.pep"], "birthDate": ["1975"]}
    world.will(matched(entity(0.9, nationality=["es"], alias=["Other"], **office)))
    answer = await run(calls.PEP_SEARCH, sources.pep_search, PARTY)
    assert world.seen[0].path.startswith("/opensanctions/match/peps?")
    (hit,) = answer.hits
    assert (hit.positions, hit.topics, hit.births) == (("Mayor",), ("role.pep",), ("1975",))
    assert (hit.countries, hit.names) == (("ES",), ("Other",))
