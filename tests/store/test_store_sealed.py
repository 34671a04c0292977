"""What people and the world said is sealed in the store where a key ring is named with it."""

from datetime import date
from pathlib import Path

import pytest

from runtime import key_file
from runtime.keys import KeyRing, MissingKey
from runtime.settings import Settings
from store.answers import AnswerBook, KeptAnswer
from store.blobs import Blobs
from store.database import Store
from store.errors import StoreError
from store.schema import metadata
from store.schema_cleared import cleared_hits
from store.schema_runs import ratings
from store.schema_shadows import suppressed
from store.sealed import Bytes, Words

SECRET = "Zora Quint, Quokka Lane"
TODAY = date(2026, 11, 27)
SEALED = {
    "answers.error",
    "answers.value",
    "batch_items.answer",
    "blobs.bytes",
    "cleared_hits.reason",
    "ratings.comment",
    "replies.body",
    "replies.headers",
    "spread_items.request",
    "spread_results.error",
    "spread_results.value",
    "suppressed.request",
    "watch_cases.pair",
}


def test_the_sealed_columns_are_these() -> None:
    tables = {cleared_hits, ratings, suppressed} | set(metadata.tables.values())
    found = {
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if isinstance(column.type, Bytes | Words)
    }
    assert found == SEALED


def in_the_files_of(data: Path) -> bytes:
    return b"".join(file.read_bytes() for file in data.glob("store.db*"))


async def test_content_is_sealed_read_back_after_a_rotation_and_named_without_its_key(
    tmp_path: Path,
) -> None:
    clear = Settings(data=tmp_path).database
    answer = KeptAnswer("k", "scope", "branch", "call", "worker", value=SECRET)
    async with Store.opened(clear) as store:
        before = await Blobs(store).put(b"from before")
    key_file.new(tmp_path / "keys.json", TODAY)
    sealed = Settings(data=tmp_path).database
    assert sealed != clear
    async with Store.opened(sealed) as store:
        blob = await Blobs(store).put(SECRET.encode())
        await AnswerBook(store).keep(answer)
        first = KeyRing(tmp_path / "keys.json").current.id
        key_file.add(tmp_path / "keys.json", TODAY, use=True)
        later = await Blobs(store).put(SECRET.encode() + b"!")
    in_files = in_the_files_of(tmp_path)
    assert in_files.count(b"braid-sealed:") >= 3
    assert SECRET.encode() not in in_files
    async with Store.opened(sealed) as store:
        assert await Blobs(store).get(blob) == SECRET.encode()
        assert await Blobs(store).get(later) == SECRET.encode() + b"!"
        assert await Blobs(store).get(before) == b"from before", "clear rows are read as they are"
        assert await AnswerBook(store).read("k") == answer
    async with Store.opened(clear) as store:
        with pytest.raises(StoreError, match=f"sealed with key '{first}'.*BRAID_KEYS_FILE"):
            await Blobs(store).get(blob)
    key_file.drop(tmp_path / "keys.json", first)
    async with Store.opened(sealed) as store:
        assert await Blobs(store).get(later) == SECRET.encode() + b"!"
        with pytest.raises(MissingKey, match=first):
            await Blobs(store).get(blob)
