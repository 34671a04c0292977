"""How much slower than planned the last run of each blueprint was."""

from sqlalchemy import ColumnElement, and_, delete, select

from store.database import Store
from store.schema_paces import paces
from workflows.data.paces import Pace


class Paces:
    """The paces in one store; simulated runs and real ones are kept apart."""

    def __init__(self, store: Store, *, simulated: bool) -> None:
        self._store, self._simulated = store, simulated

    async def keep(self, pace: Pace) -> None:
        """Keep the pace of a run that ended, in place of the one before."""
        values = {**pace.model_dump(), "simulated": self._simulated}
        async with self._store.writing() as connection:
            await connection.execute(delete(paces).where(self._mine(pace.blueprint)))
            now = self._store.now()
            await connection.execute(paces.insert().values(**values, kept_at=now))

    async def slower(self, blueprint: str, definition: str, snapshot: int) -> int:
        """Give the pace of the last run, in thousandths; 1000 if it ran by other times."""
        query = select(paces.c.slower).where(
            self._mine(blueprint), paces.c.definition == definition, paces.c.snapshot == snapshot
        )
        async with self._store.reading() as connection:
            return int(await connection.scalar(query) or 1_000)

    def _mine(self, blueprint: str) -> ColumnElement[bool]:
        return and_(paces.c.blueprint == blueprint, paces.c.simulated == self._simulated)
