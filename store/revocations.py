"""Whose tokens were taken back: all that were made for a name until then are refused."""

from sqlalchemy import delete, select

from store import clock
from store.database import Store
from store.schema_revocations import revocations


class Revocations:
    """The revocations of one store: of every codec endpoint and gateway on it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def revoke(self, audience: str, name: str) -> None:
        """Take back what was made for a name until now to be let in to `audience`."""
        row = {"audience": audience, "name": name}
        async with self._store.writing() as connection:
            await connection.execute(delete(revocations).filter_by(**row))
            values = {**row, "revoked_at": self._store.now()}
            await connection.execute(revocations.insert().values(**values))

    async def revoked(self, audience: str, name: str, made: float) -> bool:
        """Say whether a token is taken back that was `made` then, in seconds since 1970."""
        query = select(revocations.c.revoked_at).filter_by(audience=audience, name=name)
        async with self._store.reading() as connection:
            return made <= clock.seconds(await connection.scalar(query))
