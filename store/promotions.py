"""Which candidate the new cases of a process run with, until it is taken back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Delete, delete, select

from store import clock
from store.database import Store
from store.schema_shadows import promotions
from workflows.data.promotion import RunsAs


@dataclass(frozen=True)
class Promotion:
    """A candidate, as it is named on the command line and as what cases run with it; who promoted
    it, when, and why.
    """

    process: str
    candidate: str
    by: str
    reason: str
    at: datetime
    runs: RunsAs


class Promotions:
    """The promotions of one service in one store."""

    def __init__(self, store: Store, service: str = "") -> None:
        self._store, self._service = store, service

    async def promote(
        self, process: str, candidate: str, runs: RunsAs, by: str, reason: str
    ) -> None:
        """Let new cases of a process run with a candidate; it takes the place of another."""
        async with self._store.writing() as connection:
            await connection.execute(self._delete(process))
            row = {"service": self._service, "process": process, "candidate": candidate}
            told = {"reason": reason, "promoted_by": by, "promoted_at": self._store.now()}
            values = {**row, **told, "runs": runs.model_dump_json(exclude_defaults=True)}
            await connection.execute(promotions.insert().values(**values))

    async def demote(self, process: str) -> bool:
        """Let new cases run as before; says whether there was a candidate."""
        async with self._store.writing() as connection:
            return bool((await connection.execute(self._delete(process))).rowcount)

    async def all(self) -> list[Promotion]:
        """List the promotions there are, by process."""
        query = select(promotions).where(promotions.c.service == self._service)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query.order_by(promotions.c.process))).all()
        return [
            Promotion(
                *(r.process, r.candidate, r.promoted_by, r.reason, clock.read(r.promoted_at)),
                RunsAs.model_validate_json(r.runs),
            )
            for r in rows
        ]

    async def of(self, process: str) -> Promotion | None:
        """Give the candidate of a process, if one was promoted."""
        return next((p for p in await self.all() if p.process == process), None)

    def _delete(self, process: str) -> Delete:
        mine = promotions.c.service == self._service
        return delete(promotions).where(mine, promotions.c.process == process)
