"""What every source shares: trouble, refusals, retries, keys."""

import pytest

from activities.journalled import CallDesk
from activities.sources.doors import SourceActivities
from runtime.settings import Settings
from store.database import Store
from store.journal import ClaimState, Journal
from tests.activities.asking import (
    ABSENT,
    COMPANY,
    CONTROL,
    EXCEPTED,
    EXCEPTION,
    LEI,
    PAGE,
    PROFILE,
    company,
    lei,
    matched,
    record,
    screen,
)
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import SCOPE, fails, run
from workflows import calls
from workflows.data.sources import (
    FilingsQuery,
    LeiQuery,
    Liveness,
    Retry,
    SourceState,
)


@pytest.mark.parametrize(
    ("canned", "name"),
    [
        (Canned(503, b""), "SourceUnavailable"),
        (said({}, 429, retry_after="0.2"), "SourceUnavailable"),
        (Canned(cut=0), "SourceUnavailable"),
        (Canned(404, PAGE.body), "SourceRequestRefused"),
        (PAGE, "SourceNonsense"),
        (Canned(200, b'{"data": '), "SourceNonsense"),
        (said({"data": 7}), "SourceNonsense"),
        (said({"data": None}), "SourceNonsense"),
        (said({}), "SourceNonsense"),
    ],
    ids=lambda v: v if isinstance(v, str) else f"{v.status} {v.body[:9]!r}",
)
async def test_trouble_is_never_an_answer(
    canned: Canned, name: str, world: Outside, sources: SourceActivities, store: Store
) -> None:
    world.will(canned, record(**EXCEPTED), EXCEPTION)
    if name == "SourceRequestRefused":
        answer = await lei(sources)
        assert answer.state is SourceState.REJECTED
    else:
        error = await fails(calls.LEI, sources.lei_record, LeiQuery(lei=LEI))
        assert (error.type, error.non_retryable) == (name, False)
    assert (await lei(sources)).state is SourceState.FOUND
    assert await Journal(store).repeated_paid(SCOPE) == 0


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (400, SourceState.REJECTED),
        (422, SourceState.REJECTED),
        (401, SourceState.UNAVAILABLE),
        (403, SourceState.UNAVAILABLE),
    ],
)
async def test_a_refusal_is_an_answer(
    status: int, state: SourceState, world: Outside, sources: SourceActivities
) -> None:
    world.will(said({"errors": []}, status))
    answer = await lei(sources)
    assert answer.state is state
    assert answer.error is not None
    assert answer.error.retry is Retry.NEVER


async def test_a_wait_too_long_is_unavailable(world: Outside, sources: SourceActivities) -> None:
    world.will(said({}, 429, retry_after="3600"))
    answer = await lei(sources)
    assert answer.state is SourceState.UNAVAILABLE
    assert answer.error is not None
    assert answer.error.retry is Retry.LATER


async def test_a_retry_asks_only_for_what_is_missing(
    world: Outside, sources: SourceActivities, store: Store
) -> None:
    world.will(PROFILE, Canned(cut=0), CONTROL)
    await fails(calls.COMPANY, sources.company_register, COMPANY)
    first = (await company(sources)).model_dump()
    assert len(world.seen) == 3
    assert (await company(sources)).model_dump() == first
    assert len(world.seen) == 3
    states = [row.state for row in await Journal(store).calls(SCOPE)]
    assert states == [ClaimState.SETTLED, ClaimState.LOST, ClaimState.SETTLED]


async def test_keys_are_sent_as_each_source_wants_them(
    world: Outside, keyed: Settings, store: Store, desk_of_calls: CallDesk
) -> None:
    live = SourceActivities(keyed, store, desk_of_calls)
    world.will(ABSENT, matched(), ABSENT)
    assert (await company(live)).liveness is Liveness.LIVE
    await screen(live)
    await run(calls.FILINGS, live.filings, FilingsQuery(cik="0001009672"))
    sent = [seen.headers for seen in world.seen]
    assert sent[0]["authorization"] == "Basic bWVAeC5leGFtcGxlOg=="
    assert sent[1]["authorization"] == "ApiKey me@x.example"
    assert sent[2]["user-agent"] == "braid me@x.example"
