"""Seats: who may decide at a gate, in whose place, and which roles are still open.

One person decides once, in one seat, and each seat is taken once: by the person whose it is or
by a deputy, never by both.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations

from workflows.errors import Misuse
from workflows.patterns.objection import Objection, Why

ANYBODY = "anybody"
"""A need that every person of the gate meets."""

Roles = frozenset[str]


@dataclass(frozen=True)
class Seat:
    """A place at a gate: whose it is (`of`), and who takes it (`by`: the same, or a deputy).

    `role` is the one it is taken in; empty: all that are `of`'s.
    """

    by: str
    of: str
    role: str = ""


@dataclass(frozen=True)
class Panel:
    """Everybody asked at one time, with the needs they are to fill.

    `needs` lists roles, one seat each; `people` maps names to roles; `deputies` maps people to
    those who may take their seat; whoever is `excluded` takes no seat, and nobody takes theirs.
    `persons` maps names to the one name of those who hold several: they are one person.
    """

    needs: tuple[str, ...]
    people: Mapping[str, Roles]
    deputies: Mapping[str, tuple[str, ...]]
    excluded: Roles
    persons: Mapping[str, str] = field(default_factory=dict)

    def seats_of(self, by: str, role: str = "") -> tuple[Seat, ...]:
        """Give the seats a person may take: the own one first, then those of people represented.

        With `role` only those that have it.
        """
        represented = [name for name, deputies in self.deputies.items() if by in deputies]
        return tuple(
            Seat(by, of, role)
            for of in (by, *represented)
            if of in self.people and (not role or role in self.people[of])
            if not (self.is_excluded(of) or self.is_excluded(by))
        )

    def is_excluded(self, name: str) -> bool:
        """Say whether somebody may not decide, under whatever name."""
        return self._person(name) in {self._person(other) for other in self.excluded}

    def _person(self, name: str) -> str:
        return self.persons.get(name, name)

    def _apart(self, one: Seat, other: Seat) -> bool:
        """Say whether two seats are two seats, taken by two people."""
        return self._person(one.by) != self._person(other.by) and one.of != other.of

    def _roles(self, seat: Seat) -> Roles:
        return frozenset({seat.role}) if seat.role else self.people[seat.of]

    def members(self) -> tuple[str, ...]:
        """Give all who may take a seat, people before deputies."""
        deputies = [name for of in self.people for name in self.deputies.get(of, ())]
        return tuple(n for n in dict.fromkeys([*self.people, *deputies]) if self.seats_of(n))

    def seats(self) -> list[Seat]:
        """Give every seat with everybody who may take it."""
        return [seat for name in self.members() for seat in self.seats_of(name)]

    def able(self) -> int:
        """Count the ways in which somebody can fill some need."""
        return sum(fills(self._roles(s), need) for s in self.seats() for need in self.needs)

    def still_needed(self, taken: Sequence[Seat]) -> tuple[str, ...]:
        """Give the roles left open by the best seating of those who decided, one need each.

        Best: fewest left, and among those the ones most people can fill.
        """
        given = [self._roles(s) for s in taken]

        def left(order: tuple[int, ...]) -> tuple[str, ...]:
            pairs = zip(order, given, strict=False)
            filled = {n for n, roles in pairs if fills(roles, self.needs[n])}
            return tuple(need for n, need in enumerate(self.needs) if n not in filled)

        seatings = permutations(range(len(self.needs)), min(len(given), len(self.needs)))
        return min(map(left, seatings), key=lambda n: (len(n), sum(x != ANYBODY for x in n)))

    def advances(self, seat: Seat, taken: Sequence[Seat]) -> bool:
        """Say whether a decision in this free seat would fill one more need."""
        if not all(self._apart(seat, s) for s in taken):
            return False
        return len(self.still_needed([*taken, seat])) < len(self.still_needed(taken))

    def counts(self, seat: Seat, taken: Sequence[Seat]) -> bool:
        """Say whether it would, and the rest can still be filled by others."""
        return self.advances(seat, taken) and self.can_settle([*taken, seat])

    def can_settle(self, taken: Sequence[Seat] = ()) -> bool:
        """Say whether different people in different seats can fill every need."""
        free = [s for s in self.seats() if all(self._apart(s, t) for t in taken)]
        choices = [
            [s for s in (*taken, *free) if fills(self._roles(s), need)] for need in self.needs
        ]
        # Fewest choices first: what cannot be filled then shows before the search gets wide.
        return self._distinct(sorted(choices, key=len), ())

    def choose(
        self, by: str, stands_for: str | None, taken: Sequence[Seat], role: str = ""
    ) -> Seat | Objection:
        """Give the seat in which this person's decision counts, or why there is none.

        Without `stands_for` it is the first that counts, the own before those of others.
        """
        if self.is_excluded(by):
            told = f"{by} wrote the case or decided here before, and may not decide (four eyes)"
            return Objection(Why.FOUR_EYES, told)
        if not self.seats_of(by):
            return self._stranger(by, taken)
        mine = [s for s in self.seats_of(by) if stands_for in (None, s.of)]
        if not mine:
            return Objection(Why.STRANGER, f"{by} is no deputy of {stands_for} here")
        if held := next((s.by for s in taken if self._person(s.by) == self._person(by)), None):
            as_whom = "" if held == by else f" as {held}, with the same key"
            told = f"{by} has decided already{as_whom}; another person is needed"
            return Objection(Why.SEAT_TAKEN, told)
        if not (able := [s for s in self.seats_of(by, role) if stands_for in (None, s.of)]):
            had = ", ".join(sorted(self.people[mine[0].of])) or "none"
            told = f"{by} signed as {role}, but the roles there are for {by}: {had}"
            return Objection(Why.WRONG_ROLE, told)
        if seat := next((s for s in able if self.counts(s, taken)), None):
            return seat
        return self._no_seat(by, able, taken)

    def _stranger(self, by: str, taken: Sequence[Seat]) -> Objection:
        for of, deputies in self.deputies.items():
            if by in deputies and self.is_excluded(of):
                told = f"{by} stands in for {of}, who wrote the case (four eyes)"
                return Objection(Why.FOUR_EYES, told)
        told = f"{by} is not a reviewer of this case: {', '.join(self.may_decide(taken))}"
        return Objection(Why.STRANGER, told)

    def _no_seat(self, by: str, mine: Sequence[Seat], taken: Sequence[Seat]) -> Objection:
        for seat in taken:
            if seat.of == mine[0].of:
                told = f"{seat.by} has decided for {seat.of} already; each seat decides once"
                return Objection(Why.SEAT_TAKEN, told)
        needed = " and ".join(self.still_needed(taken))
        if any(self.advances(s, taken) for s in mine):
            told = f"{by} is needed in another seat: nobody else could fill {needed}"
            return Objection(Why.SEAT_TAKEN, told)
        return Objection(Why.WRONG_ROLE, f"{by} has not the role needed here: {needed}")

    def may_decide(self, taken: Sequence[Seat]) -> tuple[str, ...]:
        """Give those whose decision would bring the gate nearer to its end, deputies last."""
        return tuple(
            name
            for name in self.members()
            if any(self.counts(seat, taken) for seat in self.seats_of(name))
        )

    def may_stand_in(self, taken: Sequence[Seat]) -> dict[str, tuple[str, ...]]:
        """Give, for each person represented, the deputies whose decision would count now."""
        open_seats = [s for s in self.seats() if s.by != s.of and self.counts(s, taken)]
        represented = dict.fromkeys(s.of for s in open_seats)
        return {of: tuple(s.by for s in open_seats if s.of == of) for of in represented}

    def _distinct(self, choices: Sequence[Sequence[Seat]], chosen: tuple[Seat, ...]) -> bool:
        """Say whether one seat of each list can be chosen, nobody and no seat twice."""
        if not choices:
            return True
        return any(
            self._distinct(choices[1:], (*chosen, seat))
            for seat in choices[0]
            if all(self._apart(seat, c) for c in chosen)
        )


def fills(roles: Roles, need: str) -> bool:
    """Say whether somebody of these roles meets a need."""
    return need == ANYBODY or need in roles


def check_names(where: str, **given: object) -> None:
    """Raise Misuse unless each is a collection of names; a text has letters for names."""
    for what, names in given.items():
        if isinstance(names, str) or not isinstance(names, Collection):
            raise Misuse(
                f"{where}: {what}={names!r} is no collection of names; write ('ann',) or {{'ann'}}"
            )
        if strange := [n for n in names if not isinstance(n, str)]:
            raise Misuse(f"{where}: {what} has {strange[0]!r}, which is no name; write a text")


def check_names_of(where: str, **given: object) -> None:
    """Raise Misuse unless each maps names to collections of names."""
    for what, people in given.items():
        if not isinstance(people, Mapping):
            raise Misuse(f"{where}: {what}={people!r} maps no names; write {{'ann': {{'bo'}}}}")
        check_names(where, **{what: people.keys()})
        for name, names in people.items():
            check_names(where, **{f"{what}[{name!r}]": names})


def check_times(where: str, **given: object) -> None:
    """Raise Misuse unless each is a timedelta."""
    for what, time in given.items():
        if not isinstance(time, timedelta):
            raise Misuse(f"{where}: {what}={time!r} has no unit; use a timedelta")
