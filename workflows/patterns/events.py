"""Events: wait for what others say has happened, in whatever order and however early it comes."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow

from workflows.calls import only_in_workflow
from workflows.data.common import JSON
from workflows.data.events import Arrival, Event, EventKey, InboxState
from workflows.errors import Misuse
from workflows.patterns.clock import now, wait_for
from workflows.patterns.wanted import Wanted, wish
from workflows.scope import log, told

BOUND = 500
KNOWN = 4
"""How many times the bound an inbox knows events again."""


@dataclass(frozen=True)
class Received:
    """What a wait ended with: the events that met it, in order of arrival.

    `complete` False: the deadline passed; `events` are those that came of the ones wanted, and
    `missing` says what did not.
    """

    complete: bool
    events: tuple[Arrival, ...]
    missing: tuple[str, ...] = ()

    def of(self, name: str) -> tuple[Arrival, ...]:
        """Give the events of this name."""
        return tuple(a for a in self.events if a.event.name == name)


@dataclass
class _Waiter:
    wanted: Wanted
    met: asyncio.Event = field(default_factory=asyncio.Event)
    received: Received | None = None


class Inbox:
    """The events a process was told of. It remembers what comes before anybody waits for it.

    It remembers `bound` events at most. Beyond that the oldest that no running wait counts on is
    dropped, counted, logged and shown by the query `events`. `owner` is the workflow id.
    """

    def __init__(self, owner: str, *, bound: int = BOUND) -> None:
        if bound < 1:
            raise Misuse(f"inbox: bound is {bound}, so it can remember nothing; give 1 or more")
        self.owner, self.bound = owner, bound
        self._arrivals: list[Arrival] = []
        self._known: dict[EventKey, None] = {}
        self._waiters: list[_Waiter] = []
        self._duplicates = self._numbers = 0
        self._dropped: Counter[str] = Counter()

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """What is remembered, in order of arrival."""
        return tuple(self._arrivals)

    def take(self, event: Event) -> bool:
        """Take an event; give False for a duplicate. Called by the signal handler."""
        if event.key in self._known:
            self._duplicates += 1
            return False
        self._note(event.key)
        self._arrivals.append(Arrival(event=event, at=now()))
        for waiter in self._waiters:
            self._look(waiter)
        if len(self._arrivals) > self.bound:
            self._drop()
        return True

    async def wait(self, wanted: Wanted | str, *, deadline: timedelta | None) -> Received:
        """Wait until what came meets `wanted`, frozen at that very event, or `deadline` passes.

        Events stay: another wait sees them too, until `forget`. Raises Misuse when the inbox
        could not remember all that is waited for.
        """
        wanted = wish(wanted)
        only_in_workflow(f"the wait for events {wanted}")
        self._check(wanted, deadline)
        waiter = _Waiter(wanted)
        self._waiters.append(waiter)
        try:
            self._look(waiter)
            await wait_for(waiter.met, deadline, f"events: {wanted}"[:200])
        finally:
            self._waiters.remove(waiter)
        if waiter.received is None:
            came = wanted.uses(self._arrivals)
            return Received(False, came, wanted.missing(self._arrivals))
        return waiter.received

    def forget(self, *arrivals: Arrival) -> None:
        """Forget events that were dealt with, so that a next wait is for new ones.

        Should one of them come again, it is still a duplicate.
        """
        keys = dict.fromkeys(arrival.event.key for arrival in arrivals)
        self._arrivals = [a for a in self._arrivals if a.event.key not in keys]

    def event(self, name: str, body: JSON = None, *, id: str = "") -> Event:
        """Make an event sent by this process. Left out, its id is a new one. Raises Misuse."""
        try:
            return Event(name=name, id=id or self.new_id(), sender=self.owner, body=body)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            raise Misuse(f"event {name!r}: {wrong['loc'][0]}: {wrong['msg']}") from None

    def new_id(self) -> str:
        """Give an id nobody else has, the same on replay (and another after a reset)."""
        if workflow.in_workflow():
            return str(workflow.uuid4())
        self._numbers += 1
        return f"{self.owner}-{self._numbers}"

    def state(self) -> InboxState:
        """Give all that is remembered, as a record."""
        return InboxState(
            arrivals=tuple(self._arrivals),
            known=tuple(self._known),
            duplicates=self._duplicates,
            dropped=sum(self._dropped.values()),
            dropped_by_name=dict(self._dropped),
            numbers=self._numbers,
        )

    def restore(self, state: InboxState) -> None:
        """Go on from an earlier run; what has come since then is kept, later than that."""
        since, self._arrivals, self._known = self._arrivals, list(state.arrivals), {}
        for key in state.known:
            self._note(key)
        self._duplicates += state.duplicates
        self._dropped.update(state.dropped_by_name)
        self._numbers += state.numbers
        for arrival in since:
            if arrival.event.key in self._known:
                self._duplicates += 1
            else:
                self._note(arrival.event.key)
                self._arrivals.append(arrival)
        for waiter in self._waiters:
            self._look(waiter)
        while len(self._arrivals) > self.bound:
            self._drop()

    # ---- inside ----------------------------------------------------------------------------

    def _check(self, wanted: Wanted, deadline: timedelta | None) -> None:
        if deadline is not None and deadline <= timedelta(0):
            raise Misuse(f"events {wanted}: deadline is {deadline}; give a positive one, or None")
        needed = wanted.most() + sum(w.wanted.most() for w in self._waiters)
        if needed > self.bound:
            raise Misuse(
                f"events {wanted}: up to {needed} events are waited for, but the inbox remembers"
                f" {self.bound}; make it with a larger bound"
            )

    def _look(self, waiter: _Waiter) -> None:
        if waiter.received is None and waiter.wanted.met(self._arrivals):
            waiter.received = Received(True, waiter.wanted.uses(self._arrivals))
            waiter.met.set()

    def _note(self, key: EventKey) -> None:
        self._known[key] = None
        while len(self._known) > KNOWN * self.bound:
            del self._known[next(iter(self._known))]

    def _drop(self) -> None:
        """Give up the oldest event that no wait counts on."""
        counted_on = dict.fromkeys(
            arrival.event.key for w in self._waiters for arrival in w.wanted.uses(self._arrivals)
        )
        keys = enumerate(arrival.event.key for arrival in self._arrivals)
        lost = self._arrivals.pop(next(place for place, key in keys if key not in counted_on))
        self._dropped[lost.event.name] += 1
        log.warning("event dropped, the inbox is full", extra=told(event_name=lost.event.name))
