"""Calls that go on at a vendor whatever becomes of us: its id of each, kept with our claim."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from store.database import Store
from store.journal import Claim, ClaimState
from store.schema import claims, remote_calls


@dataclass(frozen=True)
class Remote:
    """A call under way at a vendor, and the number of the claim it was sent under."""

    id: str
    claim: int


class Remotes:
    """The calls under way at vendors, of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, claim: Claim, remote: str) -> None:
        """Write the vendor's id down; those of calls that were answered meanwhile go."""
        answered = select(claims.c.id).where(claims.c.state == ClaimState.SETTLED)
        entry = claim.entry
        async with self._store.writing() as connection:
            done = remote_calls.c.claim_id.in_(answered) | (remote_calls.c.key == entry.key)
            await connection.execute(delete(remote_calls).where(done))
            row = {
                "key": entry.key,
                "claim_id": claim.id,
                "vendor": entry.vendor,
                "remote": remote,
                "kept_at": self._store.now(),
            }
            await connection.execute(remote_calls.insert().values(row))

    async def take_over(self, claim: Claim) -> Remote | None:
        """Go on with the call an earlier claim of this key was sent under, if there is one."""
        of_key = remote_calls.c.key == claim.entry.key
        async with self._store.writing() as connection:
            found = await connection.execute(select(remote_calls).where(of_key))
            row = found.mappings().first()
            if row is None:
                return None
            change = update(remote_calls).where(of_key).values(claim_id=claim.id)
            await connection.execute(change)
        return Remote(row["remote"], row["claim_id"])

    async def forget(self, key: str) -> None:
        """Drop a call that will bring nothing: the next attempt sends anew."""
        async with self._store.writing() as connection:
            await connection.execute(delete(remote_calls).where(remote_calls.c.key == key))
