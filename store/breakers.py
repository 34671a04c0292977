"""Circuit breakers, shared by all workers: a service that keeps failing is left alone for a while.

Closed: calls pass, and their share of failures is watched. Open: none is sent. Half open, once the
pause is over: one probe is sent; its success closes the breaker, its failure opens it for twice
as long (M. Nygard, Release It!, 2007).
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from weakref import WeakKeyDictionary

from sqlalchemy import RowMapping, Transaction, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.clock import read, written
from store.database import Store
from store.schema import breakers


class BreakerState(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True)
class BreakerRule:
    """Opens when of `at_least` calls within `window` (to twice that) this `share` failed.

    It stays open for `pause`, doubling up to `longest`; a probe that says nothing for `probe` is
    given up for another one.
    """

    window: timedelta = timedelta(seconds=30)
    at_least: int = 8
    share: float = 0.5
    pause: timedelta = timedelta(seconds=15)
    longest: timedelta = timedelta(minutes=2)
    probe: timedelta = timedelta(seconds=30)


class CircuitOpen(Exception):
    """The service is left alone until `until`; nothing was sent."""

    def __init__(self, service: str, until: datetime) -> None:
        super().__init__(f"{service} kept failing and is left alone until {until:%H:%M:%S} UTC")
        self.service, self.until = service, until


@dataclass(frozen=True)
class Circuit:
    """One breaker at a moment: counts of this window and the one before, and the pause if open."""

    good: int = 0
    bad: int = 0
    old_good: int = 0
    old_bad: int = 0
    began: datetime | None = None
    opened: int = 0
    open_until: datetime | None = None
    probe_until: datetime | None = None

    @property
    def calls(self) -> int:
        """How many calls the share is made of."""
        return self.good + self.bad + self.old_good + self.old_bad

    @property
    def share(self) -> float:
        """The share of failures, 0 to 1."""
        return (self.bad + self.old_bad) / self.calls if self.calls else 0.0

    def state(self, now: datetime) -> BreakerState:
        """Say what the next call would meet."""
        if self.open_until is None:
            return BreakerState.CLOSED
        probing = self.probe_until is not None and self.probe_until > now
        waits = probing or self.open_until > now
        return BreakerState.OPEN if waits else BreakerState.HALF_OPEN

    def look_again(self, now: datetime, rule: BreakerRule) -> datetime:
        """Say when an open breaker is worth a look: a probe on its way answers long before it is
        given up.
        """
        assert self.open_until is not None  # noqa: S101 - it is open
        if self.probe_until is None or self.probe_until <= now:
            return self.open_until
        return max(self.open_until, min(self.probe_until, now + rule.pause))

    def noted(self, good: bool, now: datetime, rule: BreakerRule) -> "Circuit":
        """Give the breaker after a call that ended well, or did not."""
        if self.open_until is not None:
            if good:
                return Circuit(began=now)
            late = self.open_until > now  # sent before it opened
            return self if late else self._open(now, rule)
        counted = self._turned(now, rule)
        counted = replace(counted, good=counted.good + good, bad=counted.bad + (not good))
        if counted.calls >= rule.at_least and counted.share >= rule.share and not good:
            return counted._open(now, rule)
        return counted

    def _turned(self, now: datetime, rule: BreakerRule) -> "Circuit":
        """Begin a new window when this one is over."""
        if self.began is None or now - self.began >= 2 * rule.window:
            return replace(self, good=0, bad=0, old_good=0, old_bad=0, began=now)
        if now - self.began >= rule.window:
            return replace(self, good=0, bad=0, old_good=self.good, old_bad=self.bad, began=now)
        return self

    def _open(self, now: datetime, rule: BreakerRule) -> "Circuit":
        pause = min(rule.pause * (1 << min(self.opened, 10)), rule.longest)
        return replace(self, opened=self.opened + 1, open_until=now + pause, probe_until=None)


@dataclass(frozen=True)
class BreakerView:
    """A breaker as people see it. `until` is when the next probe may be sent, None if closed."""

    service: str
    state: BreakerState
    calls: int
    share: float
    until: datetime | None


class Breakers:
    """The breakers of one store, one a service."""

    def __init__(self, store: Store, rule: BreakerRule | None = None) -> None:
        self._store, self.rule = store, rule or BreakerRule()

    async def check(self, connection: AsyncConnection, service: str) -> bool:
        """Say whether a call to `service` would be the probe. Raises CircuitOpen.

        What a transaction has seen closed it reads again only after it noted something: nobody else
        writes meanwhile.
        """
        closed = _seen_closed(connection)
        if service in closed:
            return False
        circuit, now = await _read(connection, service), self._store.clock()
        match circuit.state(now):
            case BreakerState.OPEN:
                raise CircuitOpen(service, circuit.look_again(now, self.rule))
            case BreakerState.HALF_OPEN:
                return True
        closed.add(service)
        return False

    async def probe(self, connection: AsyncConnection, service: str) -> None:
        """Write down that the probe is on its way: no other call passes meanwhile."""
        until = written(self._store.clock() + self.rule.probe)
        of_service = breakers.c.service == service
        await connection.execute(update(breakers).where(of_service).values(probe_until=until))

    async def note(self, connection: AsyncConnection, service: str, *, good: bool) -> None:
        """Count a call that ended well, or did not."""
        now = self._store.clock()
        _seen_closed(connection).discard(service)
        if good and await _counted(connection, service, now - self.rule.window):
            return
        before = await _read(connection, service)
        after = before.noted(good, now, self.rule)
        if after != before:
            await _write(connection, service, after)

    async def views(self) -> list[BreakerView]:
        """List all breakers by service."""
        now = self._store.clock()
        async with self._store.reading() as connection:
            rows = await connection.execute(select(breakers).order_by(breakers.c.service))
            found = [(row["service"], _circuit(row)) for row in rows.mappings()]
        return [
            BreakerView(name, c.state(now), c.calls, c.share, c.open_until) for name, c in found
        ]


_SEEN_CLOSED = WeakKeyDictionary[Transaction, set[str]]()


def _seen_closed(connection: AsyncConnection) -> set[str]:
    """Give the services whose breakers this transaction has seen closed, to be added to."""
    inside = connection.sync_connection
    transaction = inside.get_transaction() if inside else None
    return set() if transaction is None else _SEEN_CLOSED.setdefault(transaction, set())


async def _counted(connection: AsyncConnection, service: str, since: datetime) -> bool:
    """Count a good call in one statement, if its breaker is closed and its window began `since`."""
    closed = (breakers.c.service == service) & (breakers.c.open_until == "")
    change = update(breakers).where(closed, breakers.c.began > written(since))
    return bool((await connection.execute(change.values(good=breakers.c.good + 1))).rowcount)


async def _read(connection: AsyncConnection, service: str) -> Circuit:
    query = select(breakers).where(breakers.c.service == service)
    row = (await connection.execute(query)).mappings().first()
    return Circuit() if row is None else _circuit(row)


TIMES = ("began", "open_until", "probe_until")


def _circuit(row: RowMapping) -> Circuit:
    found = {name: row[name] for name in Circuit.__dataclass_fields__}
    return Circuit(**found | {name: read(found[name]) if found[name] else None for name in TIMES})


async def _write(connection: AsyncConnection, service: str, circuit: Circuit) -> None:
    row = asdict(circuit)
    row |= {name: written(row[name]) if row[name] else "" for name in TIMES}
    of_service = breakers.c.service == service
    done = await connection.execute(update(breakers).where(of_service).values(**row))
    if not done.rowcount:
        await connection.execute(breakers.insert().values(service=service, **row))
