"""How many calls may have been billed without an answer, over all cases, and of one worker."""

from sqlalchemy import and_, func, or_, select

from store import workers
from store.database import Store
from store.journal import ClaimState
from store.schema import claims

LATEST = 10_000


async def uncertain_of_late(store: Store) -> int:
    """Count, of the latest claims, the lost ones and those whose worker died over them."""
    newest = select(func.max(claims.c.id)).scalar_subquery()
    async with store.reading() as connection:
        living = await workers.living(connection, store.clock().timestamp())
        died = and_(claims.c.state == ClaimState.OPEN, claims.c.worker.not_in(living))
        unanswered = or_(claims.c.state == ClaimState.LOST, died)
        latest = claims.c.id > newest - LATEST
        query = select(func.count()).select_from(claims).where(latest, unanswered)
        return int(await connection.scalar(query) or 0)


async def open_of(store: Store, identity: str) -> int:
    """Count the calls a worker process has under way, or had when it died."""
    # Its claims carry a name of that very start.
    mine = claims.c.worker.startswith(f"{identity}-", autoescape=True)
    query = select(func.count()).select_from(claims).where(claims.c.state == ClaimState.OPEN, mine)
    async with store.reading() as connection:
        return int(await connection.scalar(query) or 0)
