"""The journal of calls: claimed before sending, answered once, read back for ever after.

Two claims of one key are only made when the first was never answered (its worker died, or
its connection broke): such a claim is uncertain, it may have been billed.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import RowMapping, Select, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import clock
from store.database import Store
from store.flights import Flights
from store.schema import claims, replies
from workflows.data.llm import Usage


class ClaimState(StrEnum):
    """What became of a claim. Open and lost ones are uncertain."""

    OPEN = "open"
    SETTLED = "settled"
    REFUSED = "refused"
    LOST = "lost"


GONE_ON = "gone on with by a later attempt"
"""Reason of a refused claim whose call went on at the vendor: neither lost nor failed."""
GIVEN_UP = "given up while waiting for the answer"
"""Reason of a lost claim nobody waited for any longer: a hedge's loser, a stopped branch."""


@dataclass(frozen=True)
class CallEntry:
    """A call about to be sent: its key, and for the reports whose it is and whom it asks.

    A reply under one of the `origins` (keys of the same call in other scopes) serves as well, and
    one of the same `content_key` that is at most `max_age` seconds old.
    """

    key: str
    scope: str
    branch: str
    call: str
    worker: str
    vendor: str = ""
    model: str = ""
    origins: tuple[str, ...] = ()
    content_key: str = ""
    max_age: float = 0


@dataclass(frozen=True)
class Claim:
    """Leave to send a call; to be settled, refused or lost."""

    id: int
    entry: CallEntry


@dataclass(frozen=True)
class StoredReply:
    """A reply as received. `usage` and `usd` are zero where nothing is billed."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime
    simulated: bool
    usage: Usage = field(default_factory=Usage)
    usd: Decimal = Decimal(0)


@dataclass(frozen=True)
class CallRow:
    """A claim as the reports show it. `usd` is None until a reply was stored."""

    key: str
    scope: str
    branch: str
    call: str
    vendor: str
    model: str
    worker: str
    state: ClaimState
    reason: str
    claimed_at: datetime
    closed_at: datetime | None
    usd: Decimal | None


CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: object) -> str:
    """Write JSON in one way only: sorted keys, no spaces, UTF-8."""
    return CANONICAL.encode(value)


def call_key(scope: str, call: str, version: int, request: object, sample: int) -> str:
    """Give the key of a call: no attempt, deadline or time, so that a retry finds the reply.

    `request` is the request as sent, as what JSON can say: its content matters, not its spelling.
    """
    return sha256(canonical([scope, call, version, request, sample]).encode()).hexdigest()


class Journal:
    """The journal of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flights = Flights()

    def alone(self, key: str) -> AbstractAsyncContextManager[None]:
        """Let one call of a key fly at a time through this journal; the next finds its reply."""
        return self._flights.alone(key)

    async def read(self, key: str) -> StoredReply | None:
        """Give the stored reply of a call, if there is one."""
        async with self._store.reading() as connection:
            return await first_reply(connection, key)

    async def claim(self, entry: CallEntry) -> Claim | StoredReply:
        """Claim a call before sending it; a reply already stored is given instead."""
        async with self._store.writing() as connection:
            if found := await first_reply(connection, entry.key):
                return found
            return await self.open(connection, entry)

    async def open(self, connection: AsyncConnection, entry: CallEntry) -> Claim:
        """Write a claim down, in a transaction that has looked for a reply."""
        row = claims.insert().values(
            key=entry.key,
            scope=entry.scope,
            branch=entry.branch,
            call=entry.call,
            vendor=entry.vendor,
            model=entry.model,
            worker=entry.worker,
            state=ClaimState.OPEN,
            reason="",
            claimed_at=self._store.now(),
        )
        return Claim(int(await connection.scalar(row.returning(claims.c.id)) or 0), entry)

    async def settle(self, claim: Claim, reply: StoredReply) -> None:
        """Store the raw reply to a claim, before anybody judges it."""
        async with self._store.writing() as connection:
            await self.keep(connection, claim, reply)

    async def keep(
        self, connection: AsyncConnection, claim: Claim, reply: StoredReply, reason: str = ""
    ) -> None:
        """Store the reply to a claim in this transaction; `reason` says where else it came from."""
        await connection.execute(
            replies.insert().values(
                claim_id=claim.id,
                key=claim.entry.key,
                scope=claim.entry.scope,
                status=reply.status,
                headers=canonical(dict(reply.headers)),
                body=reply.body,
                usd=str(reply.usd),
                simulated=reply.simulated,
                received_at=clock.written(reply.received_at),
                void="",
                content_key=claim.entry.content_key,
                **reply.usage.model_dump(),
            )
        )
        await self.close(connection, claim, ClaimState.SETTLED, reason)

    async def void(self, key: str, reason: str) -> None:
        """Keep the replies of a free call as evidence, but never read them back: nonsense."""
        async with self._store.writing() as connection:
            of_key = and_(replies.c.key == key, replies.c.void == "")
            await connection.execute(update(replies).where(of_key).values(void=reason))

    async def unshare(self, key: str) -> None:
        """Keep the replies of a call from other cases: they were no good."""
        async with self._store.writing() as connection:
            of_key = update(replies).where(replies.c.key == key)
            await connection.execute(of_key.values(content_key=""))

    async def failures(self, key: str) -> int:
        """Count how often a call was sent, or tried to be, and came to nothing; kills aside."""
        ended = claims.c.state.in_([ClaimState.REFUSED, ClaimState.LOST])
        query = select(func.count()).where(claims.c.key == key, ended, claims.c.reason != GONE_ON)
        async with self._store.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def calls(self, scope: str) -> list[CallRow]:
        """List all claims of a scope, oldest first."""
        return await self._rows(_report().where(claims.c.scope == scope))

    async def uncertain(self, scope: str) -> list[CallRow]:
        """List the claims that never got an answer: they may have been billed."""
        unanswered = claims.c.state.in_([ClaimState.OPEN, ClaimState.LOST])
        return await self._rows(_report().where(claims.c.scope == scope, unanswered))

    async def repeated_paid(self, scope: str) -> int:
        """Count what was paid again although a reply had been received.

        Claims made for a key after a reply for it was stored, plus second replies of a key
        from a model (two branches may ask a free source the same at once).
        """
        later = claims.c.claimed_at > replies.c.received_at
        again = (
            select(func.count(claims.c.id.distinct()))
            .select_from(claims.join(replies, claims.c.key == replies.c.key))
            .where(claims.c.scope == scope, replies.c.void == "", later)
            .where(claims.c.id != replies.c.claim_id)
        )
        total = func.count(replies.c.id) - func.count(replies.c.key.distinct())
        answered_by = replies.join(claims, claims.c.id == replies.c.claim_id)
        double = select(total).select_from(answered_by).where(claims.c.model != "")
        double = double.where(replies.c.scope == scope, replies.c.void == "")
        async with self._store.reading() as connection:
            claimed = await connection.scalar(again) or 0
            answered = await connection.scalar(double) or 0
        return int(claimed) + int(answered)

    async def close(
        self, connection: AsyncConnection, claim: Claim, state: ClaimState, reason: str
    ) -> None:
        """Close a claim in this transaction: refused, if the other side answered with an error and
        nothing was billed; lost, if it may have been.
        """
        await connection.execute(
            update(claims)
            .where(claims.c.id == claim.id)
            .values(state=state, reason=reason, closed_at=self._store.now())
        )

    async def _rows(self, query: Select[tuple[object, ...]]) -> list[CallRow]:
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_call_row(row) for row in rows]


