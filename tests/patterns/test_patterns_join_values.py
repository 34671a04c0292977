"""What a join gives back: typed values, outcomes by name, and the summary that travels."""

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, assert_type

import pytest

from tests.patterns.joining import broken, refused, seconds
from tests.patterns.virtual import Trail, run
from workflows.calls import RESOLVE_ROLES, open_door
from workflows.data.common import Record
from workflows.data.llm import RoleBook, RoleQuery
from workflows.errors import JoinFailed
from workflows.patterns.branch import Branch, calling
from workflows.patterns.join import join
from workflows.patterns.outcome import LONGEST_WHY, Covered, Joined, Outcome
from workflows.patterns.until import all_settled, first_success

BOOK = RoleBook(chains=(), catalogue_sha256="0" * 64)


class Sheet(Record):
    """A value that is a record."""

    total: int
    at: datetime


async def word() -> str:
    return "word"


async def number() -> int:
    return 7


async def sheet() -> Covered[Sheet]:
    return Covered(Sheet(total=3, at=datetime(2026, 1, 2, tzinfo=UTC)), 1.0, 0.9)


def test_values_are_typed_by_their_branches() -> None:
    """mypy reads this test: assert_type fails there, not here."""
    one, two, three = Branch("one", word), Branch("two", number), Branch("three", sheet)

    async def case() -> Joined:
        joined = await join([one, two, three])
        assert_type(joined[one], str)
        assert_type(joined[two], int)
        assert_type(joined[three], Sheet)
        assert_type(joined["one"], Outcome[Any])
        return joined

    joined = run(case())
    assert (joined[one], joined[two], joined[three].total) == ("word", 7, 3)
    assert (joined["one"].value, joined["one"].name) == ("word", "one")


def test_a_value_that_never_came_raises_and_says_what_became_of_it() -> None:
    bad = Branch("bad", Trail().work("bad", 1, error=broken()))
    joined = run(join([bad], until=all_settled()))
    for ask in (lambda: joined[bad], lambda: joined.require("bad")):
        with pytest.raises(JoinFailed, match="branch 'bad' ended failed and has no value"):
            ask()


def test_a_call_makes_a_typed_branch() -> None:
    seen: list[object] = []

    async def door(call: Any, request: Record) -> Record:
        seen.append((call.name, request))
        return BOOK

    async def case() -> RoleBook:
        roles = calling("roles", RESOLVE_ROLES, RoleQuery(roles=("analyst",)), timeout=seconds(9))
        with open_door(door):
            return assert_type((await join([roles]))[roles], RoleBook)

    assert run(case()) == BOOK
    assert seen == [("resolve_roles", RoleQuery(roles=("analyst",)))]


def failing(work: Any, why: str = "no luck") -> Awaitable[Joined]:
    bad = Branch("bad", Trail().work("bad", 2, error=broken(why)))
    return join([Branch("good", work), bad, Branch("slow", Trail().work("slow", 9))])


def test_what_travels_names_values_by_their_hash_only() -> None:
    error, _ = run(refused(failing(sheet)))
    text = '{"at":"2026-01-02T00:00:00Z","total":3}'
    assert error.details == (
        {
            "good": {
                "status": "succeeded",
                "attempts": 1,
                "value": {"branch": "good", "sha256": sha256(text.encode()).hexdigest()},
            },
            "bad": {"status": "failed", "attempts": 1, "why": "Broken: no luck"},
            "slow": {"status": "cancelled", "attempts": 1},
        },
    )
    assert json.loads(json.dumps(error.details[0])) == error.details[0]
    assert error.values["good"].total == 3


@dataclass
class Odd:
    """A value JSON has no word for."""

    inner: object


@pytest.mark.parametrize("value", [b"\xff\x00", object(), Odd(object()), {1: {2}}, float("nan")])
def test_any_value_can_be_named(value: object) -> None:
    async def odd() -> object:
        return value

    first, second = (run(refused(failing(odd)))[0].details[0]["good"]["value"] for _ in range(2))
    assert first == second
    assert len(first["sha256"]) == 64


def test_a_value_that_contains_itself_has_no_hash() -> None:
    async def circle() -> list[Any]:
        found: list[Any] = []
        found.append(found)
        return found

    error, _ = run(refused(failing(circle)))
    assert error.details[0]["good"]["value"] == {"branch": "good", "sha256": ""}


def test_a_long_reason_is_cut() -> None:
    error, _ = run(refused(failing(word, "long " * 999)))
    assert len(error.details[0]["bad"]["why"]) == LONGEST_WHY


def test_a_branch_given_up_has_no_value_even_if_one_came_later() -> None:
    joined = run(join({"a": word, "b": Trail().stubborn("b", 3)}, until=first_success()))
    with pytest.raises(JoinFailed, match="ended cancelled"):
        joined.require("b")
