"""Worker processes on virtual time: their desks share a store, and a vendor watches them send."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.desk import Desk, Handed, Inbox, Turned, Waiter
from store.fairness import Asking
from store.limits import Known
from store.permits import Closing

STEP = 0.04
"""Virtual seconds between two turns of a process."""


@dataclass(frozen=True)
class Sending:
    """A request: when sent, when the vendor sees it, when its headers are back."""

    tenant: str
    sent: float
    seen: float
    back: float


@dataclass
class Worker:
    """One process: keeps `backlog` calls of each tenant waiting."""

    desk: Desk
    tenants: Sequence[tuple[str, float, int]]
    backlog: int
    waiters: dict[str, Waiter[None]] = field(default_factory=dict)
    inbox: Inbox = field(default_factory=Inbox)
    open: list[tuple[float, float, str]] = field(default_factory=list)
    made: int = 0


async def take(_connection: AsyncConnection) -> tuple[bool, None]:
    return True, None


class World:
    """Workers, a clock, and what the vendor saw."""

    def __init__(self, store: Store, known: Known, seed: int, jitter: float) -> None:
        self.store, self.known, self.jitter = store, known, jitter
        self.random = Random(seed)  # noqa: S311 - a test
        self.now = 1_000_000.0
        self.workers: list[Worker] = []
        self.sent: list[Sending] = []
        self.refuse: Callable[[Sending], bool] = lambda _sending: False
        self.refused = 0

    def work(self, tenants: Sequence[tuple[str, float, int]], backlog: int) -> Worker:
        """Start a process with its tenants: name, weight, priority."""
        name = f"w{len(self.workers)}"
        worker = Worker(Desk(self.known, name), tenants, backlog)
        self.workers.append(worker)
        return worker

    async def run(self, seconds: float) -> None:
        """Let all processes take their turns for so long."""
        end = self.now + seconds
        while self.now < end:
            for worker in self.workers:
                self.now += STEP / len(self.workers)
                await self.turn(worker)

    async def turn(self, worker: Worker) -> Turned:
        """Let one process take a turn."""
        self._tell_what_came(worker)
        self._ask(worker)
        inbox, worker.inbox = worker.inbox, Inbox()
        async with self.store.writing() as connection:
            turned = await worker.desk.turn(connection, self.now, inbox, dict(worker.waiters))
        for handed in turned.handed:
            self._send(worker, handed)
        return turned

    def _ask(self, worker: Worker) -> None:
        waiting = Counter(w.asking.tenant for w in worker.waiters.values())
        for tenant, weight, priority in worker.tenants:
            for _ in range(worker.backlog - waiting[tenant]):
                worker.made += 1
                name = f"{worker.desk.worker}/{worker.made:06}"
                of = (name, worker.desk.worker, "openai", "", tenant, weight, priority)
                asking = Asking(*of, tokens=0, since=self.now)
                done = asyncio.get_running_loop().create_future()
                waiter: Waiter[None] = Waiter(asking, take, done)
                worker.waiters[name] = waiter
                worker.inbox.entering.append(waiter)

    def _send(self, worker: Worker, handed: Handed[None]) -> None:
        name, asking = handed.waiter.asking.id, handed.waiter.asking
        del worker.waiters[name]
        sent = max(self.now, handed.send_at) + self.random.uniform(0, self.jitter)
        back = sent + self.random.uniform(0, self.jitter)
        sending = Sending(asking.tenant, sent, self.random.uniform(sent, back), back)
        worker.open.append((back, sent, name))
        if self.refuse(sending):
            self.refused += 1
            closing = Closing(name, "openai", "", sent, limited=True)
            worker.open[-1] = (back, -1.0, name)
            worker.inbox.closings[name] = closing
        else:
            self.sent.append(sending)

    def _tell_what_came(self, worker: Worker) -> None:
        for back, sent, name in [one for one in worker.open if one[0] <= self.now]:
            worker.open.remove((back, sent, name))
            if sent >= 0:
                worker.inbox.headers[name] = back
                worker.inbox.closings[name] = Closing(name, "openai", "", sent)

    def fullest(self, per: float) -> int:
        """Give the most requests the vendor saw within any `per` seconds."""
        seen = sorted(one.seen for one in self.sent)
        return max(sum(at <= other < at + per for other in seen) for at in seen)
