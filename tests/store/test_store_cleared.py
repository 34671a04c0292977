"""False positives are remembered per customer, party and entry, until they expire or change."""

from datetime import UTC, datetime, timedelta

import pytest

from store.cleared import ClearedHits
from store.database import Store
from workflows.data.hits import ClearedHit, ClearedQuery, HitReason

NOW = datetime(2026, 11, 27, tzinfo=UTC)
HIT = ClearedHit(
    customer="GB-COH:00041424",
    party_sha256="a" * 64,
    entry="opensanctions:ofac-1",
    entry_sha256="b" * 64,
    by="ana",
    reason=HitReason.DOB_CONFLICT,
    case="dd-one-1",
    at=NOW,
    expires=NOW + timedelta(days=365),
)


def query(**changed: object) -> ClearedQuery:
    given = HIT.model_dump(include=set(ClearedQuery.model_fields)) | {"at": NOW + timedelta(1)}
    return ClearedQuery.model_validate(given | changed)


async def test_a_cleared_hit_is_found_again_as_it_was(store: Store) -> None:
    hits = ClearedHits(store)
    await hits.keep(HIT)
    await hits.keep(HIT.model_copy(update={"by": "bo"}))
    found = await hits.find(query())
    assert found.cleared == HIT.model_copy(update={"by": "bo"}), "the last word counts"
    assert found.lifted == ""


@pytest.mark.parametrize(
    ("changed", "lifted"),
    [
        ({"customer": "GB-COH:00000001"}, ""),
        ({"party_sha256": "c" * 64}, ""),
        ({"entry": "opensanctions:ofac-2"}, ""),
        ({"entry_sha256": "d" * 64}, "entry has changed"),
        ({"at": NOW + timedelta(days=365)}, "expired on 2027-11-27"),
    ],
    ids=["other customer", "other attributes", "other entry", "entry changed", "expired"],
)
async def test_it_holds_for_nothing_else_and_not_for_ever(
    store: Store, changed: dict[str, object], lifted: str
) -> None:
    hits = ClearedHits(store)
    await hits.keep(HIT)
    found = await hits.find(query(**changed))
    assert found.cleared is None
    assert lifted in found.lifted
    assert bool(lifted) is bool(found.lifted)


async def test_what_has_expired_is_forgotten_when_the_next_is_kept(store: Store) -> None:
    hits = ClearedHits(store)
    await hits.keep(HIT)
    await hits.keep(HIT.model_copy(update={"entry": "x:1", "at": HIT.expires}))
    assert (await hits.find(query())).lifted == ""
