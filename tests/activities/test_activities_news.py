"""News search and name servers: how they are asked, and their quirks."""

from urllib.parse import parse_qs, urlsplit

import pytest

from activities.sources.doors import SourceActivities
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import fails, run
from workflows import calls
from workflows.data.news import DomainAnswer, DomainQuery, NewsAnswer, NewsQuery
from workflows.data.sources import SourceState

TERMS = tuple(f"wordnumber{n}" for n in range(40))


def article(url: str, **changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "source": {"id": None, "name": "Paper"},
        "title": "Title",
        "description": "It was a fine day, and then",
        "url": url,
        "publishedAt": "2026-01-02T03:04:05Z",
        "content": "It was a fine day, and then it rained… [+1234 chars]",
    }
    return plain | changes


def found(*articles: dict[str, object], total: int = 0) -> Canned:
    total = total or len(articles)
    return said({"status": "ok", "totalResults": total, "articles": articles})


async def search(
    sources: SourceActivities, *names: str, terms: tuple[str, ...] = ("fraud",)
) -> NewsAnswer:
    query = NewsQuery(party_id="p1", names=names, terms=terms)
    return await run(calls.NEWS, sources.news_search, query)


def queries(world: Outside) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(seen.path).query) for seen in world.seen]


async def test_words_are_shared_out_over_requests(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(*(found(article(f"u{n}")) for n in range(6)))
    answer = await search(sources, 'Acme "Best" Ltd', "Acme", terms=TERMS)
    asked = [q["q"][0] for q in queries(world)]
    assert all(len(q) <= 500 and q.startswith('("Acme Best Ltd" OR Acme) AND (') for q in asked)
    assert all(sum(f"{term} " in f"{q.replace(')', ' ')}" for q in asked) == 1 for term in TERMS)
    assert [q["language"] for q in queries(world)] == [["en"]] * len(asked)
    assert len(answer.items) == len(asked) > 1


async def test_the_text_is_what_the_service_gives(
    world: Outside, sources: SourceActivities
) -> None:
    removed = article("u2", title="[Removed]")
    world.will(found(article("u1"), removed, article("u3", content=None), total=130))
    answer = await search(sources, "Acme")
    assert {i.url: i.text for i in answer.items} == {
        "u1": "It was a fine day, and then it rained",
        "u3": "It was a fine day, and then",
    }
    assert answer.total == 2 + 127, "those not sent are told"


@pytest.mark.parametrize(
    "trouble",
    [
        said({"status": "error", "code": "unexpectedError", "message": "x"}),
        said({"status": "ok", "totalResults": 1, "articles": [{"title": "x"}]}),
        said({"status": "ok"}),
    ],
)
async def test_nonsense_is_no_answer(
    trouble: Canned, world: Outside, sources: SourceActivities
) -> None:
    world.will(trouble, found(article("u1")))
    query = NewsQuery(party_id="p1", names=("Acme",))
    error = await fails(calls.NEWS, sources.news_search, query)
    assert error.type == "SourceNonsense"
    assert (await search(sources, "Acme", terms=())).state is SourceState.FOUND


async def test_too_many_words_are_refused_and_not_left_out(
    world: Outside, sources: SourceActivities
) -> None:
    answer = await search(sources, "Acme", terms=tuple(f"{t}{n}" for t in TERMS for n in "abcdef"))
    assert (answer.state, world.seen) == (SourceState.REJECTED, [])


async def look_up(sources: SourceActivities, domain: str) -> DomainAnswer:
    return await run(calls.DOMAIN, sources.domain_name, DomainQuery(domain=domain))


def records(kind: int, *data: str, status: int = 0) -> Canned:
    alias = {"name": "a.", "type": 5, "TTL": 1, "data": "b."}
    answers = [{"name": "a.", "type": kind, "TTL": 1, "data": d} for d in data]
    return said({"Status": status, "Answer": [alias, *answers]})


async def test_addresses_then_mail_servers_best_first(
    world: Outside, sources: SourceActivities
) -> None:
    world.will(records(1), records(28, "2001:db8::1"), records(15, "20 b.", "5 a."))
    answer = await look_up(sources, "bücher.example")
    assert (answer.addresses, answer.mail_servers) == (("2001:db8::1",), ("a", "b"))
    assert "name=xn--bcher-kva.example&type=A" in world.seen[0].path


@pytest.mark.parametrize(("status", "state"), [(3, SourceState.NONE), (2, SourceState.UNAVAILABLE)])
async def test_only_nxdomain_means_there_is_none(
    status: int, state: SourceState, world: Outside, sources: SourceActivities
) -> None:
    world.will(records(1, status=status))
    assert (await look_up(sources, "a.example")).state is state
