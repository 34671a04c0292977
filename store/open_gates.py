"""Open gates, as workers hear of them: kept over restarts, so that they can be counted."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select, update

from store.clock import written
from store.database import Store
from store.schema_gates import open_gates
from workflows.data.metrics import GateNote


class OpenGates:
    """The open gates of one namespace in one store."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store, self._namespace = store, namespace

    async def keep(self, notes: Sequence[GateNote]) -> None:
        """Keep what was heard, in the order in which it was. Hearing it twice changes nothing."""
        async with self._store.writing() as connection:
            for note in notes:
                gone = delete(open_gates).where(self._of(note.case), open_gates.c.gate == note.gate)
                await connection.execute(gone)
                if note.opened:
                    values = {"namespace": self._namespace, "scope": note.case, "gate": note.gate}
                    more = {"process": note.process, "looked_at": self._store.now()}
                    await connection.execute(open_gates.insert().values(**values, **more))

    async def counted(self) -> dict[str, int]:
        """Count them by process."""
        process, number = open_gates.c.process, func.count()
        query = select(process, number).where(self._mine).group_by(process)
        async with self._store.reading() as connection:
            return {row[0]: int(row[1]) for row in await connection.execute(query)}

    async def unseen(self, since: timedelta, most: int) -> list[str]:
        """Name cases with open gates that were not looked at for so long, the longest first."""
        before = written(self._store.clock() - since)
        seen = func.min(open_gates.c.looked_at)
        query = select(open_gates.c.scope).where(self._mine).group_by(open_gates.c.scope)
        async with self._store.reading() as connection:
            return list(
                await connection.scalars(query.having(seen < before).order_by(seen).limit(most))
            )

    async def looked(self, cases: Collection[str], closed: Collection[str]) -> None:
        """Note that cases were looked at; those that have closed ask nobody any more."""
        async with self._store.writing() as connection:
            await connection.execute(delete(open_gates).where(self._of(*closed)))
            seen = update(open_gates).where(self._of(*cases)).values(looked_at=self._store.now())
            await connection.execute(seen)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return open_gates.c.namespace == self._namespace

    def _of(self, *cases: str) -> ColumnElement[bool]:
        return self._mine & open_gates.c.scope.in_(cases)
