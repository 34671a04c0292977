"""Blobs: long texts and large payloads, kept once each under the sha256 of their bytes as stored.

Nothing deletes a blob but `collect`: Temporal knows nothing of them.
"""

import asyncio
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update

from store import clock
from store.database import Store
from store.errors import BlobGone
from store.schema import blobs
from store.sealed import Bytes, statement

FRESH = timedelta(hours=1)
"""A use is written down once in so long: reading a blob again and again writes nothing."""
AT_ONCE = 500
"""Keys named in one statement; databases bound its parameters."""
_KEY = re.compile(rb"\b[0-9a-f]{64}\b")
SLOW_BYTES = 64 * 1024
"""From this size on hashing leaves the event loop."""

_KEEP = statement(
    "INSERT INTO blobs (sha256, size, bytes, created_at, last_used_at)"
    " VALUES (:sha256, :size, :bytes, :now, :now)"
    " ON CONFLICT (sha256) DO UPDATE SET last_used_at = excluded.last_used_at",
    bytes=Bytes,
)


@dataclass(frozen=True)
class Collected:
    """What a collection deleted: how many blobs, and how many bytes they held."""

    blobs: int
    bytes: int


class Blobs:
    """The blobs of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def put(self, content: bytes) -> str:
        """Keep some bytes and give their sha256; what is there already is not written again."""
        key = await digest(content)
        if not await self._used(key):
            row = {"sha256": key, "size": len(content), "bytes": content}
            async with self.store.writing(alone=False) as connection:
                await connection.execute(_KEEP, row | {"now": self.store.now()})
        return key

    async def get(self, key: str) -> bytes:
        """Give the bytes kept under a sha256. Raises BlobGone if there are none or others."""
        async with self.store.reading() as connection:
            found = await connection.scalar(select(blobs.c.bytes).where(blobs.c.sha256 == key))
        if found is None:
            raise BlobGone(
                f"no document {key} is kept in this store: it was collected, or another store was"
                " written to; name that one's folder with BRAID_DATA"
            )
        if await digest(found) != key:
            raise BlobGone(f"document {key} is damaged: restore the store from a backup")
        await self._used(key)
        return bytes(found)

    async def collect(
        self,
        older_than: timedelta,
        in_use: Collection[str] = (),
        *,
        clear: Callable[[bytes], bytes] = bytes,
    ) -> Collected:
        """Delete blobs not used for so long (an hour at least).

        Those `in_use` (sha256) stay, and those whose sha256 stands in one that stays; `clear`
        decrypts one that is encrypted.
        """
        kept, before = (
            await self._named(in_use, clear),
            self.store.clock() - max(older_than, FRESH),
        )
        unused = blobs.c.last_used_at < clock.written(before)
        old = select(blobs.c.sha256).where(unused)
        async with self.store.reading() as connection:
            found = [key for key in (await connection.scalars(old)).all() if key not in kept]
        sizes: list[int] = []
        for start in range(0, len(found), AT_ONCE):
            # Asked again in the transaction that deletes: one may have been used since.
            these = delete(blobs).where(blobs.c.sha256.in_(found[start : start + AT_ONCE]), unused)
            async with self.store.writing(alone=False) as connection:
                sizes += (await connection.scalars(these.returning(blobs.c.size))).all()
        return Collected(len(sizes), sum(sizes))

    async def _named(
        self, keys: Collection[str], clear: Callable[[bytes], bytes]
    ) -> frozenset[str]:
        """Give the keys, and all that are named in what they stand for."""
        known: set[str] = set()
        left = set(keys)
        while left:
            key = left.pop()
            known.add(key)
            async with self.store.reading() as connection:
                found = await connection.scalar(select(blobs.c.bytes).where(blobs.c.sha256 == key))
            left |= named_in(clear(bytes(found or b""))) - known
        return frozenset(known)

    async def _used(self, key: str) -> bool:
        """Say whether a blob is kept, and note that it is used."""
        of_key = blobs.c.sha256 == key
        async with self.store.reading() as connection:
            noted = await connection.scalar(select(blobs.c.last_used_at).where(of_key))
        now = self.store.clock()
        if noted is None or now - clock.read(noted) <= FRESH:
            return noted is not None
        note = update(blobs).where(of_key).values(last_used_at=clock.written(now))
        async with self.store.writing() as connection:
            return (await connection.execute(note)).rowcount == 1


def named_in(content: bytes) -> frozenset[str]:
    """Give whatever looks like the sha256 of a blob in some bytes."""
    return frozenset(key.decode() for key in _KEY.findall(content))


async def digest(content: bytes) -> str:
    """Give the sha256 of some bytes, in hexadecimal; long ones are hashed in a thread."""
    if len(content) < SLOW_BYTES:
        return sha256(content).hexdigest()
    return await asyncio.to_thread(lambda: sha256(content).hexdigest())
