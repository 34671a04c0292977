"""Closed runs, summed up once for statistics, and how people rated cases.

A summary is kept as JSON of whoever made it. Kept here, it outlives its history. `service` tells
apart the Temporal services one store has seen; empty for this clone's own stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select

from store import clock
from store.database import Store
from store.schema_runs import ratings, runs


@dataclass(frozen=True)
class KeptRun:
    """A run's summary in the given form (version of its shape)."""

    workflow: str
    run: str
    started: datetime
    form: int
    summary: str


@dataclass(frozen=True)
class Rated:
    """How somebody rated a case, 1 to 5."""

    workflow: str
    rating: int
    comment: str
    by: str
    at: datetime


class Runs:
    """The runs and ratings of one service in one store."""

    def __init__(self, store: Store, service: str = "") -> None:
        self._store, self._service = store, service

    async def known(self, process: str) -> dict[str, int]:
        """Give the form each run of a process is kept in, by run id."""
        query = select(runs.c.run, runs.c.form).where(
            runs.c.service == self._service, runs.c.process == process
        )
        async with self._store.reading() as connection:
            return {row.run: row.form for row in await connection.execute(query)}

    async def keep(self, process: str, found: Sequence[KeptRun]) -> None:
        """Keep summaries; one of a run that is kept already takes its place."""
        async with self._store.writing() as connection:
            for kept in found:
                same = (runs.c.workflow == kept.workflow) & (runs.c.run == kept.run)
                await connection.execute(delete(runs).where(same, runs.c.service == self._service))
                await connection.execute(
                    runs.insert().values(
                        service=self._service,
                        workflow=kept.workflow,
                        run=kept.run,
                        process=process,
                        started_at=clock.written(kept.started),
                        form=kept.form,
                        summary=kept.summary,
                    )
                )

    async def summaries(self, process: str, form: int) -> list[str]:
        """Give the summaries of a process that are kept in this form, oldest first."""
        query = (
            select(runs.c.summary)
            .where(runs.c.service == self._service, runs.c.process == process)
            .where(runs.c.form == form)
            .order_by(runs.c.started_at, runs.c.run)
        )
        async with self._store.reading() as connection:
            return [row.summary for row in await connection.execute(query)]

    async def processes(self) -> dict[str, int]:
        """Count the kept runs by process."""
        query = (
            select(runs.c.process, func.count().label("kept"))
            .where(runs.c.service == self._service)
            .group_by(runs.c.process)
        )
        async with self._store.reading() as connection:
            return {row.process: row.kept for row in await connection.execute(query)}

    async def workflow(self, case: str) -> str | None:
        """Find a case among the kept runs by its workflow id; None if there is none."""
        query = select(runs.c.workflow).where(
            runs.c.service == self._service, runs.c.workflow == case
        )
        async with self._store.reading() as connection:
            found: str | None = await connection.scalar(query.limit(1))
        return found

    async def rate(self, workflow: str, rating: int, comment: str, by: str) -> None:
        """Write down a rating. Earlier ones stay; the last one counts."""
        async with self._store.writing() as connection:
            await connection.execute(
                ratings.insert().values(
                    service=self._service,
                    workflow=workflow,
                    rating=rating,
                    comment=comment,
                    rated_by=by,
                    rated_at=self._store.now(),
                )
            )

    async def rated(self) -> list[Rated]:
        """List all ratings, the last one of a case last."""
        query = select(ratings).where(ratings.c.service == self._service).order_by(ratings.c.id)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Rated(row.workflow, row.rating, row.comment, row.rated_by, clock.read(row.rated_at))
            for row in rows
        ]
