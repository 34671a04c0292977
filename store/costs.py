"""What model calls cost, as the journal knows it. Reads only.

A reply that was read back from the journal or the answer cache was not sent for: it is no row here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import RowMapping, func, or_, select

from store import clock
from store.database import Store
from store.journal import ClaimState
from store.schema import claims, replies
from store.standing import FROM_CACHE
from workflows.data.common import CostView
from workflows.data.llm import Usage


@dataclass(frozen=True)
class CallCost:
    """A model call that was billed (it has its `usage`), or may have been: no answer was stored.

    `scope` is the workflow id of its case. `simulated` calls cost nothing in truth.
    """

    number: int
    scope: str
    branch: str
    vendor: str
    model: str
    state: ClaimState
    at: datetime
    usage: Usage | None
    usd: Decimal
    simulated: bool


class Costs:
    """The costs in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def calls(self, scope: str = "", since: datetime | None = None) -> list[CallCost]:
        """List the model calls of a case, or of all, oldest first; refused ones cost nothing."""
        usage = [replies.c[name] for name in Usage.model_fields]
        query = (
            select(claims, *usage, replies.c.usd, replies.c.simulated)
            .select_from(claims.outerjoin(replies, replies.c.claim_id == claims.c.id))
            .where(claims.c.model != "", claims.c.state != ClaimState.REFUSED)
            .where(claims.c.reason != FROM_CACHE)
            .order_by(claims.c.id)
        )
        if scope:
            query = query.where(claims.c.scope == scope)
        if since is not None:
            query = query.where(claims.c.claimed_at >= clock.written(since))
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_cost(row) for row in rows]

    async def of(self, prefix: str, *, whole: bool = False) -> CostView:
        """Add up what was billed to all cases whose id begins so, or to the one of that id."""
        numbers = [replies.c[n] for n in ("input_tokens", "output_tokens")]
        billed = (claims.c.model != "") & (claims.c.reason != FROM_CACHE)
        those = claims.c.scope.startswith(prefix, autoescape=True)
        query = (
            select(replies.c.usd, func.count(), *map(func.sum, numbers))
            .join(claims, claims.c.id == replies.c.claim_id)
            .where(claims.c.scope == prefix if whole else those, billed)
            .group_by(replies.c.usd)
        )
        async with self._store.reading() as connection:
            rows = (await connection.execute(query)).all()
        return CostView(
            calls=sum(row[1] for row in rows),
            input_tokens=sum(row[2] for row in rows),
            output_tokens=sum(row[3] for row in rows),
            usd=sum((Decimal(row[0]) * row[1] for row in rows), Decimal(0)),
        )

    async def newest(self, case: str, prefixes: Iterable[str]) -> str | None:
        """Find a case: the scope of this name, else the newest that begins with a prefix."""
        begins = [claims.c.scope.startswith(prefix, autoescape=True) for prefix in prefixes]
        query = select(claims.c.scope, func.max(claims.c.id).label("last")).group_by(claims.c.scope)
        query = query.where(or_(claims.c.scope == case, *begins))
        async with self._store.reading() as connection:
            found = (await connection.execute(query)).all()
        if not found:
            return None
        return str(max(found, key=lambda row: (row.scope == case, row.last)).scope)


def _cost(row: RowMapping) -> CallCost:
    answered = row["usd"] is not None
    return CallCost(
        number=row["id"],
        scope=row["scope"],
        branch=row["branch"],
        vendor=row["vendor"],
        model=row["model"],
        state=ClaimState(row["state"]),
        at=clock.read(row["claimed_at"]),
        usage=Usage(**{name: row[name] for name in Usage.model_fields}) if answered else None,
        usd=Decimal(row["usd"]) if answered else Decimal(0),
        simulated=bool(row["simulated"]),
    )
