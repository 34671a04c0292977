"""Learned estimates, in numbered snapshots: a snapshot holds what changed, and is never edited.

What a step's estimate was at snapshot 12 is its newest row up to 12. The body of a row is for
`insight.learned.learning` to read; here it is text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select
from sqlalchemy.exc import IntegrityError

from store import clock
from store.database import Store
from store.errors import StoreError
from store.journal import GIVEN_UP, GONE_ON, ClaimState
from store.schema import batch_items, claims, replies
from store.schema_estimates import estimate_snapshots, estimate_sources, estimates
from store.standing import FROM_CACHE
from workflows.data.llm import ModelRef


@dataclass(frozen=True)
class EstimateRow:
    """One step at one snapshot: `n` is the weight of what is known, in calls; `p95` is seconds."""

    process: str
    step: str
    vendor: str
    model: str
    simulated: bool
    n: float
    p95: float
    body: str
    snapshot: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A snapshot: calls that ended up to `as_of` are in; `runs` and `calls` came in with it."""

    number: int
    as_of: datetime
    runs: int
    calls: int


@dataclass(frozen=True)
class WireCall:
    """A model call as the journal knows it, from its claim to its reply or its end.

    `answered` and `given_up` say how it ended; neither is a failure. `simulated` is None where no
    reply of its worker tells.
    """

    vendor: str
    model: str
    simulated: bool | None
    answered: bool
    given_up: bool
    claimed_at: datetime
    ended_at: datetime
    output_tokens: int


class Estimates:
    """The estimates in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def snapshot(self, number: int | None = None) -> Snapshot | None:
        """Give the snapshot of this number, or the newest; None if there is none."""
        query = select(estimate_snapshots).order_by(estimate_snapshots.c.snapshot.desc()).limit(1)
        if number is not None:
            query = query.where(estimate_snapshots.c.snapshot == number)
        async with self._store.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        return Snapshot(row.snapshot, clock.read(row.as_of), row.runs, row.calls)

    async def rows(self, snapshot: int) -> list[EstimateRow]:
        """List every step as a snapshot knew it."""
        async with self._store.reading() as connection:
            found = (await connection.execute(_at(snapshot))).mappings().all()
        return [EstimateRow(**row) for row in found]

    async def known(self) -> set[str]:
        """Give the ids of the runs that are in already."""
        async with self._store.reading() as connection:
            return set(await connection.scalars(select(estimate_sources.c.run)))

    async def keep(self, new: Snapshot, rows: Iterable[EstimateRow], runs: Sequence[str]) -> None:
        """Write a snapshot: the steps that changed, and the ids of the runs that are in with it.

        Raises StoreError if its number is taken: somebody else learned at the same time.
        """
        head = asdict(new) | {"as_of": clock.written(new.as_of)}
        head["snapshot"] = head.pop("number")
        changed = [asdict(row) | {"snapshot": new.number} for row in rows]
        sources = [{"run": run, "snapshot": new.number} for run in runs]
        try:
            async with self._store.writing() as connection:
                await connection.execute(estimate_snapshots.insert(), head)
                for table, values in ((estimates, changed), (estimate_sources, sources)):
                    if values:
                        await connection.execute(table.insert(), values)
        except IntegrityError as taken:
            raise StoreError(
                f"snapshot {new.number} of the estimates was written by somebody else meanwhile;"
                " learn again, nothing is lost"
            ) from taken

    async def models(self, *, simulated: bool, least: float) -> Mapping[ModelRef, EstimateRow]:
        """Give the newest estimate of each model's calls on the wire that rests on enough calls."""
        of_models = (estimates.c.process == "", estimates.c.step == "")
        query = _at(None, *of_models, estimates.c.simulated == simulated)
        async with self._store.reading() as connection:
            found = (await connection.execute(query)).mappings().all()
        rows = [EstimateRow(**row) for row in found]
        return {ModelRef(vendor=r.vendor, model=r.model): r for r in rows if r.n >= least}

    async def ended(self, after: datetime | None, until: datetime) -> list[WireCall]:
        """List the model calls that ended in (after, until], by their end."""
        async with self._store.reading() as connection:
            rows = (await connection.execute(_ended(after, until))).mappings().all()
            told = await connection.execute(_WORKERS)
            workers = {worker: bool(simulated) for worker, simulated in told}
        return [_wire(row, workers) for row in rows]

    async def simulated(self) -> Mapping[str, bool]:
        """Say of every scope (workflow id) with a model's reply whether it was the simulator's."""
        query = select(replies.c.scope, replies.c.simulated).distinct()
        async with self._store.reading() as connection:
            found = (await connection.execute(query)).all()
        return {scope: bool(simulated) for scope, simulated in found}


_KEY = ("process", "step", "vendor", "model", "simulated")


def _at(snapshot: int | None, *wanted: ColumnElement[bool]) -> Select[tuple[object, ...]]:
    """Select the newest row of each step that is wanted, up to a snapshot if one is named."""
    key = [estimates.c[name] for name in _KEY]
    last = select(*key, func.max(estimates.c.snapshot).label("last")).where(*wanted).group_by(*key)
    if snapshot is not None:
        last = last.where(estimates.c.snapshot <= snapshot)
    newest = last.subquery()
    same = [estimates.c[name] == newest.c[name] for name in _KEY]
    joined = estimates.join(newest, and_(*same, estimates.c.snapshot == newest.c.last))
    return select(estimates).select_from(joined)


_WORKERS = (
    select(claims.c.worker, replies.c.simulated)
    .select_from(claims.join(replies, replies.c.claim_id == claims.c.id))
    .distinct()
)
"""A worker is either live or simulated, so its answered calls tell of the others."""


def _ended(after: datetime | None, until: datetime) -> Select[tuple[object, ...]]:
    """Select calls sent one by one; a batch's questions were claimed when its answers came."""
    columns = replies.c.received_at, replies.c.simulated, replies.c.output_tokens
    query = (
        select(claims, *columns)
        .select_from(claims.outerjoin(replies, replies.c.claim_id == claims.c.id))
        .where(claims.c.model != "", claims.c.state != ClaimState.OPEN)
        .where(claims.c.reason.not_in([FROM_CACHE, GONE_ON]))
        .where(or_(claims.c.state != ClaimState.SETTLED, replies.c.received_at.is_not(None)))
        .where(claims.c.key.not_in(select(batch_items.c.key)))
        .where(claims.c.closed_at <= clock.written(until))
        .order_by(claims.c.closed_at, claims.c.id)
    )
    return query if after is None else query.where(claims.c.closed_at > clock.written(after))


def _wire(row: RowMapping, workers: Mapping[str, bool]) -> WireCall:
    answered = row["received_at"] is not None
    own = row["simulated"]
    return WireCall(
        vendor=row["vendor"],
        model=row["model"],
        simulated=workers.get(row["worker"]) if own is None else bool(own),
        answered=answered,
        given_up=row["reason"] == GIVEN_UP,
        claimed_at=clock.read(row["claimed_at"]),
        ended_at=clock.read(row["received_at"] if answered else row["closed_at"]),
        output_tokens=row["output_tokens"] or 0,
    )
