"""Batches at vendors: claimed before they are sent, found again by the vendor's id.

Which questions a batch held is kept as the journal's keys, never as texts. A batch that was
claimed and has no id may have been sent; the activity looks for it at the vendor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from itertools import chain

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import clock
from store.budgets import Budgets, Charge
from store.database import Store
from store.schema import batch_items, batches
from workflows.data.budget import Amounts
from workflows.data.llm import ModelRef


class BatchState(StrEnum):
    """Where a batch stands. A claimed one may have been sent."""

    CLAIMED = "claimed"
    SENT = "sent"
    ENDED = "ended"


WAITING = "waiting"
"""The outcome of a question that was sent and has none yet."""


@dataclass(frozen=True)
class BatchItem:
    """A question: its id, its journal key, the record its reply must fit, what became of it."""

    name: str
    key: str
    answer: str
    outcome: str = WAITING
    why: str = ""


@dataclass(frozen=True)
class Ended:
    """What became of a question, and why. `cost` is None where no reply was paid."""

    outcome: str
    why: str = ""
    cost: Amounts | None = None
    unclear: bool = False
    """Nobody knows whether it was billed."""


@dataclass(frozen=True)
class Batch:
    """A batch, with its items in order."""

    key: str
    scope: str
    vendor: str
    model: str
    state: BatchState
    remote: str
    claimed_at: datetime
    items: tuple[BatchItem, ...]

    @property
    def waiting(self) -> tuple[BatchItem, ...]:
        """The items that were sent and have no outcome yet."""
        return tuple(item for item in self.items if item.outcome == WAITING)


class Batches:
    """The batches of one store."""

    def __init__(self, store: Store) -> None:
        self._store, self._budgets = store, Budgets(store)

    async def claim(
        self, new: Batch, charges: Mapping[str, Sequence[Charge]]
    ) -> tuple[Batch, bool]:
        """Claim a batch before sending it; give it as it stands, and whether it is new.

        `charges` say by journal key who pays for a question and how much at most: that is set
        aside. Raises BudgetShort or BudgetUnknown.
        """
        key, items = new.key, new.items
        async with self._store.writing() as connection:
            if found := await _read(connection, key):
                return found, False
            await self._budgets.check(connection, _together(list(chain(*charges.values()))))
            for asked, paying in charges.items():
                await self._budgets.hold(connection, _hold(key, asked), paying)
            row = {name: value for name, value in vars(new).items() if name != "items"}
            row["claimed_at"] = clock.written(new.claimed_at)
            await connection.execute(batches.insert().values(row))
            rows = [{"batch": key, "place": n, **vars(item)} for n, item in enumerate(items)]
            await connection.execute(batch_items.insert(), rows)
        return new, True

    async def read(self, key: str) -> Batch | None:
        """Give a batch, if it was ever claimed."""
        async with self._store.reading() as connection:
            return await _read(connection, key)

    async def keep(self, key: str, remote: str) -> bool:
        """Write the vendor's id down; False if another batch has it already."""
        async with self._store.writing() as connection:
            others = select(batches.c.key).where(batches.c.remote == remote, batches.c.key != key)
            if (await connection.execute(others)).first() is not None:
                return False
            change = {"remote": remote, "state": BatchState.SENT}
            await connection.execute(update(batches).where(batches.c.key == key).values(change))
        return True

    async def release(self, key: str) -> None:
        """Take a claim back because the vendor surely did not take the batch."""
        async with self._store.writing() as connection:
            if batch := await _read(connection, key):
                for item in batch.waiting:
                    hold = _hold(key, item.key)
                    await self._budgets.release(connection, hold, unclear=False)
            await connection.execute(delete(batch_items).where(batch_items.c.batch == key))
            await connection.execute(delete(batches).where(batches.c.key == key))

    async def owner(self, vendor: str, keys: Sequence[str]) -> str | None:
        """Give the open batch that asked one of these questions."""
        asked = select(batches.c.key).join(batch_items, batch_items.c.batch == batches.c.key)
        asked = asked.where(batches.c.vendor == vendor, batches.c.state != BatchState.ENDED)
        async with self._store.reading() as connection:
            return await connection.scalar(asked.where(batch_items.c.key.in_(keys)).limit(1))

    async def swap(self, one: str, other: str) -> None:
        """Exchange the vendor's ids of two batches that were taken for each other."""
        async with self._store.writing() as connection:
            found = [await _read(connection, key) for key in (one, other)]
            for key, batch in zip((other, one), found, strict=True):
                remote = batch.remote if batch else ""
                state = BatchState.SENT if remote else BatchState.CLAIMED
                change = update(batches).where(batches.c.key == key)
                await connection.execute(change.values(remote=remote, state=state))

    async def end(self, key: str, ends: Mapping[str, Ended]) -> None:
        """Close a batch: by journal key, what became of each question; budgets pay what it cost."""
        async with self._store.writing() as connection:
            for asked, end in ends.items():
                of_item = (batch_items.c.batch == key) & (batch_items.c.key == asked)
                change = update(batch_items).where(of_item, batch_items.c.outcome == WAITING)
                await connection.execute(change.values(outcome=end.outcome, why=end.why))
                if end.cost is not None:
                    await self._budgets.settle(connection, _hold(key, asked), end.cost)
                else:
                    hold = _hold(key, asked)
                    await self._budgets.release(connection, hold, unclear=end.unclear)
            over = update(batches).where(batches.c.key == key)
            await connection.execute(over.values(state=BatchState.ENDED))


def new_batch(
    key: str, scope: str, of: ModelRef, items: Sequence[BatchItem], at: datetime
) -> Batch:
    """Make a batch to be claimed; one without a question to send has ended."""
    sent = any(item.outcome == WAITING for item in items)
    state = BatchState.CLAIMED if sent else BatchState.ENDED
    return Batch(key, scope, of.vendor, of.model, state, "", at, tuple(items))


def _hold(batch: str, asked: str) -> int:
    """Number what is set aside for a question: below zero, where no claim's number is."""
    return -int(sha256(f"{batch} {asked}".encode()).hexdigest()[:15], 16) - 1


def _together(charges: Sequence[Charge]) -> list[Charge]:
    """Add up what each budget must pay at most."""
    sums: dict[tuple[str, str], Amounts] = {}
    for charge in charges:
        so_far = sums.get((charge.scope, charge.name), Amounts())
        sums[charge.scope, charge.name] = Amounts(
            usd=so_far.usd + charge.worst.usd,
            tokens=so_far.tokens + charge.worst.tokens,
            calls=so_far.calls + charge.worst.calls,
        )
    return [Charge(scope, name, worst) for (scope, name), worst in sums.items()]


async def _read(connection: AsyncConnection, key: str) -> Batch | None:
    found = await connection.execute(select(batches).where(batches.c.key == key))
    row = found.mappings().first()
    if row is None:
        return None
    inside = select(batch_items).where(batch_items.c.batch == key).order_by(batch_items.c.place)
    items = (await connection.execute(inside)).mappings().all()
    return Batch(
        key=key,
        scope=row["scope"],
        vendor=row["vendor"],
        model=row["model"],
        state=BatchState(row["state"]),
        remote=row["remote"],
        claimed_at=clock.read(row["claimed_at"]),
        items=tuple(
            BatchItem(i["name"], i["key"], i["answer"], i["outcome"], i["why"]) for i in items
        ),
    )
