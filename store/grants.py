"""Grants: which of those who wait, in all workers, may send next, and when."""

from collections import defaultdict, deque
from collections.abc import Sequence
from math import inf
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from store.clock import seconds, stamp
from store.fairness import Asking, Shares, level
from store.permits import State, Turn
from store.pools import Pool
from store.schema import permits, shares

AT_ONCE = 10
"""So many of one model, tenant and priority are looked at in one turn."""

Queue = deque[Asking]
Grant = tuple[Asking, float]


async def grant(turn: Turn, service: str) -> float:
    """Grant what can be sent now or in a moment; give the moment to look again (or infinity)."""
    await turn.load([service])
    await turn.sweep(service)
    whole = turn.pool(service, "")
    if whole.heeded(turn.now) and (at := whole.slot(0, turn.now)) > whole.outlook(turn.now):
        return at
    queues = _queues((await turn.connection.execute(_heads(service))).all())
    if not queues:
        return inf
    tags = Shares(await _finish_tags(turn, service))
    granted, look = _choose(turn, queues, tags)
    await _write(turn, granted)
    await _keep(turn, tags)
    return look


def _choose(turn: Turn, queues: list[Queue], tags: Shares) -> tuple[list[Grant], float]:
    """Grant in order; a pool without room lets nobody pass, so that what is large gets its turn."""
    granted: list[Grant] = []
    blocked: list[Pool] = []
    look = inf
    while queue := _next(turn, queues, tags, blocked):
        one = queue[0]
        pools = turn.heeded(one.service, one.model)
        moments = [(pool.slot(one.tokens, turn.now), pool) for pool in pools]
        if closed := [(at, pool) for at, pool in moments if at > pool.outlook(turn.now)]:
            blocked += [pool for _, pool in closed]
            look = min(look, *(at for at, _ in closed))
            continue
        queue.popleft()
        if not queue:
            look = turn.now  # there may be more of them
        at = max([turn.now, *(at for at, _ in moments)])
        tags.charge(one, pools, turn.overrides.weight(one.tenant, one.weight))
        for pool in turn.both(one.service, one.model):
            pool.take(one.tokens, at, turn.now)
        granted.append((one, at))
    return granted, look


def _next(turn: Turn, queues: list[Queue], tags: Shares, blocked: list[Pool]) -> Queue | None:
    best: tuple[tuple[int, float, float, str], Queue] | None = None
    for queue in filter(None, queues):
        one = queue[0]
        pools = turn.heeded(one.service, one.model)
        if any(pool in blocked for pool in pools):
            continue
        rank = (level(one, turn.now), tags.ahead(one, pools), one.since, one.id)
        if best is None or rank < best[0]:
            best = rank, queue
    return best[1] if best else None


def _heads(service: str) -> Select[Any]:
    """Find the first of each model, tenant and priority."""
    kinds = (permits.c.model, permits.c.tenant, permits.c.priority)
    order = (permits.c.since, permits.c.id)
    place = func.row_number().over(partition_by=kinds, order_by=order).label("place")
    waiting = (permits.c.state == State.WAITING) & (permits.c.service == service)
    ranked = select(permits, place).where(waiting).subquery()
    return select(ranked).where(ranked.c.place <= AT_ONCE).order_by(ranked.c.since, ranked.c.id)


def _queues(rows: Sequence[Row[Any]]) -> list[Queue]:
    queues: dict[tuple[str, str, int], Queue] = defaultdict(deque)
    for row in rows:
        values = {name: getattr(row, name) for name in Asking.__dataclass_fields__}
        one = Asking(**(values | {"since": seconds(row.since)}))
        queues[one.model, one.tenant, one.priority].append(one)
    return list(queues.values())


async def _finish_tags(turn: Turn, service: str) -> dict[tuple[str, str, str], float]:
    rows = await turn.connection.execute(select(shares).where(shares.c.service == service))
    return {(row.service, row.model, row.tenant): row.finish for row in rows}


async def _write(turn: Turn, granted: list[Grant]) -> None:
    if not granted:
        return
    change = (
        update(permits)
        .where(permits.c.id == bindparam("row"))
        .values(
            state=State.GRANTED,
            send_at=bindparam("at"),
            in_service=bindparam("whole"),
            in_model=bindparam("alone"),
        )
    )
    rows = []
    for one, at in granted:
        windowed = [pool.windowed for pool in turn.both(one.service, one.model)]
        whole, alone = (*windowed, False)[:2]
        rows.append({"row": one.id, "at": stamp(at), "whole": whole, "alone": alone})
    await turn.connection.execute(change, rows)


async def _keep(turn: Turn, tags: Shares) -> None:
    for (service, model, tenant), finish in tags.changed.items():
        this = (shares.c.service == service) & (shares.c.model == model)
        change = update(shares).where(this, shares.c.tenant == tenant).values(finish=finish)
        if (await turn.connection.execute(change)).rowcount == 0:
            key = {"service": service, "model": model, "tenant": tenant}
            await turn.connection.execute(insert(shares).values(finish=finish, **key))
