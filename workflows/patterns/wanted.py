"""What events a process waits for: `named("paid") & (named("shipped") | named("collected"))`."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from workflows.data.events import EVENT_NAME, Arrival
from workflows.errors import Misuse


class Wanted(ABC):
    """A condition over the events that came; combine with `&`, `|`, `k_of`."""

    @abstractmethod
    def met(self, came: Sequence[Arrival]) -> bool:
        """Say whether these events are enough."""

    @abstractmethod
    def uses(self, came: Sequence[Arrival]) -> tuple[Arrival, ...]:
        """Give the events that count here, in order of arrival."""

    @abstractmethod
    def missing(self, came: Sequence[Arrival]) -> tuple[str, ...]:
        """Say what has not come; empty once it is met."""

    @abstractmethod
    def most(self) -> int:
        """Say how many events it can count on at once."""

    def __and__(self, other: "Wanted | str") -> "Wanted":
        parts = (*_parts(self, every=True), *_parts(wish(other), every=True))
        return Some(len(parts), parts)

    def __or__(self, other: "Wanted | str") -> "Wanted":
        return Some(1, (*_parts(self, every=False), *_parts(wish(other), every=False)))


@dataclass(frozen=True)
class Named(Wanted):
    """So many events of one name, from anybody or one sender."""

    name: str
    times: int = 1
    by: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(EVENT_NAME, self.name):
            raise Misuse(f"event {self.name!r} can never come: names are as order.shipped")
        if self.times < 1:
            raise Misuse(f"event {self.name!r}: times is {self.times}; wait for 1 or more")

    def met(self, came: Sequence[Arrival]) -> bool:
        """Say whether so many came."""
        return len(self.uses(came)) == self.times

    def uses(self, came: Sequence[Arrival]) -> tuple[Arrival, ...]:
        """Give the first of them."""
        fitting = (a for a in came if a.event.name == self.name and self._from(a))
        return tuple(a for a, _ in zip(fitting, range(self.times), strict=False))

    def missing(self, came: Sequence[Arrival]) -> tuple[str, ...]:
        """Say how many are to come."""
        left = self.times - len(self.uses(came))
        again = "" if self.times == 1 else f" ({left} more)"
        by = "" if self.by is None else f" by {self.by}"
        return (f"{self.name}{by}{again}",) if left else ()

    def most(self) -> int:
        """Say how many it counts on."""
        return self.times

    def _from(self, arrival: Arrival) -> bool:
        return self.by is None or arrival.event.sender == self.by

    def __str__(self) -> str:
        times = "" if self.times == 1 else f"{self.times} x "
        return f"{times}{self.name}" + ("" if self.by is None else f" by {self.by}")


@dataclass(frozen=True)
class Some(Wanted):
    """At least `count` of the parts: all of them, any, or k of n."""

    count: int
    parts: tuple[Wanted, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.count <= len(self.parts):
            raise Misuse(
                f"{self.count} of {len(self.parts)} events can"
                f" {'never be met' if self.count > 0 else 'be no wait'}: give 1 to"
                f" {len(self.parts) or 'as many as there are'}"
            )
        twice = [str(p) for n, p in enumerate(self.parts) if p in self.parts[:n]]
        if twice:
            raise Misuse(
                f"event {twice[0]} stands there twice and would count twice when it comes once;"
                " to wait for two of them write named(..., times=2)"
            )

    def met(self, came: Sequence[Arrival]) -> bool:
        """Say whether enough parts are met."""
        return sum(part.met(came) for part in self.parts) >= self.count

    def uses(self, came: Sequence[Arrival]) -> tuple[Arrival, ...]:
        """Give the events of all parts."""
        keys = {a.event.key for part in self.parts for a in part.uses(came)}
        return tuple(a for a in came if a.event.key in keys)

    def missing(self, came: Sequence[Arrival]) -> tuple[str, ...]:
        """Say what is to come: of all parts each, else how many of those left."""
        if self.met(came):
            return ()
        unmet = [part for part in self.parts if not part.met(came)]
        if self.count == len(self.parts):
            return tuple(what for part in unmet for what in part.missing(came))
        left = self.count - (len(self.parts) - len(unmet))
        return (f"{left} of: {', '.join(str(part) for part in unmet)}",)

    def most(self) -> int:
        """Say how many it counts on."""
        return sum(part.most() for part in self.parts)

    def __str__(self) -> str:
        if self.count in (1, len(self.parts)):
            word = " | " if self.count == 1 else " & "
            return f"({word.join(map(str, self.parts))})"
        return f"{self.count} of ({', '.join(map(str, self.parts))})"


def named(name: str, *, times: int = 1, by: str | None = None) -> Wanted:
    """Want `times` events of this name, each with an id of its own; `by` names the sender."""
    return Named(name, times, by)


def all_of(*wanted: Wanted | str) -> Wanted:
    """Want all of these; a string is the name of one event."""
    return k_of(len(wanted), *wanted)


def any_of(*wanted: Wanted | str) -> Wanted:
    """Want one of these."""
    return k_of(1, *wanted)


def k_of(count: int, *wanted: Wanted | str) -> Wanted:
    """Want at least `count` of these. Raises Misuse if there are fewer."""
    return Some(count, tuple(wish(w) for w in wanted))


def wish(wanted: Wanted | str) -> Wanted:
    """Take the name of one event for a condition. Raises Misuse for anything else."""
    if isinstance(wanted, str):
        return named(wanted)
    if not isinstance(wanted, Wanted):
        raise Misuse(f"{wanted!r} is no event to wait for; give a name or named(...), k_of(...)")
    return wanted


def _parts(wanted: Wanted, *, every: bool) -> tuple[Wanted, ...]:
    """Take a chain of the same kind apart, so that a & b & c are three parts of one."""
    if isinstance(wanted, Some) and len(wanted.parts) > 1:
        chained = wanted.count == (len(wanted.parts) if every else 1)
        return wanted.parts if chained else (wanted,)
    return (wanted,)
