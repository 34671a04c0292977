"""Kept runs and ratings: replaced, told apart by service, the last rating last."""

from datetime import UTC, datetime, timedelta

from store.database import Store
from store.runs import KeptRun, Runs

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def run(name: str, day: int = 0, form: int = 1, summary: str = "{}") -> KeptRun:
    return KeptRun("case", name, DAY + timedelta(days=day), form, summary)


async def test_a_run_kept_again_takes_its_own_place_and_no_other(store: Store) -> None:
    runs = Runs(store)
    await runs.keep("dd", [run("late", 2, summary="2"), run("early", 1, summary="1")])
    await runs.keep("other", [run("elsewhere")])
    assert await runs.summaries("dd", 1) == ["1", "2"]
    await runs.keep("dd", [run("late", 2, form=2, summary="new")])
    assert await runs.known("dd") == {"early": 1, "late": 2}
    assert await runs.summaries("dd", 2) == ["new"]
    assert await runs.processes() == {"dd": 2, "other": 1}


async def test_services_of_one_store_are_kept_apart(store: Store) -> None:
    here, there = Runs(store), Runs(store, "prod:7233/default")
    await here.keep("dd", [run("a")])
    await here.rate("case", 5, "", "ana")
    assert await there.known("dd") == {}
    assert (await there.workflow("case"), await here.workflow("case")) == (None, "case")
    assert await there.rated() == []


async def test_all_ratings_stay_and_the_last_of_a_case_comes_last(store: Store) -> None:
    runs = Runs(store)
    await runs.rate("case", 2, "too slow", "ana")
    await runs.rate("case", 4, "", "bo")
    found = await runs.rated()
    assert [(r.rating, r.comment, r.by) for r in found] == [(2, "too slow", "ana"), (4, "", "bo")]
    assert found[0].at < found[1].at
