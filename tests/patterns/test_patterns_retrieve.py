"""What several branches look up is looked up once."""

import asyncio
from typing import Any

import pytest

from tests.patterns.virtual import Trail, run
from workflows.calls import KEEP_DOCUMENT, Call, open_door
from workflows.data.common import Record
from workflows.data.documents import LARGE, Document
from workflows.errors import Misuse, ScopeClosed
from workflows.patterns.branch import Branch
from workflows.patterns.join import join
from workflows.patterns.retrieve import Retrieval
from workflows.patterns.until import at_least
from workflows.scope import Scope, enter_scope


class Query(Record):
    of: str


def test_one_key_and_query_is_looked_up_once_whoever_asks_and_when() -> None:
    async def story(trail: Trail) -> list[str]:
        found = Retrieval()
        work = trail.work("a", 5)
        at_once = await asyncio.gather(
            *(found.get("filings", Query(of="x"), work) for _ in range(3))
        )
        return [*at_once, await found.get("filings", Query(of="x"), work)]

    trail = Trail()
    assert run(story(trail)) == ["A"] * 4
    assert trail.words == ["a starts", "a done"]


def test_another_key_or_query_is_another_lookup() -> None:
    async def story(trail: Trail) -> None:
        found = Retrieval()
        for key, of in (("filings", "x"), ("filings", "y"), ("press", "x")):
            await found.get(key, Query(of=of), trail.work(f"{key}-{of}", 1))

    trail = Trail()
    run(story(trail))
    assert trail.words[::2] == ["filings-x starts", "filings-y starts", "press-x starts"]


def test_a_branch_given_up_does_not_end_the_lookup_for_the_others() -> None:
    async def story(trail: Trail) -> str:
        found = Retrieval()
        work = trail.work("slow", 10)

        async def first() -> str:
            return await found.get("k", Query(of="x"), work)

        async def quick() -> str:
            await asyncio.sleep(1)
            return "quick"

        await join([Branch("first", first), Branch("quick", quick)], until=at_least(1))
        return await found.get("k", Query(of="x"), work)

    trail = Trail()
    assert run(story(trail)) == "SLOW"
    assert trail.words == ["slow starts", "slow done"]


def test_a_failure_reaches_all_who_wait_and_a_later_asking_tries_again() -> None:
    async def story(trail: Trail) -> str:
        found = Retrieval()
        fails = trail.work("bad", 1, error=ConnectionError("down"))
        both = await asyncio.gather(
            *(found.get("k", Query(of="x"), fails) for _ in range(2)), return_exceptions=True
        )
        assert [type(b) for b in both] == [ConnectionError, ConnectionError]
        return await found.get("k", Query(of="x"), trail.work("good", 1))

    trail = Trail()
    assert run(story(trail), collect=True) == "GOOD"
    assert trail.words.count("bad starts") == 1


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_large_text_is_kept_by_reference_once(size: int) -> None:
    kept: list[Document] = []

    async def door(call: Call[Any, Any], document: Record) -> Record:
        assert call is KEEP_DOCUMENT
        assert isinstance(document, Document)
        kept.append(document)
        return Document(sha256="0" * 64, size=size)

    async def work() -> str:
        return "x" * size

    async def story() -> list[Document]:
        found = Retrieval()
        with open_door(door):
            return [await found.document("k", Query(of="x"), work) for _ in range(2)]

    one, two = run(story())
    assert one == two
    assert one.by_reference == (size == LARGE)
    assert len(kept) == (size == LARGE)


def test_misuse_is_refused_and_a_branch_given_up_looks_nothing_up() -> None:
    async def plain() -> None:
        await Retrieval().get("k", "x", Trail().work("a", 1))  # type: ignore[arg-type]

    async def given_up() -> None:
        enter_scope(Scope("late", closed=True))
        await Retrieval().get("k", Query(of="x"), Trail().work("a", 1))

    with pytest.raises(Misuse, match="give a record"):
        run(plain())
    with pytest.raises(ScopeClosed, match="'late' was given up"):
        run(given_up())
