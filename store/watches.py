"""Watches: a candidate that is tried beside the new cases of a process, for days and over restarts.

What was compared is kept case by case, so whoever carries a watch on goes on where it stood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, or_, select, update

from store import clock
from store.database import Store
from store.schema_shadows import watch_cases, watch_reports, watches

HELD = timedelta(seconds=60)
"""How long a watch is held by whoever carries it, since it was last heard of."""


@dataclass(frozen=True)
class Watch:
    """One watch, from `since` to `until`. `how` is JSON for whoever carries it; `held` says that
    somebody does now; `closed` is None while it is open.
    """

    id: str
    process: str
    candidate: str
    how: str
    since: datetime
    until: datetime
    held: bool
    closed: datetime | None


@dataclass(frozen=True)
class WatchReport:
    """A report: after so many days, and the verdict as JSON."""

    day: int
    at: datetime
    verdict: str


class Watches:
    """The watches of one service in one store."""

    def __init__(self, store: Store, service: str = "") -> None:
        self._store, self._service = store, service

    async def open(self, watch: Watch) -> None:
        """Begin a watch."""
        row = {"id": watch.id, "service": self._service, "process": watch.process}
        times = {"since": clock.written(watch.since), "until": clock.written(watch.until)}
        told = {"candidate": watch.candidate, "how": watch.how, "holder": "", "held_until": ""}
        async with self._store.writing() as connection:
            await connection.execute(watches.insert().values(**row, **times, **told))

    async def all(self) -> list[Watch]:
        """List them, oldest first."""
        query = select(watches).where(watches.c.service == self._service)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query.order_by(watches.c.since))).all()
        return [self._read(row) for row in rows]

    async def hold(self, id: str, holder: str) -> bool:
        """Take a watch, or keep it: says whether it is the holder's for some time from now."""
        now = self._store.clock()
        free = or_(watches.c.holder == holder, watches.c.held_until < clock.written(now))
        mine = update(watches).where(watches.c.id == id, watches.c.closed_at.is_(None), free)
        values = {"holder": holder, "held_until": clock.written(now + HELD)}
        async with self._store.writing() as connection:
            return bool((await connection.execute(mine.values(**values))).rowcount)

    async def let_go(self, id: str, holder: str) -> None:
        """Leave a watch to others at once."""
        mine = update(watches).where(watches.c.id == id, watches.c.holder == holder)
        async with self._store.writing() as connection:
            await connection.execute(mine.values(holder="", held_until=""))

    async def close(self, id: str) -> None:
        """End a watch; one that has ended stays as it is."""
        open_ = update(watches).where(watches.c.id == id, watches.c.closed_at.is_(None))
        async with self._store.writing() as connection:
            await connection.execute(open_.values(closed_at=self._store.now()))

    async def keep(self, id: str, case: str, *, pair: str = "", left_out: str = "") -> None:
        """Keep what a comparison came to (JSON), or why a case was left out."""
        row = {"watch": id, "case_id": case, "pair": pair, "left_out": left_out}
        async with self._store.writing() as connection:
            await connection.execute(watch_cases.insert().values(**row, kept_at=self._store.now()))

    async def kept(self, id: str) -> Mapping[str, tuple[str, str]]:
        """Give by case what was kept: the pair, or why there is none; in order."""
        query = select(watch_cases).where(watch_cases.c.watch == id)
        async with self._store.reading() as connection:
            rows = await connection.execute(query.order_by(watch_cases.c.kept_at))
            return {row.case_id: (row.pair, row.left_out) for row in rows}

    async def report(self, id: str, day: int, verdict: str) -> None:
        """Keep a report. There is one a day: made again it is left as it was."""
        mine = (watch_reports.c.watch == id, watch_reports.c.day == day)
        async with self._store.writing() as connection:
            if await connection.scalar(select(func.count()).where(*mine)) == 0:
                row = {"watch": id, "day": day, "verdict": verdict}
                await connection.execute(
                    watch_reports.insert().values(**row, made_at=self._store.now())
                )

    async def reports(self, id: str) -> list[WatchReport]:
        """List the reports, by day."""
        query = select(watch_reports).where(watch_reports.c.watch == id)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query.order_by(watch_reports.c.day))).all()
        return [WatchReport(r.day, clock.read(r.made_at), r.verdict) for r in rows]

    def _read(self, row: Row[tuple[object, ...]]) -> Watch:
        return Watch(
            *(row.id, row.process, row.candidate, row.how),
            since=clock.read(row.since),
            until=clock.read(row.until),
            held=row.held_until > self._store.now(),
            closed=clock.read(row.closed_at) if row.closed_at else None,
        )