def _report() -> Select[tuple[object, ...]]:
    answered = claims.outerjoin(replies, replies.c.claim_id == claims.c.id)
    return select(claims, replies.c.usd).select_from(answered).order_by(claims.c.id)


def _call_row(row: RowMapping) -> CallRow:
    return CallRow(
        key=row["key"],
        scope=row["scope"],
        branch=row["branch"],
        call=row["call"],
        vendor=row["vendor"],
        model=row["model"],
        worker=row["worker"],
        state=ClaimState(row["state"]),
        reason=row["reason"],
        claimed_at=clock.read(row["claimed_at"]),
        closed_at=clock.read(row["closed_at"]) if row["closed_at"] else None,
        usd=None if row["usd"] is None else Decimal(row["usd"]),
    )


async def first_reply(connection: AsyncConnection, key: str) -> StoredReply | None:
    """Give the stored reply that stands under a key, if there is one."""
    usable = select(replies).where(replies.c.key == key, replies.c.void == "")
    found = await connection.execute(usable.order_by(replies.c.id).limit(1))
    row = found.mappings().first()
    return None if row is None else stored(row)


async def state_of(connection: AsyncConnection, claim: int) -> ClaimState:
    """Say what became of a claim."""
    found = select(claims.c.state).where(claims.c.id == claim)
    return ClaimState((await connection.execute(found)).scalar_one())


def stored(row: RowMapping) -> StoredReply:
    """Read a reply back."""
    return StoredReply(
        status=row["status"],
        headers=json.loads(row["headers"]),
        body=row["body"],
        received_at=clock.read(row["received_at"]),
        simulated=row["simulated"],
        usage=Usage(**{name: row[name] for name in Usage.model_fields}),
        usd=Decimal(row["usd"]),
    )
