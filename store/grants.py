"""Grants: which of those who wait, in all workers, may send next, and when."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from store.clock import seconds, stamp
from store.fairness import Asking, Shares, level
from store.permits import Flags, State, Turn
from store.pools import Pool
from store.schema import permits, shares

AT_ONCE = 10
"""So many of one model, tenant and priority are looked at in one turn."""

Queue = deque[Asking]


@dataclass(frozen=True)
class Grant:
    """Leave to send at a moment; whether it occupies the window of the service, of the model."""

    asking: Asking
    at: float
    flags: Flags


async def grant(turn: Turn, service: str, fresh: Sequence[Asking]) -> tuple[list[Grant], float]:
    """Grant what can be sent now or in a moment; give the moment to look again (or infinity).

    `fresh` are those who wait, but are not written down yet; what they got is returned, too.
    """
    await turn.load([service])
    await turn.sweep(service)
    whole = turn.pool(service, "")
    if whole.heeded(turn.now) and (at := whole.slot(0, turn.now)) > whole.outlook(turn.now):
        return [], at
    queues = _queues((await turn.connection.execute(_heads(service))).all(), fresh)
    # Who waits alone takes nothing from anybody: there is no account to keep.
    shared = len({queue[0].tenant for queue in queues}) > 1
    tags = Shares(await _finish_tags(turn, service) if shared else {})
    granted, look = _choose(turn, queues, tags)
    new = {one.id for one in fresh}
    await _write(turn, [one for one in granted if one.asking.id not in new])
    if shared:
        await _keep(turn, tags)
    return [one for one in granted if one.asking.id in new], look


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
        granted.append(Grant(one, at, turn.count(one, at)))
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


def _queues(rows: Sequence[Row[Any]], fresh: Sequence[Asking]) -> list[Queue]:
    queues: dict[tuple[str, str, int], Queue] = defaultdict(deque)
    for row in rows:
        values = {name: getattr(row, name) for name in Asking.__dataclass_fields__}
        one = Asking(**(values | {"since": seconds(row.since)}))
        queues[one.model, one.tenant, one.priority].append(one)
    full = {key for key, queue in queues.items() if len(queue) >= AT_ONCE}
    for one in fresh:
        if (key := (one.model, one.tenant, one.priority)) not in full:
            queues[key].append(one)
    return list(queues.values())


async def _finish_tags(turn: Turn, service: str) -> dict[tuple[str, str, str], float]:
    rows = await turn.connection.execute(select(shares).where(shares.c.service == service))
    return {(row.service, row.model, row.tenant): row.finish for row in rows}


async def _write(turn: Turn, granted: list[Grant]) -> None:
    if not granted:
        return
    names = ("send_at", "in_service", "in_model")
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    change = update(permits).where(permits.c.id == bindparam("row"))
    rows = [
        {
            "row": one.asking.id,
            "new_send_at": stamp(one.at),
            "new_in_service": one.flags[0],
            "new_in_model": one.flags[1],
        }
        for one in granted
    ]
    await turn.connection.execute(change.values(state=State.GRANTED, **values), rows)


async def _keep(turn: Turn, tags: Shares) -> None:
    for (service, model, tenant), finish in tags.changed.items():
        this = (shares.c.service == service) & (shares.c.model == model)
        change = update(shares).where(this, shares.c.tenant == tenant).values(finish=finish)
        if (await turn.connection.execute(change)).rowcount == 0:
            key = {"service": service, "model": model, "tenant": tenant}
            await turn.connection.execute(insert(shares).values(finish=finish, **key))
