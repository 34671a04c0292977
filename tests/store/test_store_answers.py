"""Answers of fused steps: kept and read back in few statements, the first of a key for ever."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from store.answers import AT_ONCE, AnswerBook, KeptAnswer
from store.database import Store
from store.errors import StoreAway
from store.gathered import Gathered
from store.sqlite import MOST_PAGES

MANY = 3 * AT_ONCE + 1


def answer(number: int) -> KeptAnswer:
    return KeptAnswer(f"k{number}", "case", "branch", "call", "worker", value=f'"{number} ü"')


async def test_many_answers_at_once_are_few_statements_and_the_first_stands(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[str] = []
    single = store.single

    async def counting(sql: str, values: Sequence[object], *, writes: bool) -> object:
        run.append(sql.split()[0])
        return await single(sql, values, writes=writes)

    monkeypatch.setattr(store, "single", counting)
    book, answers = AnswerBook(store), [answer(number) for number in range(MANY)]
    await asyncio.gather(*(book.keep(one) for one in answers))
    again = replace(answers[0], value='"other"')
    await asyncio.gather(book.keep(again), book.keep(replace(again, key="twice")), book.keep(again))
    assert run == ["INSERT"] * 5
    keys = [one.key for one in answers]
    found = await asyncio.gather(*(book.read(key) for key in [*keys, "none", keys[0]]))
    assert found == [*answers, None, answers[0]]
    assert run == ["INSERT"] * 5 + ["SELECT"] * 4


async def test_what_is_kept_is_kept_whoever_is_cancelled(store: Store) -> None:
    book = AnswerBook(store)
    given_up = book.keep(answer(1))
    given_up.cancel()
    await book.keep(answer(2))
    assert await book.read("k1") == answer(1)


async def test_a_store_that_is_full_is_away_and_takes_answers_later(file_url: str) -> None:
    await (await Store.open(file_url)).close()
    bounded = make_url(file_url).update_query_dict({MOST_PAGES: "1"})
    async with Store.opened(str(bounded)) as full:
        book, large = AnswerBook(full), replace(answer(1), value="x" * 200_000)
        with pytest.raises(StoreAway, match="it is full"):
            await book.keep(large)
        assert await book.read("k1") is None
        await book.keep(answer(2))
        assert await book.read("k2") == answer(2)


async def test_an_error_reaches_those_it_concerns() -> None:
    async def twice(some: Sequence[int]) -> Sequence[int]:
        if 0 in some:
            raise ValueError("nought")
        return [2 * one for one in some]

    doubled = Gathered(twice, most=2)
    asked = [doubled.ask(number) for number in (1, 0, 2, 3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in found] == ["nought", "nought", "4", "6"]
