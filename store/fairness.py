"""Who is next: strict priority, then start-time fair queueing over tenants by weight.

Pure. Tags are given when a request is let through, not when it begins to wait, so that who gives
up leaves no hole (P. Goyal et al., Start-time Fair Queueing, 1996).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from store.pools import Pool

AGING = 30.0
"""Seconds of waiting that lift a request by one level of priority: nobody starves for ever."""


@dataclass(frozen=True)
class Need:
    """What a send needs: `tokens` estimated for question and answer; priority 1 is first."""

    service: str
    model: str
    tokens: int = 0
    tenant: str = ""
    weight: float = 1.0
    priority: int = 3


@dataclass(frozen=True)
class Asking:
    """A request that waits: whose it is, `since` when, and what it will need."""

    id: str
    worker: str
    service: str
    model: str
    tenant: str
    weight: float
    priority: int
    tokens: int
    since: float


class Shares:
    """The finish tags of tenants, by (service, model, tenant); `changed` are those to be kept."""

    def __init__(self, finish: Mapping[tuple[str, str, str], float]) -> None:
        self._finish = dict(finish)
        self.changed: dict[tuple[str, str, str], float] = {}

    def ahead(self, asking: Asking, pools: Iterable[Pool]) -> float:
        """Give how far the tenant is ahead of its share, where that is most; at least 0."""
        return max((self._start(asking, pool) - pool.virtual for pool in pools), default=0.0)

    def charge(self, asking: Asking, pools: Iterable[Pool], weight: float) -> None:
        """Write a request that is let through on its tenant's account."""
        for pool in pools:
            start = self._start(asking, pool)
            key = (pool.service, pool.model, asking.tenant)
            self._finish[key] = self.changed[key] = start + pool.cost(asking.tokens) / weight
            pool.virtual = max(pool.virtual, start)

    def _start(self, asking: Asking, pool: Pool) -> float:
        finish = self._finish.get((pool.service, pool.model, asking.tenant), 0.0)
        return max(finish, pool.virtual)


def level(asking: Asking, now: float) -> int:
    """Give the priority, 1 first, lifted by the time it has waited."""
    return max(1, asking.priority - int((now - asking.since) / AGING))
